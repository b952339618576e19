import Foundation
import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Codable values")
struct CodableTests {
    /// One of everything.
    struct Sample: Codable, Equatable {
        enum Plain: String, Codable { case one, two }
        enum Shape: Codable, Equatable {
            case empty
            case circle(radius: Double)
            case polygon(sides: Int, name: String?)
        }
        struct Item: Codable, Equatable {
            var id: Int
            var title: DocumentText
            var tags: Set<String>
            var next: [Item]?
        }
        struct Pair: Codable, Equatable {
            var x: Float
            var y: UInt8
        }

        var flag = false
        var int = 0
        var small: Int8 = 0
        var large: UInt32 = 0
        var double = 0.0
        var string = ""
        var maybe: String?
        var nested: Pair?
        var bytes: [UInt8] = []
        var data = Data()
        var plain = Plain.one
        var shape = Shape.empty
        var numbers: [Int] = []
        var holes: [Int?] = []
        var pairs: [Pair] = []
        var grid: [[Int]] = []
        var items: [Item] = []
        var table: [String: Pair] = [:]
        var byNumber: [Int: String] = [:]
        var words: Set<String> = []
        var body = DocumentText()
        var views = DocumentCounter()

        init() {}

        init(_ random: inout CheckRandom, depth: Int = 2) {
            func word(_ random: inout CheckRandom) -> String { ["", "a", "é😀", "word", "other"][random.below(5)] }
            flag = random.chance(50)
            int = random.below(1 << 40) - 1 << 39
            small = Int8(random.below(256) - 128)
            large = UInt32(random.below(1 << 32))
            double = Double(random.below(1000)) / 8
            string = word(&random)
            maybe = random.chance(50) ? word(&random) : nil
            nested = random.chance(50) ? Pair(x: Float(random.below(9)) / 3, y: UInt8(random.below(256))) : nil
            bytes = (0..<random.below(4)).map { _ in UInt8(random.below(256)) }
            data = Data((0..<random.below(3)).map { _ in UInt8(random.below(256)) })
            plain = random.chance(50) ? .one : .two
            shape = [.empty, .circle(radius: 0.5), .polygon(sides: random.below(9), name: random.chance(50) ? "n" : nil)][random.below(3)]
            numbers = (0..<random.below(6)).map { _ in random.below(4) }
            holes = (0..<random.below(4)).map { _ in random.chance(50) ? nil : random.below(3) }
            pairs = (0..<random.below(4)).map { _ in Pair(x: 1.5, y: UInt8(random.below(3))) }
            grid = (0..<random.below(3)).map { _ in (0..<random.below(3)).map { _ in random.below(3) } }
            var ids = Array(0..<6)
            ids.shuffle(using: &random)
            items = ids.prefix(random.below(6)).map { id in
                Item(
                    id: id, title: DocumentText(word(&random)), tags: Set((0..<random.below(3)).map { _ in word(&random) }),
                    next: random.chance(30) ? [Item(id: id, title: "n", tags: [], next: nil)] : nil)
            }
            for key in ["a", "b", "c"] where random.chance(50) { table[key] = Pair(x: 0, y: UInt8(random.below(3))) }
            for key in 0..<3 where random.chance(50) { byNumber[key] = word(&random) }
            words = Set((0..<random.below(4)).map { _ in word(&random) })
            body = DocumentText((0..<random.below(5)).map { _ in word(&random) }.joined(separator: " "))
            views = DocumentCounter(Int64(random.below(100)))
        }
    }

    private func pair() throws -> (Document, Document) {
        let time = CheckClock()
        let now: @Sendable () -> UInt64 = {
            time.advance(1)
            return time.now
        }
        return (Document(origin: OriginID(rawValue: 1), now: now), Document(origin: OriginID(rawValue: 2), now: now))
    }

