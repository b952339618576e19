import SkerryMerge
import SkerryReplication
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

private typealias Replica = LiveReplica<MemoryHistoryStore>

/// What somebody sees who only hears of changes.
private final class Mirror: Sendable {
    private let state = Mutex((graph: ObjectGraph(root: .null), value: ObjectValue.null, isBroken: false))

    func hear(_ change: ObjectPatch, _ value: ObjectValue) {
        state.withLock { state in
            do {
                state.graph = try change.applied(to: state.graph)
                state.value = value
            } catch {
                state.isBroken = true
            }
        }
    }

    func agrees(with value: ObjectValue) throws -> Bool {
        try state.withLock { state in try !state.isBroken && state.value == value && state.graph == ObjectGraph(value) }
    }
}

@Suite("Live objects over links")
struct LiveReplicaTests {
    @Test("G-09: a value edited on two nodes at once becomes one value and one commit, in the background", arguments: [false, true])
    func converges(isSlow: Bool) async throws {
        let pool = try BlockingPool(threads: 2)
        let mirrors = (Mirror(), Mirror())
        let left = try Replica(History(store: MemoryHistoryStore()), branch: "note", peer: "right", executor: pool, changed: mirrors.0.hear)
        let right = try Replica(History(store: MemoryHistoryStore()), branch: "note", peer: "left", executor: pool, changed: mirrors.1.hear)
        // Before there is a link.
        try await left.edit(timestamp: 1) { _ in .map(["title": .string("Plan")]) }
        let (a, b) = isSlow ? SimulatedNetwork(seed: 3, conditions: .local).pair() : MemoryLink.pair()
        right.start(on: b)
        left.start(on: a)
        // Two first values made at once are a conflict of the whole, in which one side wins.
        try await until("both have one commit") { right.head == left.head }
        async let ours: Void = write(left, "left")
        async let theirs: Void = write(right, "right")
        _ = try await (ours, theirs)
        try await until("both have all edits") {
            left.head == right.head && left.value == right.value && left.head != nil
        }
        let wanted = (0..<20).map { Self.key("left", $0) } + (0..<20).map { Self.key("right", $0) } + ["title"]
        guard case .map(let fields) = left.value else { return #expect(Bool(false), "\(left.value)") }
        #expect(Set(fields.keys).symmetricDifference(wanted).isEmpty)
        #expect(try mirrors.0.agrees(with: left.value) && mirrors.1.agrees(with: right.value))
        let histories = (await left.close(), await right.close())
        #expect(try histories.0.verify().isSound && histories.1.verify().isSound)
        await pool.shutdown()
    }

    @Test("G-09: what was edited while the link was down is one value again over the next one")
    func goesOn() async throws {
        let pool = try BlockingPool(threads: 2)
        var left = try Replica(History(store: MemoryHistoryStore()), branch: "note", peer: "right", executor: pool)
        var right = try Replica(History(store: MemoryHistoryStore()), branch: "note", peer: "left", executor: pool)
        for round in 0..<3 {
            let (a, b) = MemoryLink.pair()
            right.start(on: b)
            left.start(on: a)
            try await write(left, "left\(round)", count: 3)
            try await until("round \(round) is with both") { [left, right] in left.head == right.head && left.head != nil }
            a.cut()
            _ = try? await (left.ended(), right.ended())
            // Nobody is there, and both go on.
            try await write(left, "alone\(round)", count: 2)
            try await write(right, "lonely\(round)", count: 2)
            (left, right) = (
                try Replica(await left.close(), branch: "note", peer: "right", executor: pool),
                try Replica(await right.close(), branch: "note", peer: "left", executor: pool)
            )
        }
        let (a, b) = MemoryLink.pair()
        right.start(on: b)
        left.start(on: a)
        try await until("both have one commit") { [left, right] in left.head == right.head }
        guard case .map(let fields) = left.value else { return #expect(Bool(false), "\(left.value)") }
        #expect(fields.count == 3 * (3 + 2 + 2) && left.value == right.value)
        _ = (await left.close(), await right.close())
        await pool.shutdown()
    }

    private static func key(_ name: String, _ number: Int) -> String { "\(name) \(number)" }

    private func write(_ replica: Replica, _ name: String, count: Int = 20) async throws {
        for number in 0..<count {
            try await replica.edit(timestamp: UInt64(number + 2)) { value in
                var fields: [String: ObjectValue] = [:]
                if case .map(let present) = value { fields = present }
                fields[Self.key(name, number)] = .integer(Int64(number))
                return .map(fields)
            }
        }
    }
}
