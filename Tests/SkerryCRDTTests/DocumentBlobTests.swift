import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("A text written as a whole")
struct DocumentBlobTests {
    private static let text = ContainerPath(key: "t", kind: .text)

    private static func document(_ origin: UInt64, _ text: String = "") -> Document {
        let document = Document(origin: OriginID(rawValue: origin), now: { 1_000_000 })
        if !text.isEmpty { document.change { $0.text("t").insert(text, at: 0) } }
        return document
    }

    /// A writer nobody has met.
    private static func writer(_ number: Int) -> OriginID { OriginID(rawValue: 1 << 40 + UInt64(number)) }

    @Test("a file put back from an old version merges into the session of two live editors")
    func putIntoSession() throws {
        let one = Self.document(1, "# Plan\n\nBuy milk and bread.\nCall Anna.\n")
        let two = try one.fork(origin: OriginID(rawValue: 2))
        let base = one.version
        // Both go on typing; a third person edits the file as it was and puts it back at the second editor.
        one.change { $0.text("t").insert("Write report.\n", at: 39) }
        two.change { $0.text("t").replace(2..<6, with: "Plan for today") }
        let put = "# Plan\n\nBuy oat milk and rye bread.\nCall Anna.\n"
        let write = try two.write(put, toText: "t", base: base, writer: Self.writer(1))
        #expect(write.events == 8)
        #expect(two.text("t").string == "# Plan for today\n\nBuy oat milk and rye bread.\nCall Anna.\n")
        #expect(try two.at(write.version).text("t").string == put)
        try one.merge(two)
        try two.merge(one)
        #expect(one.text("t").string == "# Plan for today\n\nBuy oat milk and rye bread.\nCall Anna.\nWrite report.\n")
        #expect(two.text("t").string == one.text("t").string)
        // The writer goes on from what it put, under its name.
        let next = try one.write(put + "End.\n", toText: "t", base: write.version, writer: Self.writer(1))
        #expect(try one.at(next.version).text("t").string == put + "End.\n")
        #expect(one.text("t").string.hasPrefix("# Plan for today\n\nBuy oat milk and rye bread.\nCall Anna.\n"))
        #expect(one.text("t").string.contains("Write report.\n") && one.text("t").string.contains("End.\n"))
    }

    @Test("a write that changes nothing makes no event, at any version")
    func unchanged() throws {
        let document = Self.document(1, "one\ntwo\n")
        let base = document.version
        #expect(try document.write("one\ntwo\n", toText: "t", base: base, writer: Self.writer(1)) == BlobWrite(version: base, events: 0))
        document.change { $0.text("t").insert("three\n", at: 8) }
        let version = document.version, snapshot = document.snapshot()
        #expect(try document.write("one\ntwo\n", toText: "t", base: base, writer: Self.writer(1)) == BlobWrite(version: base, events: 0))
        #expect(try document.write("", toText: "nothing", base: version, writer: Self.writer(1)).events == 0)
        #expect(document.version == version)
        #expect(document.snapshot() == snapshot)
    }

    @Test("a write over the newest version is the document's own, and the text reads as it was written")
    func newest() throws {
        let document = Self.document(1, "a b c\n")
        let write = try document.write("a x c\nd\n", toText: "t", base: document.version, writer: Self.writer(1))
        #expect(document.text("t").string == "a x c\nd\n")
        #expect(write.version == document.version)
        #expect(document.version.dots.map(\.origin) == [OriginID(rawValue: 1)])
        // The first write makes the text.
        let empty = Self.document(2)
        try empty.write("é😀\n", toText: "t", base: CausalContext(), writer: Self.writer(1))
        #expect(empty.text("t").string == "é😀\n")
        // The document goes on from there.
        empty.change { $0.text("t").insert("!", at: 0) }
        let other = Self.document(3)
        try other.merge(empty)
        #expect(other.text("t").string == "!é😀\n")
    }

