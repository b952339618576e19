import Synchronization
import Testing

@testable import SkerryCRDT

/// A clock that a test moves.
final class TestClock: Sendable {
    private let time = Mutex<UInt64>(1_000_000)

    var now: UInt64 { time.withLock { $0 } }
    func advance(_ milliseconds: UInt64) { time.withLock { $0 += milliseconds } }
}

/// Everything a document says, as plain values.
struct Plain: Equatable {
    var texts: [String] = []
    var runs: [[TextRun]] = []
    var lists: [[DocumentValue]] = []
    var maps: [[String: [DocumentValue]]] = []
    var counter: Int64 = 0
    var set: Set<DocumentValue> = []
    var register: [DocumentValue] = []

    init(_ document: Document) {
        let map = document.map("m"), nested = map.map("n")
        texts = [document.text("t").string, nested.text("t").string]
        runs = [document.text("t").runs, nested.text("t").runs]
        lists = [document.list("l").values, nested.list("l").values]
        maps = [map, nested].map { map in Dictionary(uniqueKeysWithValues: map.keys.map { ($0, map.values($0)) }) }
        counter = document.counter("c").value
        set = document.set("s").members
        register = document.register("r").values
    }
}

@Suite("A document")
struct DocumentConvergenceTests {
    /// One random step in an open change.
    static func step(_ change: Change, _ random: inout TestRandom) {
        let nested = random.chance(30)
        switch random.below(8) {
        case 0, 1:
            let text = nested ? change.map("m").map("n").text("t") : change.text("t")
            let length = text.count(in: .scalars)
            if random.chance(30) { return mark(text, &random) }
            let start = random.below(length + 1), end = min(length, start + random.below(3))
            text.replace(start..<end, in: .scalars, with: random.chance(70) ? ["x", "é", "hello", "😀\n"][random.below(4)] : "")
        case 2, 3, 4:
            let list = nested ? change.map("m").map("n").list("l") : change.list("l")
            let count = list.count
            switch random.below(count == 0 ? 1 : 4) {
            case 0: list.insert(.int(Int64(random.below(1000))), at: random.below(count + 1))
            case 1: list.remove(at: random.below(count))
            case 2: list.move(from: random.below(count), to: random.below(count))
            default: list[random.below(count)] = .string("v\(random.below(100))")
            }
        case 5:
            let map = nested ? change.map("m").map("n") : change.map("m")
            map["k\(random.below(3))"] = random.chance(25) ? nil : .int(Int64(random.below(1000)))
        case 6:
            let member = DocumentValue.int(Int64(random.below(4)))
            if random.chance(60) { change.set("s").insert(member) } else { change.set("s").remove(member) }
        default:
            change.counter("c") += Int64(random.below(9)) - 4
            change.register("r").value = .int(Int64(random.below(100)))
        }
    }

    /// A random mark on a text, or a random one off it.
    static func mark(_ text: TextEditor, _ random: inout TestRandom) {
        let length = text.count(in: .scalars)
        let start = random.below(length + 1), end = min(length, start + random.below(6))
        let key = ["b", "i", "color"][random.below(3)]
        let expansion = MarkExpansion.allCases[random.below(4)]
        if random.chance(30) {
            text.unmark(start..<end, in: .scalars, key, expansion: expansion)
        } else {
            let value: DocumentValue = key == "color" ? .int(Int64(random.below(3))) : true
            text.mark(start..<end, in: .scalars, key, value, expansion: expansion)
        }
    }

    private struct Nothing: Error {}