    @Test(
        "what is written is read, at the root, in a map and on another replica; writing it again changes nothing",
        arguments: 0..<Soak.count(30, soak: 3_000))
    func roundTrip(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 55)
        let (one, two) = try pair()
        for _ in 0..<6 {
            let sample = Sample(&random)
            try one.encode(sample)
            try one.change { change throws(DocumentError) in
                try change.map("m").map("inner").encode(sample)
                #expect(try change.map("m").map("inner").decode(Sample.self) == sample)
                #expect(try change.decode(Sample.self) == sample)
            }
            try #require(one.decode(Sample.self) == sample, "seed \(seed)")
            try #require(one.map("m").map("inner").decode(Sample.self) == sample, "seed \(seed)")
            let version = one.version
            try one.encode(sample)
            try one.change { change throws(DocumentError) in try change.map("m").map("inner").encode(sample) }
            #expect(one.version == version, "seed \(seed): equal values wrote something")
            try two.merge(one)
            try #require(two.decode(Sample.self) == sample, "seed \(seed)")
        }
    }

    @Test("replicas that write different fields of one struct both keep theirs, at every depth", arguments: 0..<Soak.count(30, soak: 3_000))
    func concurrentFields(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 99)
        let (one, two) = try pair()
        let base = Sample(&random), left = Sample(&random), right = Sample(&random)
        try one.encode(base)
        try two.merge(one)
        var mine = base, theirs = base
        mine.string = left.string
        mine.items = base.items.map { item in
            var item = item
            item.title.string += "!"
            return item
        }
        mine.table["mine"] = Sample.Pair(x: 1, y: 1)
        mine.views.value += 5
        mine.words.insert("mine")
        mine.body.string = "MINE " + mine.body.string
        theirs.int = right.int
        theirs.items = base.items.map { item in
            var item = item
            item.tags.insert("theirs")
            return item
        }
        theirs.items.reverse()
        theirs.table["theirs"] = Sample.Pair(x: 2, y: 2)
        theirs.views.value += 7
        theirs.words.insert("theirs")
        theirs.body.string += " THEIRS"
        theirs.nested = right.nested
        try one.encode(mine)
        try two.encode(theirs)
        try one.merge(two)
        try two.merge(one)
        var expected = theirs
        expected.string = mine.string
        expected.table = mine.table.merging(theirs.table) { own, _ in own }
        expected.views.value += 5
        expected.words.formUnion(mine.words)
        expected.body.string = "MINE " + base.body.string + " THEIRS"
        for index in expected.items.indices { expected.items[index].title.string += "!" }
        #expect(try one.decode(Sample.self) == expected, "seed \(seed)")
        #expect(try two.decode(Sample.self) == expected, "seed \(seed)")
    }

    @Test("a string goes into a text by its edits, so what others type stays")
    func textByDifference() throws {
        struct Note: Codable, Equatable {
            var body: String
        }
        let (one, two) = try pair()
        one.change { $0.text("body").insert("The fox jumped over the dog.", at: 0) }
        try two.merge(one)
        try one.encode(Note(body: "The quick fox jumped over the lazy dog."))
        two.change { $0.text("body").replace(8..<14, with: "sprang") }
        try one.merge(two)
        #expect(try one.decode(Note.self) == Note(body: "The quick fox sprang over the lazy dog."))
        #expect(one.register("body").value == nil)
    }

    @Test("keys that a type does not know stay, a property that is nil goes, and a dictionary is what it says")
    func unknownKeys() throws {
        struct Old: Codable, Equatable {
            var name: String
            var note: String?
        }
        let (one, _) = try pair()
        one.change { change in
            change.map("m")["name"] = "n"
            change.map("m")["note"] = "x"
            change.map("m")["newer"] = 7
        }
        try one.change { change throws(DocumentError) in
            #expect(try change.map("m").decode(Old.self) == Old(name: "n", note: "x"))
            try change.map("m").encode(Old(name: "n", note: nil))
        }
        #expect(one.map("m").keys == ["name", "newer"])
        try one.change { change throws(DocumentError) in try change.map("m").encode(["other": 1]) }
        #expect(one.map("m").keys == ["other"])
    }

    @Test("things with an id move and change in place; concurrent moves and edits of them all stay")
    func identity() throws {
        struct Task: Codable, Equatable {
            var id: String
            var done: Bool
        }
        let (one, two) = try pair()
        let tasks = ["a", "b", "c", "d", "e"].map { Task(id: $0, done: false) }
        try one.change { change throws(DocumentError) in try change.list("tasks").encode(tasks) }
        try two.merge(one)
        let events = one.version.dots[0].sequence
        // From the front to the end: one move and nothing else.
        try one.change { change throws(DocumentError) in try change.list("tasks").encode([Task](tasks[1...] + tasks[..<1])) }
        #expect(one.version.dots[0].sequence == events + 1)
        try two.change { change throws(DocumentError) in
            var changed = tasks
            changed[0].done = true
            changed.remove(at: 2)
            changed.insert(Task(id: "x", done: true), at: 1)
            try change.list("tasks").encode(changed)
        }
        try one.merge(two)
        try two.merge(one)
        let result = try one.list("tasks").decode([Task].self)
        #expect(try two.list("tasks").decode([Task].self) == result)
        #expect(Set(result.map(\.id)) == ["a", "b", "d", "e", "x"] && result.last == Task(id: "a", done: true))
        // By position where nothing names them, or another field does.
        try one.change { change throws(DocumentError) in try change.list("tasks").encode([Task](result.reversed()), identity: "none") }
        #expect(try one.list("tasks").decode([Task].self) == result.reversed())
    }

    @Test("of an enumeration's cases written concurrently the later holds")
    func enumerations() throws {
        let (one, two) = try pair()
        var sample = Sample()
        sample.shape = .circle(radius: 1)
        try one.encode(sample)
        try two.merge(one)
        sample.shape = .polygon(sides: 3, name: nil)
        try one.encode(sample)
        sample.shape = .empty
        try two.encode(sample)
        try one.merge(two)
        #expect(try one.decode(Sample.self).shape == .empty)
        sample.shape = .circle(radius: 2)
        try one.encode(sample)
        #expect(try one.decode(Sample.self).shape == .circle(radius: 2))
    }

    @Test("what does not fit is named with its path, and nothing is written")
    func errors() throws {
        struct Outer: Codable {
            struct Inner: Codable { var numbers: [UInt8] }
            var inner: [Inner]
        }
        struct Wide: Codable { var values: [UInt64] }
        struct Count: Codable { var count: Int }
        struct Texts: Codable { var body: [Int] }
        let (one, _) = try pair()
        one.change { change in
            let map = change.list("inner").insertMap(at: 0)
            for number in [1, 2, 300] as [Int64] { map.list("numbers").append(.int(number)) }
            change.text("body").insert("text", at: 0)
        }
        let version = one.version
        func path(_ body: () throws -> Void) -> [String]? {
            do { try body() } catch { return (error as? DocumentError)?.path }
            return nil
        }
        #expect(path { _ = try one.decode(Outer.self) } == ["inner", "0", "numbers", "2"])
        #expect(path { _ = try one.decode(Texts.self) } == ["body"])
        #expect(path { _ = try one.decode(Count.self) } == ["count"])
        #expect(try one.decode(Wide.self).values.isEmpty)
        #expect(path { try one.encode(Wide(values: [1, .max])) } == ["values", "1"])
        #expect(path { try one.encode(Texts(body: [1])) } == ["body"])
        #expect(path { try one.encode(["ok": DocumentText("x"), String(repeating: "k", count: 5_000): DocumentText("y")]) }?.count == 1)
        #expect(throws: DocumentError.self) { try one.encode(3) }
        #expect(one.version == version && one.text("ok").string == "")
    }

    @Test("containers in a list move with their element, and come back with it when its removal is undone")
    func children() throws {
        let (one, two) = try pair()
        try one.enableUndo()
        one.change { change in
            change.list("l").append("first")
            let map = change.list("l").insertMap(at: 1)
            map["k"] = 1
            map.text("t").insert("hello", at: 0)
            map.text("t").mark(0..<2, "bold")
            map.counter("c") += 4
            map.set("s").insert("m")
            map.list("inner").append("deep")
            map.register(of: "r").value = 9
            _ = change.list("l").insertText(at: 2)
        }
        try two.merge(one)
        let view = try #require(one.list("l").map(at: 1))
        one.change { $0.list("l").move(from: 1, to: 0) }
        two.change { $0.list("l").map(at: 1).text("t").insert("!", at: 5) }
        try one.merge(two)
        #expect(view.text("t").string == "hello!" && one.list("l").map(at: 0)?["k"] == 1 && one.list("l").text(at: 1) == nil)
        one.change { $0.list("l").remove(at: 0) }
        #expect(one.list("l").count == 2)
        #expect(one.undo())
        let back = try #require(one.list("l").map(at: 0))
        #expect(back["k"] == 1 && back.counter("c").value == 4 && back.set("s").members == ["m"] && back.list("inner").values == ["deep"])
        #expect(back.text("t").runs == [TextRun("he", ["bold": true]), TextRun("llo!")] && back.register(of: "r").value == 9)
        #expect(one.redo() && one.list("l").count == 2)
        try two.merge(one)
        #expect(two.list("l").values == one.list("l").values)
    }
}