    /// Edits of lines, words and single letters, some beyond ASCII.
    private static func edited(_ text: String, _ random: inout CheckRandom) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<random.below(5) {
            let at = random.below(scalars.count + 1), length = min(random.below(12), scalars.count - at)
            let fresh = ["", "x", "é", "😀", "word ", "two words", "\n", "a line\n", "ü\nö\n", "}\n"][random.below(10)]
            scalars.replaceSubrange(at..<at + length, with: Array(fresh.unicodeScalars))
        }
        return String(String.UnicodeScalarView(scalars))
    }

    @Test("the text at a write's version is what was written, and all replicas agree", arguments: 0..<Soak.count(60, soak: 4_000))
    func converges(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 31)
        let documents = (0..<3).map { Self.document(UInt64(40 - $0)) }
        var written: [(version: CausalContext, text: String)] = [(CausalContext(), "")]
        var writers = 0
        for _ in 0..<50 {
            let document = documents[random.below(3)]
            switch random.below(10) {
            case 0, 1, 2:
                try document.merge(documents[random.below(3)])
            case 3, 4, 5:
                document.change { DocumentConvergenceTests.step($0, &random) }
                written.append((document.version, document.text("t").string))
            default:
                // Some base that this replica knows; its mirror hears of the write like of any other.
                let known = written.filter { document.version.covers($0.version) }
                let base = known[random.chance(50) ? known.count - 1 : random.below(known.count)]
                let text = Self.edited(base.text, &random), before = document.version
                writers += 1
                let write = try document.write(text, toText: "t", base: base.version, writer: Self.writer(writers))
                #expect((write.events == 0) == (text.unicodeScalars.elementsEqual(base.text.unicodeScalars)), "seed \(seed)")
                #expect(try document.at(write.version).text("t").string == text, "seed \(seed)")
                if base.version == before { #expect(document.text("t").string == text, "seed \(seed)") }
                written.append((write.version, text))
            }
        }
        for _ in 0..<2 { for to in documents { for from in documents where from !== to { try to.merge(from) } } }
        for document in documents { try #require(Plain(document) == Plain(documents[0]), "seed \(seed)") }
        for (version, text) in written { try #require(documents[0].at(version).text("t").string == text, "seed \(seed)") }
        // Another replica, from bytes alone.
        let copy = Self.document(5)
        try copy.merge(documents[2].history())
        #expect(Plain(copy) == Plain(documents[0]), "seed \(seed)")
    }

    @Test("watchers hear of a write, once and exactly")
    func notices() throws {
        let document = Self.document(1, "alpha\nbeta\ngamma\n")
        let base = document.version
        document.change { $0.text("t").insert("zero\n", at: 0) }
        let mirror = Document(origin: OriginID(rawValue: 9))
        mirror.change { $0.text("t").insert(document.text("t").string, at: 0) }
        let changes = Recorder()
        let observation = document.observe { changes.append($0) }
        try document.write("alpha\nBeta\ngamma\ndelta\n", toText: "t", base: base, writer: Self.writer(1))
        observation.cancel()
        #expect(changes.all.count == 1)
        for delta in changes.all.flatMap(\.deltas) {
            guard case .text(let edits) = delta.effect else { continue }
            for edit in edits {
                mirror.change {
                    $0.text("t").replace(edit.position.utf8..<edit.position.utf8 + edit.deleted.utf8.count, with: edit.inserted)
                }
            }
        }
        #expect(mirror.text("t").string == "zero\nalpha\nBeta\ngamma\ndelta\n")
        #expect(document.text("t").string == mirror.text("t").string)
    }

    @Test("anchors stay on what a write left alone")
    func anchors() throws {
        let document = Self.document(1, "first line\nsecond line\nthird line\n")
        let base = document.version
        let second = try document.text("t").anchor(at: 11, .before), line = try document.text("t").anchor(at: 18, .before)
        let third = try document.text("t").anchor(at: 23, .before)
        try document.write("zeroth\nfirst line\nthe second short line\nthird line\n", toText: "t", base: base, writer: Self.writer(1))
        let text = document.text("t").string
        #expect(text == "zeroth\nfirst line\nthe second short line\nthird line\n")
        let position = { (anchor: TextAnchor) throws(DocumentError) in try document.text("t").position(of: anchor) }
        #expect(text.utf8.dropFirst(try position(second)).starts(with: "second".utf8))
        #expect(text.utf8.dropFirst(try position(line)).starts(with: "line\nthird".utf8))
        #expect(text.utf8.dropFirst(try position(third)).starts(with: "third line".utf8))
    }

    @Test("a write is refused, and leaves no trace, when its base is unknown, it is no text, or it is too large")
    func refusals() throws {
        let document = Self.document(1, "text\n")
        let base = document.version
        let elsewhere = Self.document(2, "other\n")
        document.change { $0.text("t").insert("more\n", at: 5) }
        try document.merge(elsewhere)
        let snapshot = document.snapshot()
        func code(_ blob: [UInt8], _ path: ContainerPath = Self.text, _ base: CausalContext, _ writer: Int = 1) -> DocumentError? {
            do throws(DocumentError) { try document.write(blob, to: path, base: base, writer: Self.writer(writer)) } catch { return error }
            return nil
        }
        let unknown = CausalContext(covering: [Dot(origin: OriginID(rawValue: 77), sequence: 3)])
        #expect(code([120], Self.text, unknown)?.code == .notFound)
        // A mere part of what a replica saw.
        elsewhere.change { $0.text("t").insert("!", at: 0) }
        try elsewhere.merge(document)
        elsewhere.change { $0.text("t").insert("?", at: 0) }
        let gap = CausalContext(covering: [elsewhere.heads[0]])
        try document.merge(elsewhere)
        let before = document.snapshot()
        #expect(code([120], Self.text, gap)?.code == .notFound)
        for bad in [[0x61, 0xFF], [0x61, 0xC3], [0x61, 0xC0, 0x80], [0x61, 0xED, 0xA0, 0x80], [0x61, 0x80]] as [[UInt8]] {
            let error = code(bad, Self.text, base)
            #expect(error?.code == .mismatch && error?.offset == 1)
        }
        #expect(code([UInt8](repeating: 97, count: Document.blobMaximum + 1), Self.text, base)?.code == .limitExceeded)
        #expect(code([97], ContainerPath(key: "m", kind: .map), base)?.code == .mismatch)
        #expect(code([97], ContainerPath(key: "m", kind: .map).appending(key: "t", kind: .text), base)?.code == .notFound)
        #expect(document.snapshot() == before && snapshot != before)
        // A writer's second write must build on its first.
        let first = try document.write("one\n", toText: "t", base: base, writer: Self.writer(2))
        #expect(code([98], Self.text, base, 2)?.code == .mismatch)
        #expect(code([98], Self.text, first.version, 2) == nil)
    }

    @Test("a text inside a map is written like any other")
    func nested() throws {
        let document = Self.document(1)
        document.change { $0.map("m").map("n").text("t").insert("one two\n", at: 0) }
        let base = document.version
        document.change { $0.map("m").map("n").text("t").insert("zero ", at: 0) }
        let path = ContainerPath(key: "m", kind: .map).appending(key: "n", kind: .map).appending(key: "t", kind: .text)
        try document.write(Array("one 2\n".utf8), to: path, base: base, writer: Self.writer(1))
        #expect(document.map("m").map("n").text("t").string == "zero one 2\n")
    }

    @Test("a document opened from a snapshot takes a write over what it was opened from, and asks history for older bases")
    func fromSnapshot() throws {
        let document = Self.document(1, "one\ntwo\n")
        let old = document.version
        document.change { $0.text("t").insert("zero\n", at: 0) }
        let chunks = try document.history(), snapshot = document.snapshot()
        let opened = try Document(origin: OriginID(rawValue: 2), snapshot: snapshot, history: { chunks })
        try opened.write("zero\none\nTWO\n", toText: "t", base: opened.version, writer: Self.writer(1))
        #expect(opened.text("t").string == "zero\none\nTWO\n")
        try opened.write("uno\ntwo\n", toText: "t", base: old, writer: Self.writer(2))
        #expect(opened.text("t").string == "zero\nuno\nTWO\n")
        try document.merge(opened)
        #expect(document.text("t").string == opened.text("t").string)
        let blind = try Document(origin: OriginID(rawValue: 3), snapshot: snapshot)
        #expect(throws: DocumentError.self) { try blind.write("x", toText: "t", base: old, writer: Self.writer(3)) }
    }

    @Test("a large text goes through a live stream and through history like any other change; in the long form, the largest")
    func streamed() throws {
        let document = Self.document(1)
        let blob = [UInt8](repeating: 0x61, count: Soak.count(1 << 18, soak: Document.blobMaximum - 3)) + Array("é\n".utf8)
        let path = ContainerPath(key: "t", kind: .text)
        let write = try document.write(blob, to: path, base: CausalContext(), writer: Self.writer(1))
        #expect(write.events == blob.count - 1)
        document.change { $0.text("t").insert("live ", at: 0) }
        try document.write(Array("short\n".utf8), to: path, base: write.version, writer: Self.writer(2))
        #expect(document.text("t").string == "live short\n")
        let other = Self.document(2), stored = Self.document(3)
        var encoder = UpdateEncoder(), decoder = UpdateDecoder()
        while let frame = try encoder.encode(document) {
            #expect(try decoder.apply(frame, to: other).missing == nil)
        }
        try stored.merge(document.history())
        #expect(other.text("t").string == "live short\n")
        #expect(stored.text("t").string == "live short\n")
        #expect(try other.at(write.version).text("t").string.utf8.elementsEqual(blob))
    }

    @Test("a large file with few edits makes few events and takes a moment")
    func large() throws {
        let lines = (0..<100_000).map { "line \($0) of a file of some length\n" }
        let document = Self.document(1, lines.joined())
        let base = document.version
        document.change { $0.text("t").replace(0..<4, with: "LINE") }
        var changed = lines
        for index in stride(from: 500, to: 100_000, by: 10_000) { changed[index] = "line \(index) of a file of no length\n" }
        changed.remove(at: 70_000)
        let clock = ContinuousClock()
        var write = BlobWrite(version: base, events: 0)
        let time = try clock.measure { write = try document.write(changed.joined(), toText: "t", base: base, writer: Self.writer(1)) }
        print("a write of \(changed.joined().utf8.count) bytes over an old version: \(time)")
        #expect(write.events == 10 * 6 + lines[70_000].count)
        changed[0].replaceSubrange(changed[0].startIndex..<changed[0].index(changed[0].startIndex, offsetBy: 4), with: "LINE")
        #expect(document.text("t").string == changed.joined())
    }

    @Test("edits keep what is shared, and do not weave chance into changed words")
    func edits() {
        func shown(_ from: String, _ to: String) -> [String] {
            BlobEdits(from: Array(from.utf8), to: Array(to.utf8)).edits.map { edit in
                String(decoding: Array(from.utf8)[edit.source], as: UTF8.self) + ">"
                    + String(decoding: Array(to.utf8)[edit.target], as: UTF8.self)
            }
        }
        #expect(shown("same\n", "same\n") == [])
        #expect(shown("the quick brown fox\n", "the slow brown cat\n") == ["quick>slow", "fox>cat"])
        #expect(shown("count", "counter") == [">er"])
        #expect(shown("é", "è") == ["é>è"])
        #expect(shown("a😀b", "a😁b") == ["😀>😁"])
        #expect(shown("aé", "aéé") == [">é"])
        // One blank between two new words is chance.
        #expect(shown("abcdef ghijkl\n", "uvwxyz mnopqr\n") == ["abcdef ghijkl>uvwxyz mnopqr"])
        #expect(shown("one\ntwo\nthree\n", "one\nthree\nfour\n") == ["two\n>", ">four\n"])
        #expect(shown("no end", "no end\n") == [">\n"])
    }
}

private final class Recorder: Sendable {
    private let changes = Mutex<[DocumentChange]>([])
    func append(_ change: DocumentChange) { changes.withLock { $0.append(change) } }
    var all: [DocumentChange] { changes.withLock { $0 } }
}