    /// Replicas that work and sometimes hear of each other, each mirrored from its notices alone.
    static func session(seed: Int, replicas: Int, steps: Int) throws -> (documents: [Document], mirrors: [Mirror]) {
        var random = TestRandom(seed: seed)
        let clock = TestClock()
        let documents = (0..<replicas).map { Document(origin: OriginID(rawValue: UInt64(900 - $0 * 7)), now: { clock.now }) }
        let mirrors = documents.map { Mirror($0) }
        for _ in 0..<steps {
            if random.chance(40) { clock.advance(UInt64(random.below(3))) }
            let who = random.below(replicas)
            if random.chance(25) {
                let other = (who + 1 + random.below(replicas - 1)) % replicas
                try documents[who].merge(documents[other].history(since: random.chance(80) ? documents[who].version : CausalContext()))
            } else if random.chance(10) {
                let before = documents[who].snapshot(), version = documents[who].version
                #expect(throws: Nothing.self) {
                    try documents[who].change { change throws(Nothing) in
                        for _ in 0...random.below(6) { step(change, &random) }
                        throw Nothing()
                    }
                }
                #expect(documents[who].snapshot() == before, "seed \(seed): a change that threw left a trace")
                #expect(documents[who].version == version)
            } else {
                documents[who].change { change in for _ in 0...random.below(3) { step(change, &random) } }
            }
            mirrors[who].check(seed)
        }
        return (documents, mirrors)
    }

    @Test(
        "converges whatever is done to it, its notices tell all, and a throwing change leaves no trace",
        arguments: 0..<Soak.count(90, soak: 6_000))
    func converges(seed: Int) throws {
        let (documents, mirrors) = try Self.session(seed: seed, replicas: 2 + seed % 4, steps: 60 + seed % 5 * 30)
        for _ in 0..<2 {
            for to in documents { for from in documents where from !== to { try to.merge(from.history(since: to.version)) } }
        }
        let expected = Plain(documents[0])
        for (document, mirror) in zip(documents, mirrors) {
            try #require(Plain(document) == expected, "seed \(seed)")
            mirror.check(seed)
        }
        // From bytes alone, in an order of their own, and from a snapshot of one replica.
        let copy = Document(origin: OriginID(rawValue: 5), now: { 9_000_000 })
        try copy.merge(documents[0].history())
        try #require(Plain(copy) == expected, "seed \(seed), from history")
        let opened = try Document(origin: OriginID(rawValue: 5), snapshot: documents[1].snapshot(), now: { 9_000_000 })
        try #require(Plain(opened) == expected, "seed \(seed), from a snapshot")
        #expect(opened.snapshot() == documents[1].snapshot())
    }

    @Test("goes on from a snapshot, reading history when a branch needs it", arguments: 0..<Soak.count(40, soak: 3_000))
    func continuesFromSnapshot(seed: Int) throws {
        var random = TestRandom(seed: seed &+ 77)
        let (documents, _) = try Self.session(seed: seed &+ 5_000, replicas: 3, steps: 80)
        let chunks = try documents[0].history()
        let opened = try Document(origin: OriginID(rawValue: 5), snapshot: documents[0].snapshot(), now: { 1_000_200 }, history: { chunks })
        for _ in 0..<10 { opened.change { Self.step($0, &random) } }
        for _ in 0..<2 {
            for other in documents {
                try opened.merge(other.history(since: opened.version))
                opened.change { Self.step($0, &random) }
                try other.merge(opened.history(since: other.version))
            }
        }
        for other in documents { try other.merge(opened.history(since: other.version)) }
        try opened.merge(documents[1].history(since: opened.version))
        for other in documents { try #require(Plain(other) == Plain(opened), "seed \(seed)") }
        let copy = Document(origin: OriginID(rawValue: 6), now: { 9_000_000 })
        try copy.merge(opened.history())
        try #require(Plain(copy) == Plain(opened), "seed \(seed), from history")
    }
}

/// A document's state rebuilt from its notices.
final class Mirror: Sendable {
    private struct State {
        var texts: [ContainerPath: [MarkedScalar]] = [:]
        var lists: [ContainerPath: [DocumentValue]] = [:]
        var keys: [ContainerPath: [String: DocumentValue]] = [:]
        var counters: [ContainerPath: Int64] = [:]
        var sets: [ContainerPath: Set<DocumentValue>] = [:]
        var failure: String?
    }

    private let state = Mutex(State())
    private let document: Document
    private let observation = Mutex<Observation?>(nil)

    init(_ document: Document) {
        self.document = document
        let made = document.observe { [weak self] change in
            guard let self else { return }
            state.withLock { state in for delta in change.deltas { Mirror.apply(delta, to: &state) } }
        }
        observation.withLock { $0 = made }
    }

    /// What changes that were told lead to.
    init(_ document: Document, replaying changes: [DocumentChange]) {
        self.document = document
        state.withLock { state in
            for change in changes { for delta in change.deltas { Mirror.apply(delta, to: &state) } }
        }
    }

