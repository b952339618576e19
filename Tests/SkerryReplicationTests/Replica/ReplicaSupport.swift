import Crypto
import SkerryCRDT
import SkerryGossip
import SkerryMerge
@testable import SkerryReplication
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

/// Time that a test moves.
final class TestTime: Sendable {
    private let state: Mutex<FeedInstant>

    init(wall: UInt64 = 1_700_000_000_000) { state = Mutex(FeedInstant(wall: wall, monotonic: 1)) }

    var now: @Sendable () -> FeedInstant { { [self] in state.withLock { $0 } } }

    func move(wall: Int64 = 0, monotonic: UInt64 = 0) {
        state.withLock { state in
            state.wall = UInt64(Int64(state.wall) + wall)
            state.monotonic += monotonic
        }
    }
}

/// What observers heard, to be compared.
final class Heard<Value: Sendable>: Sendable {
    private let state = Mutex<[Value]>([])

    func add(_ value: Value) { state.withLock { $0.append(value) } }
    var all: [Value] { state.withLock { $0 } }
}

/// A node with one part of each kind.
struct Node: Sendable {
    let replica: Replica
    let model: ReplicatedModel<String>
    let events: ReplicatedEvents<String>
    let value: ReplicatedValue<String>
    let union: ReplicatedReduce<Union>

    init(
        store: some ReplicaStore = MemoryReplicaStore(), origin: UInt64? = nil, time: TestTime? = nil, trust: FeedTrust = .members,
        executor: (any BlockingExecutor)? = nil, world: SteppedReplicas? = nil
    ) throws {
        model = ReplicatedModel()
        events = ReplicatedEvents()
        value = ReplicatedValue(history: 2)
        union = ReplicatedReduce(Union())
        let identity = origin.map { FeedIdentity(cluster: 0, site: $0, origin: OriginID(rawValue: $0), epoch: 1) }
        var configuration = ReplicaConfiguration(
            identity: identity, trust: trust, executor: executor, now: world?.now ?? time?.now ?? ReplicaConfiguration.systemTime)
        configuration.ticksByItself = world == nil
        replica = try Replica(
            ["model": model, "events": events, "value": value, "union": union], store: store, configuration: configuration)
        world?.add(replica)
    }

    /// All that can be seen, in one value.
    var content: Content {
        Content(
            model: model.values, events: events.events().map { "\($0.topic):\($0.value)" }, values: value.values,
            union: union.current.sorted())
    }

    struct Content: Hashable {
        var model: [String: String]
        var events: [String]
        var values: [String]
        var union: [UInt64]
    }

    func write(_ seed: Int) throws {
        switch seed % 5 {
        case 0: try model.set("k\(seed % 7)", to: "v\(seed)")
        case 1: try events.append("e\(seed)", topic: "t\(seed % 3)")
        case 2: try value.set("w\(seed)")
        case 3: try union.update([UInt64(seed % 97)])
        default: try model.set("k\(seed % 7)", to: seed % 2 == 0 ? nil : "x\(seed)")
        }
    }
}

/// The union of sets of numbers: repred's helper.
struct Union: Reducer {
    var initial: Set<UInt64> { [] }

    func reduce(_ state: inout Set<UInt64>, _ update: Numbers) -> Numbers? {
        let fresh = update.all.filter { !state.contains($0) }
        state.formUnion(fresh)
        return fresh.isEmpty ? nil : Numbers(all: fresh)
    }

    func summary(of state: Set<UInt64>) -> Numbers? { state.isEmpty ? nil : Numbers(all: state.sorted()) }
}

struct Numbers: ReplicaValue, Hashable, ExpressibleByArrayLiteral {
    var all: [UInt64]

    init(all: [UInt64]) { self.all = all }
    init(arrayLiteral elements: UInt64...) { all = elements }

    static func replicaValue(of bytes: ArraySlice<UInt8>) -> Numbers? {
        guard bytes.count % 8 == 0 else { return nil }
        return Numbers(
            all: stride(from: bytes.startIndex, to: bytes.endIndex, by: 8).map { place in
                bytes[place..<place + 8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            })
    }

    var replicaBytes: [UInt8] { all.flatMap(\.replicaBytes) }
}

/// A stream that does not read while its gate is shut.
final class GatedStream: DuplexStream {
    private let base: MemoryDuplexStream
    private let gate = Mutex((isOpen: true, waiter: CheckedContinuation<Void, Never>?.none))

    init(_ base: MemoryDuplexStream) { self.base = base }

    func shut() { gate.withLock { $0.isOpen = false } }

    func open() {
        gate.withLock { gate in
            gate.isOpen = true
            defer { gate.waiter = nil }
            return gate.waiter
        }?.resume()
    }

    func read() async throws(LinkError) -> [UInt8] {
        await withCheckedContinuation { continuation in
            let isOpen = gate.withLock { gate in
                if !gate.isOpen { gate.waiter = continuation }
                return gate.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return try await base.read()
    }

    func write(_ bytes: [UInt8]) async throws(LinkError) { try await base.write(bytes) }
}

/// Waits until something holds; where it does not, it records what never came about and throws, so that a test that waits in vain
/// fails instead of holding up the suite.
func until(
    _ what: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    guard try await !eventually(condition) else { return }
    Issue.record(what.map { "in vain waited for: \($0)" } ?? "in vain waited for", sourceLocation: sourceLocation)
    throw WaitedInVain()
}

struct WaitedInVain: Error {}

/// The signatures of a small cluster, whose members are numbered.
struct TestKeys: Sendable {
    let keys: [UInt64: Curve25519.Signing.PrivateKey]

    init(_ origins: [UInt64]) { keys = Dictionary(uniqueKeysWithValues: origins.map { ($0, Curve25519.Signing.PrivateKey()) }) }

    func trust(of origin: UInt64, forging: Bool = false) -> FeedTrust {
        let keys = keys
        let own = forging ? Curve25519.Signing.PrivateKey() : keys[origin]!
        return .signed(by: own) { keys[$0.rawValue]?.publicKey }
    }
}
