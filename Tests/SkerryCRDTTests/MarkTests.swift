import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

/// The examples of "Peritext: A CRDT for Collaborative Rich Text Editing" (Litt, Lim, Kleppmann, van Hardenberg, 2022), with its sentence.
@Suite("Marks")
struct MarkTests {
    /// Two replicas that start with a text, marked or not.
    private func pair(_ text: String, _ prepare: (TextEditor) -> Void = { _ in }) throws -> (Document, Document) {
        let time = CheckClock()
        let now: @Sendable () -> UInt64 = {
            time.advance(1)
            return time.now
        }
        let one = Document(origin: OriginID(rawValue: 1), now: now), two = Document(origin: OriginID(rawValue: 2), now: now)
        one.change { change in
            change.text("t").insert(text, at: 0)
            prepare(change.text("t"))
        }
        try two.merge(one)
        return (one, two)
    }

    private func meet(_ one: Document, _ two: Document) throws -> [TextRun] {
        try one.merge(two)
        try two.merge(one)
        #expect(one.text("t").runs == two.text("t").runs)
        return one.text("t").runs
    }

    private let bold: [String: DocumentValue] = ["bold": true]

    @Test("Peritext 1: text inserted into what is made bold meanwhile is bold")
    func insertionIntoFormatted() throws {
        let (one, two) = try pair("The fox jumped.")
        one.change { $0.text("t").mark(0..<15, "bold") }
        two.change { $0.text("t").insert("brown ", at: 4) }
        #expect(try meet(one, two) == [TextRun("The brown fox jumped.", bold)])
    }

    @Test("an event that had seen less than a mark of the same author leaves the mark where it was")
    func laterThanItsAuthorSaw() throws {
        func document(_ origin: UInt64) -> Document { Document(origin: OriginID(rawValue: origin), now: { 1_000_000 }) }
        let author = document(40), early = document(10), other = document(20)
        author.change { $0.text("t").insert("ab", at: 0) }
        try early.merge(author)
        other.change { $0.text("t").insert("AB", at: 0) }
        try author.merge(other)
        author.change { $0.text("t").mark(1..<4, in: .scalars, "bold", true, expansion: .both) }
        // Its anchors are found before the event comes that had seen the author's first event alone.
        #expect(author.text("t").runs == [TextRun("A"), TextRun("Bab", bold)])
        early.change { $0.text("t").insert("x", at: 0) }
        #expect(try meet(author, early) == [TextRun("A"), TextRun("Bxab", bold)])
    }

    @Test("Peritext 2: overlapping stretches made bold are bold together")
    func overlapping() throws {
        let (one, two) = try pair("The fox jumped.")
        one.change { $0.text("t").mark(0..<7, "bold") }
        two.change { $0.text("t").mark(4..<14, "bold") }
        #expect(try meet(one, two) == [TextRun("The fox jumped", bold), TextRun(".")])
    }

