import SkerryCRDT
import SkerryGossip
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

@testable import SkerryReplication

@Suite("Nodes and links of placement under load and failure")
struct PlacementNodeFaultTests {
    private typealias Node = PlacementNode<EnginePlacementStore<MemoryMetadataEngine>>

    /// Runs nothing before it is opened, and says so many times first that it is full.
    private final class Gate: BlockingExecutor {
        private struct State {
            var isOpen = false
            var refusals: Int
            var waiters: [CheckedContinuation<Void, Never>] = []
        }
        private let state: Mutex<State>

        init(refusals: Int = 0) { state = Mutex(State(refusals: refusals)) }

        var refusals: Int { state.withLock { $0.refusals } }

        func open() {
            let waiters = state.withLock { state in
                state.isOpen = true
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }

        func run<Value: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
            let isRefused = state.withLock { state in
                guard state.refusals > 0 else { return false }
                state.refusals -= 1
                return true
            }
            if isRefused { throw StorageError(.unavailable, "full") }
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiters.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            return try work()
        }
    }

    private static func node(_ executor: Gate, _ engine: MemoryMetadataEngine) throws -> Node {
        let store = try EnginePlacementStore(engine: engine, family: .settings, prefix: [1], newOrigin: 100)
        let node = try Node(id: MemberID(rawValue: 1), life: 1, store: store, executor: executor) { _, _ in }
        node.setMap(PlacementMap(PlacementRing([PlacementRing.Node(member: MemberID(rawValue: 1))]), copies: 3))
        return node
    }

    @Test("whoever looks at a node behind a write at which its store fails is refused, and does not wait for ever")
    func looks() async throws {
        let (gate, engine) = (Gate(), MemoryMetadataEngine())
        let node = try Self.node(gate, engine)
        try engine.close()
        // Both are in the queue when the gate opens.
        let write = Task.immediate { try? await node.write([1], [2]) }
        let looks = (0..<3).map { _ in
            Task.immediate { () async -> PlacementError? in
                do throws(PlacementError) { _ = try await node.hintCount() } catch { return error }
                return nil
            }
        }
        gate.open()
        #expect(await write.value == nil)
        for look in looks { #expect(await look.value == PlacementError(.stopped)) }
        #expect(node.failure?.code == .closed)
    }

    @Test("a node whose executor is full for a while goes on when it is not")
    func fullExecutor() async throws {
        let gate = Gate(refusals: 3)
        gate.open()
        let node = try Self.node(gate, MemoryMetadataEngine())
        #expect(try await node.hintCount() == 0)
        #expect(node.failure == nil && gate.refusals == 0)
        node.stop()
    }

    @Test("messages come whole however the stream is cut, and a length that breaks the rules is refused before its bytes")
    func framing() {
        var framing = PlacementFraming()
        var delivered: [Int] = []
        func read(_ bytes: [UInt8]) -> Bool {
            bytes.withUnsafeBytes { bytes in
                framing.read(bytes) { body in
                    delivered.append(body.count)
                    return true
                }
            }
        }
        // The length alone is enough.
        #expect(!read([1, 0, 0, 4]))
        framing = PlacementFraming()
        #expect(!read([0, 0, 0, 0]))
        framing = PlacementFraming()
        let stream =
            PlacementFraming.frame([UInt8](repeating: 0, count: 1_023)) + PlacementFraming.frame([UInt8](repeating: 0, count: 5_000))
        for start in stride(from: 0, to: stream.count, by: 1_000) { #expect(read(Array(stream[start...].prefix(1_000)))) }
        #expect(delivered == [1_023, 5_000])
    }

    @Test("a burst that is more than a link holds loses frames, not the link; a peer that takes nothing for long loses it")
    func burst() {
        let (frame, moment) = ([UInt8](repeating: 0, count: 16 << 20), ContinuousClock.now)
        let link = OutgoingLink()
        for _ in 0..<8 { #expect(link.add(frame, now: moment)) }
        var (packet, bytes): ([UInt8], Int) = ([], 0)
        while bytes == 0, link.nextPacket(into: &packet, maximum: 1 << 16) { bytes += packet.count }
        // Something was taken: patience begins anew.
        #expect(link.add(frame, now: moment + PlacementLinks.patience))
        #expect(link.add(frame, now: moment + PlacementLinks.patience * 1.5))
        #expect(!link.add(frame, now: moment + PlacementLinks.patience * 2))
    }
}