    private static func apply(_ delta: ContainerDelta, to state: inout State) {
        switch delta.effect {
        case .text(let edits):
            for edit in edits {
                var scalars = state.texts[delta.container, default: []]
                let end = edit.position.scalars + edit.deleted.unicodeScalars.count
                if end > scalars.count { state.failure = "\(edit)" }
                let old = scalars[edit.position.scalars..<end]
                if String(old.map(\.scalar)) != edit.deleted { state.failure = "\(edit)" }
                // What was marked of it is told, the rest is told to have no marks by saying nothing.
                let runs = old.contains { !$0.marks.isEmpty } ? [TextRun](Array(old)) : []
                if runs != edit.deletedRuns { state.failure = "\(edit) of \(runs)" }
                let before = String(scalars[..<edit.position.scalars].map(\.scalar))
                if before.utf8.count != edit.position.utf8 || before.utf16.count != edit.position.utf16 { state.failure = "\(edit)" }
                let inserted = edit.insertedRuns.isEmpty ? [TextRun(edit.inserted)] : edit.insertedRuns
                if inserted.map(\.string).joined() != edit.inserted { state.failure = "\(edit)" }
                scalars.replaceSubrange(
                    edit.position.scalars..<end,
                    with: inserted.flatMap { run in run.string.unicodeScalars.map { MarkedScalar(scalar: $0, marks: run.marks) } })
                state.texts[delta.container] = scalars
            }
        case .marks(let edits):
            for edit in edits {
                for position in edit.start.scalars..<edit.end.scalars {
                    if state.texts[delta.container]![position].marks[edit.key] != edit.before { state.failure = "\(edit)" }
                    state.texts[delta.container]![position].marks[edit.key] = edit.after
                }
                let before = String(state.texts[delta.container]![..<edit.end.scalars].map(\.scalar))
                if before.utf8.count != edit.end.utf8 || before.utf16.count != edit.end.utf16 { state.failure = "\(edit)" }
            }
        case .list(let edits):
            for edit in edits {
                let range = edit.index..<edit.index + edit.deleted.count
                let list = state.lists[delta.container, default: []]
                if range.upperBound > list.count || Array(list[range]) != edit.deleted {
                    state.failure = "\(edit) on \(list)"
                    return
                }
                state.lists[delta.container, default: []].replaceSubrange(range, with: edit.inserted)
            }
        case .keys(let edits):
            for edit in edits {
                if state.keys[delta.container]?[edit.key] != edit.before { state.failure = "\(edit)" }
                state.keys[delta.container, default: [:]][edit.key] = edit.after
            }
        case .counter(let amount): state.counters[delta.container, default: 0] += amount
        case .members(let edits):
            for edit in edits {
                if edit.isMember {
                    state.sets[delta.container, default: []].insert(edit.member)
                } else {
                    state.sets[delta.container]?.remove(edit.member)
                }
            }
        }
    }

    /// Compares with what the document says.
    func check(_ seed: Int) {
        let state = state.withLock { $0 }
        #expect(state.failure == nil, "seed \(seed)")
        let nested = ContainerPath(key: "m", kind: .map).appending(key: "n", kind: .map)
        #expect([TextRun](state.texts[ContainerPath(key: "t", kind: .text), default: []]) == document.text("t").runs, "seed \(seed)")
        #expect([TextRun](state.texts[nested.appending(key: "t", kind: .text), default: []]) == document.map("m").map("n").text("t").runs)
        #expect(state.lists[ContainerPath(key: "l", kind: .list), default: []] == document.list("l").values, "seed \(seed)")
        #expect(state.lists[nested.appending(key: "l", kind: .list), default: []] == document.map("m").map("n").list("l").values)
        #expect(state.counters[ContainerPath(key: "c", kind: .counter), default: 0] == document.counter("c").value)
        #expect(state.sets[ContainerPath(key: "s", kind: .set), default: []] == document.set("s").members)
        let map = document.map("m")
        #expect(state.keys[ContainerPath(key: "m", kind: .map), default: [:]].keys.sorted() == map.keys)
        #expect(state.keys[ContainerPath(key: "r", kind: .register)]?[""] == document.register("r").value)
    }
}

/// A character and its marks.
struct MarkedScalar: Hashable {
    var scalar: Unicode.Scalar
    var marks: [String: DocumentValue] = [:]
}

extension [TextRun] {
    init(_ scalars: [MarkedScalar]) {
        self = []
        for scalar in scalars {
            if last?.marks == scalar.marks {
                self[count - 1].string.unicodeScalars.append(scalar.scalar)
            } else {
                append(TextRun(String([scalar.scalar]), scalar.marks))
            }
        }
    }
}