    @Test("Peritext 3: bold and italic that overlap are both there")
    func differentKinds() throws {
        let (one, two) = try pair("The fox jumped.")
        one.change { $0.text("t").mark(0..<7, "bold") }
        two.change { $0.text("t").mark(4..<14, "italic") }
        #expect(
            try meet(one, two) == [
                TextRun("The ", bold), TextRun("fox", ["bold": true, "italic": true]), TextRun(" jumped", ["italic": true]), TextRun("."),
            ])
    }

    @Test("Peritext 4: where two colours overlap one holds, the same on both sides", arguments: [true, false])
    func colours(redFirst: Bool) throws {
        let (one, two) = try pair("The fox jumped.")
        func red() { one.change { $0.text("t").mark(0..<7, "colour", "red") } }
        if redFirst { red() }
        two.change { $0.text("t").mark(4..<14, "colour", "blue") }
        if !redFirst { red() }
        let red1: [String: DocumentValue] = ["colour": "red"], blue: [String: DocumentValue] = ["colour": "blue"]
        // The later stamp.
        let expected =
            redFirst
            ? [TextRun("The ", red1), TextRun("fox jumped", blue), TextRun(".")]
            : [TextRun("The fox", red1), TextRun(" jumped", blue), TextRun(".")]
        #expect(try meet(one, two) == expected)
    }

    @Test("Peritext 5: a word made bold by one and not bold by the other is one of both, everything else as each said")
    func boldAndNot() throws {
        let (one, two) = try pair("The fox jumped.") { $0.mark(4..<7, "bold") }
        one.change { $0.text("t").mark(0..<15, "bold") }
        two.change { $0.text("t").unmark(4..<7, "bold") }
        #expect(try meet(one, two) == [TextRun("The ", bold), TextRun("fox"), TextRun(" jumped.", bold)])
    }

    @Test("Peritext 6: comments on overlapping stretches stand side by side, each a kind of its own")
    func comments() throws {
        let (one, two) = try pair("The fox jumped.")
        one.change { $0.text("t").mark(0..<7, "comment:1", "really?", expansion: .none) }
        two.change { $0.text("t").mark(4..<14, "comment:2", "high", expansion: .none) }
        let both: [String: DocumentValue] = ["comment:1": "really?", "comment:2": "high"]
        #expect(
            try meet(one, two) == [
                TextRun("The ", ["comment:1": "really?"]), TextRun("fox", both), TextRun(" jumped", ["comment:2": "high"]), TextRun("."),
            ])
    }

    @Test("Peritext 7: text at the end of bold goes on bold, in front of it it does not; the same of a hole in bold")
    func growing() throws {
        let (one, two) = try pair("The fox jumped.") { $0.mark(4..<14, "bold") }
        two.change { change in
            change.text("t").insert(" over the dog", at: 14)
            change.text("t").insert("quick ", at: 4)
        }
        #expect(try meet(one, two) == [TextRun("The quick "), TextRun("fox jumped over the dog", bold), TextRun(".")])
        one.change { $0.text("t").unmark(14..<20, "bold") }
        two.change { $0.text("t").insert("es", at: 13) }
        two.change { $0.text("t").insert("!", at: 22) }
        #expect(
            try meet(one, two) == [
                TextRun("The quick "), TextRun("foxes ", bold), TextRun("jumped!"), TextRun(" over the dog", bold), TextRun("."),
            ])
    }

    @Test("Peritext 8: text at either end of a link is none of it, and a hole in a link keeps its edges")
    func links() throws {
        let (one, two) = try pair("The fox jumped.")
        one.setExpansion(.none, ofMark: "link")
        two.setExpansion(.none, ofMark: "link")
        let link: [String: DocumentValue] = ["link": "https://fox"]
        one.change { $0.text("t").mark(4..<14, "link", "https://fox") }
        try two.merge(one)
        two.change { change in
            change.text("t").insert(" over", at: 14)
            change.text("t").insert("quick ", at: 4)
        }
        #expect(try meet(one, two) == [TextRun("The quick "), TextRun("fox jumped", link), TextRun(" over.")])
        one.change { $0.text("t").unmark(13..<14, "link") }
        one.change { $0.text("t").insert("-", at: 13) }
        one.change { $0.text("t").insert("-", at: 15) }
        #expect(
            try meet(one, two) == [TextRun("The quick "), TextRun("fox", link), TextRun("- -"), TextRun("jumped", link), TextRun(" over.")])
    }

    @Test("Peritext 9: what is typed where the end of a link was deleted is none of it, and what is typed where that of bold was is bold")
    func amongDeleted() throws {
        let (one, two) = try pair("The fox jumped.")
        one.setExpansion(.none, ofMark: "link")
        let link: [String: DocumentValue] = ["link": "https://fox"]
        one.change { change in
            change.text("t").mark(4..<7, "link", "https://fox")
            change.text("t").mark(8..<14, "bold")
        }
        try two.merge(one)
        one.change { $0.text("t").delete(6..<7) }
        one.change { $0.text("t").insert("ol", at: 6) }
        one.change { $0.text("t").insert("d", at: 8) }
        one.change { $0.text("t").delete(14..<16) }
        one.change { $0.text("t").insert("s", at: 14) }
        #expect(one.text("t").runs == [TextRun("The "), TextRun("fo", link), TextRun("old "), TextRun("jumps", bold), TextRun(".")])
        // Somebody who typed inside the link before its end was deleted is inside still.
        two.change { $0.text("t").insert("x", at: 6) }
        let runs = try meet(one, two)
        #expect(runs.map(\.string).joined().contains("x") && runs.contains { $0.marks == link && $0.string.hasPrefix("fo") })
    }

    @Test("an anchor that names a mark, with which no character came, is refused")
    func anchorAtAMark() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 })
        one.change { change in
            change.text("t").insert("ab", at: 0)
            change.text("t").mark(0..<1, "bold")
        }
        let anchor = TextAnchor(character: Dot(origin: OriginID(rawValue: 1), sequence: 3), side: .before)
        for _ in 0..<2 {
            let error = #expect(throws: DocumentError.self) { try one.text("t").position(of: anchor) }
            #expect(error?.code == .notFound)
            // With a character behind it, too.
            one.change { $0.text("t").insert("c", at: 2) }
        }
    }

    @Test("a mark survives the deletion of the characters it is anchored to, and of all of them")
    func anchorsDeleted() throws {
        let (one, two) = try pair("abcdef")
        one.change { $0.text("t").mark(1..<5, "bold", expansion: .none) }
        two.change { change in
            change.text("t").delete(4..<5)
            change.text("t").delete(1..<2)
        }
        #expect(try meet(one, two) == [TextRun("a"), TextRun("cd", bold), TextRun("f")])
        one.change { $0.text("t").delete(1..<3) }
        two.change { $0.text("t").insert("X", at: 2) }
        #expect(try meet(one, two) == [TextRun("a"), TextRun("X", bold), TextRun("f")])
        one.change { $0.text("t").delete(0..<3) }
        one.change { $0.text("t").insert("new", at: 0) }
        #expect(try meet(one, two) == [TextRun("new")])
    }

    @Test("ranges in every unit, values of every kind, runs of a part and within a change")
    func readingParts() throws {
        let (one, _) = try pair("a😀é\u{301}z")
        one.change { change in
            change.text("t").mark(1..<3, in: .utf16, "size", 2.5)
            change.text("t").mark(5..<9, in: .utf8, "note", .bytes([1]))
            #expect(change.text("t").runs(in: 0..<2, in: .scalars) == [TextRun("a"), TextRun("😀", ["size": 2.5])])
            #expect(change.text("t").runs.count == 4)
        }
        #expect(one.text("t").marks(at: 1) == ["size": 2.5])
        #expect(one.text("t").marks(at: 5) == ["note": .bytes([1])])
        #expect(one.text("t").marks(at: 10) == [:])
        #expect(one.text("none").runs == [])
    }

    @Test("a document opened from a snapshot shows its marks, marks and edits on, and needs no history for it")
    func fromSnapshot() throws {
        let (one, two) = try pair("The fox jumped.") { text in
            text.mark(4..<14, "bold")
            text.mark(0..<7, "link", "u", expansion: .none)
            text.delete(6..<7)
        }
        let opened = try Document(origin: OriginID(rawValue: 3), snapshot: one.snapshot(), now: { 1_000_500 })
        #expect(opened.text("t").runs == one.text("t").runs)
        #expect(opened.snapshot() == one.snapshot())
        opened.change { change in
            change.text("t").insert(" over", at: 13)
            change.text("t").unmark(0..<2, "link", expansion: .none)
            change.text("t").insert("y", at: 6)
        }
        try one.merge(opened.history(since: one.version))
        #expect(opened.text("t").runs == one.text("t").runs)
        // Concurrent with each other, both behind the snapshot.
        two.change { $0.text("t").mark(0..<3, "italic") }
        let third = try Document(origin: OriginID(rawValue: 4), snapshot: opened.snapshot(), now: { 1_000_500 })
        third.change { $0.text("t").mark(2..<9, "colour", "red") }
        opened.change { $0.text("t").insert("--", at: 5) }
        try opened.merge(third.history(since: opened.version))
        try third.merge(opened.history(since: third.version))
        #expect(opened.text("t").runs == third.text("t").runs)
        try one.merge(opened.history(since: one.version))
        #expect(opened.text("t").runs == one.text("t").runs)
        try one.merge(two)
        try two.merge(one)
        #expect(one.text("t").runs == two.text("t").runs)
    }

    @Test("notices tell which marks changed, in every unit, and how deleted text was marked")
    func notices() throws {
        let (one, _) = try pair("äbc")
        one.change { $0.text("t").mark(0..<2, "bold") }
        let told = Told(one)
        one.change { $0.text("t").mark(2..<4, "bold") }
        let path = ContainerPath(key: "t", kind: .text)
        let start = TextPosition(utf8: 2, scalars: 1, utf16: 1), end = TextPosition(utf8: 4, scalars: 3, utf16: 3)
        #expect(
            told.take() == [
                ContainerDelta(container: path, effect: .marks([MarkEdit(start: start, end: end, key: "bold", before: nil, after: true)]))
            ])
        one.change { $0.text("t").delete(0..<2) }
        let deleted = TextEdit(
            position: TextPosition(utf8: 0, scalars: 0, utf16: 0), deleted: "ä", inserted: "", deletedRuns: [TextRun("ä", bold)])
        #expect(told.take() == [ContainerDelta(container: path, effect: .text([deleted]))])
        // Marked as before: nothing to tell.
        one.change { $0.text("t").mark(0..<1, "bold") }
        #expect(told.take().isEmpty)
    }

    @Test("typing and deleting in bold and italic is told as one edit and its marks to a reader that is behind")
    func joined() throws {
        let (one, _) = try pair("ab") { $0.mark(0..<2, "bold") }
        one.change { $0.text("t").mark(0..<2, "italic") }
        var changes: [DocumentChange] = []
        let told = Told(one)
        func take() { changes.append(DocumentChange(source: .local, deltas: told.take())) }
        for position in 2..<12 {
            one.change { $0.text("t").insert("é", at: position * 2 - 2) }
            take()
        }
        one.change { $0.text("t").delete(18..<22) }
        take()
        var joined = changes[0]
        for change in changes.dropFirst() { joined.join(change) }
        try #require(joined.deltas.count == 2)
        guard case .text(let edits) = joined.deltas[0].effect, case .marks(let marks) = joined.deltas[1].effect else {
            Issue.record("\(joined)")
            return
        }
        #expect(edits.map(\.inserted) == [String(repeating: "é", count: 10), ""] && edits.map(\.deleted) == ["", "éé"])
        // What was deleted had not been marked yet when it is told to have gone.
        #expect(edits[1].deletedRuns.isEmpty)
        #expect(marks.map(\.key).sorted() == ["bold", "italic"])
        #expect(marks.allSatisfy { $0.start == TextPosition(utf8: 2, scalars: 2, utf16: 2) && $0.end.utf8 == 18 && $0.end.scalars == 10 })
    }

    @Test("undo takes marks off and brings them back, leaves those of others, and deleted text returns as it was marked")
    func undo() throws {
        let (one, two) = try pair("The fox jumped.")
        try one.enableUndo()
        one.change { $0.text("t").mark(0..<7, "bold") }
        one.change { $0.text("t").unmark(4..<7, "bold") }
        one.change { $0.text("t").delete(0..<7) }
        #expect(one.undo())
        #expect(one.text("t").runs == [TextRun("The ", bold), TextRun("fox jumped.")])
        #expect(one.undo())
        #expect(one.text("t").runs == [TextRun("The fox", bold), TextRun(" jumped.")])
        #expect(one.redo() && one.redo() && one.undo() && one.undo())
        #expect(one.text("t").runs == [TextRun("The fox", bold), TextRun(" jumped.")])
        _ = try meet(one, two)
        two.change { $0.text("t").mark(0..<3, "bold", "very") }
        _ = try meet(one, two)
        #expect(one.undo())
        #expect(try meet(one, two) == [TextRun("The", ["bold": "very"]), TextRun(" fox jumped.")])
    }

    @Test("a version of the past has the marks it had, and the difference between two tells of them both ways")
    func past() throws {
        let (one, _) = try pair("The fox jumped.")
        let plain = one.version
        one.change { $0.text("t").mark(0..<7, "bold") }
        let marked = one.version
        one.change { $0.text("t").delete(2..<5) }
        #expect(try one.at(plain).text("t").runs == [TextRun("The fox jumped.")])
        #expect(try one.at(marked).text("t").runs == [TextRun("The fox", bold), TextRun(" jumped.")])
        let back = try one.diff(from: one.version, to: plain)
        #expect(back.count == 2)
        #expect(try one.fork(origin: OriginID(rawValue: 8)).text("t").runs == one.text("t").runs)
    }

    @Test("a mark that reaches beyond what its author saw covers what there was, and one on nothing nothing")
    func beyond() throws {
        let (one, two) = try pair("abc")
        // As only a faulty author would write it.
        one.change { change in
            change.core.pointee.mark(text: 0, 1..<900, "bold", true, expansion: .none)
            change.core.pointee.mark(text: 0, 7..<9, "italic", true, expansion: .both)
        }
        two.change { $0.text("t").insert("def", at: 3) }
        #expect(try meet(one, two) == [TextRun("a"), TextRun("bc", bold), TextRun("def")])
    }
}

/// Collects the deltas a document tells.
final class Told: Sendable {
    private let deltas = Mutex<[ContainerDelta]>([])
    private let observation = Mutex<Observation?>(nil)

    init(_ document: Document) {
        let made = document.observe { [weak self] change in self?.deltas.withLock { $0 += change.deltas } }
        observation.withLock { $0 = made }
    }

    func take() -> [ContainerDelta] {
        deltas.withLock { deltas in
            defer { deltas = [] }
            return deltas
        }
    }
}
