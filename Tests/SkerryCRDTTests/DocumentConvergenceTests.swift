import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("A document")
struct DocumentConvergenceTests {
    /// One random step in an open change.
    static func step(_ change: Change, _ random: inout CheckRandom) {
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
    static func mark(_ text: TextEditor, _ random: inout CheckRandom) {
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
    static func session(seed: Int, replicas: Int, steps: Int) throws -> (documents: [Document], mirrors: [document_checks.Mirror]) {
        var random = CheckRandom(seed: seed)
        let clock = CheckClock()
        let documents = (0..<replicas).map { Document(origin: OriginID(rawValue: UInt64(900 - $0 * 7)), now: { clock.now }) }
        let mirrors = documents.map { document_checks.Mirror($0) }
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
            try mirrors[who].check()
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
            try mirror.check()
        }
        // From bytes alone, in an order of their own, and from a snapshot of one replica.
        let copy = Document(origin: OriginID(rawValue: 5), now: { 9_000_000 })
        try copy.merge(documents[0].history())
        try #require(Plain(copy) == expected, "seed \(seed), from history")
        let opened = try Document(origin: OriginID(rawValue: 5), snapshot: documents[1].snapshot(), now: { 9_000_000 })
        try #require(Plain(opened) == expected, "seed \(seed), from a snapshot")
        #expect(opened.snapshot() == documents[1].snapshot())
    }

    @Test("tells with a change where it came from and whose events it is, and with changes told together all of these")
    func origins() throws {
        let documents = (1...3).map { Document(origin: OriginID(rawValue: $0), now: { 1_000_000 }) }
        let changes = Mutex<[DocumentChange]>([])
        let observation = documents[0].observe { change in changes.withLock { $0.append(change) } }
        try documents[0].enableUndo()
        documents[0].change { $0.counter("c") += 1 }
        documents[0].undo()
        documents[2].change { $0.counter("c") += 1 }
        try documents[1].merge(documents[2])
        documents[1].change { $0.counter("c") += 1 }
        try documents[0].merge(documents[1])
        observation.cancel()
        let told = changes.withLock { $0 }
        #expect(told.map(\.source) == [.local, .undo, .remote])
        #expect(told.map { $0.origins.map(\.rawValue) } == [[1], [1], [2, 3]])
        var joined = told[0]
        joined.join(told[2])
        #expect(joined.source == .several && joined.origins.map(\.rawValue) == [1, 2, 3])
        #expect(joined.deltas.map(\.effect) == [.counter(3)])
    }

    @Test("goes on from a snapshot, reading history when a branch needs it", arguments: 0..<Soak.count(40, soak: 3_000))
    func continuesFromSnapshot(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 77)
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
