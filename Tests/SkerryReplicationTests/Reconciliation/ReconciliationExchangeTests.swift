import SkerryCRDT
import SkerryGossip
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

@testable import SkerryReplication

/// Entries whose contents stand in an engine beside the index over them, in one commit.
private struct EngineEntries: ReconciliationStore {
    typealias Failure = StorageError

    let index: SummaryIndex<MemoryMetadataEngine>

    init() { index = SummaryIndex(engine: MemoryMetadataEngine(), family: .settings, prefix: [1]) }

    private func row(_ key: WriteKey) -> [UInt8] { [2] + index.entryRow(key) }

    func summary(of range: WriteRange) throws(StorageError) -> RangeSummary { try index.summary(of: range) }
    func key(at rank: UInt64) throws(StorageError) -> WriteKey? { try index.key(at: rank) }
    func digest(of key: WriteKey) throws(StorageError) -> EntryDigest? { try index.digest(of: key) }
    func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) throws(StorageError) { try index.visit(range, body) }
    func content(of key: WriteKey) throws(StorageError) -> [UInt8]? { try index.engine.get(.settings, row(key)) }

    func take(_ entries: [ReconciledEntry]) throws(StorageError) {
        var batch = MetadataBatch()
        for entry in entries { batch.put(.settings, row(entry.key), entry.content) }
        try index.engine.apply(batch)
        let changes = entries.map { entry -> SummaryChange in
            .insert(WriteEntry(key: entry.key, digest: EntryDigest(key: entry.key, content: entry.content)))
        }
        try index.fold(changes, position: [])
    }

    func statement() -> [UInt8] { [0x51] }
}

/// A store that throws in the middle.
private final class FailingEntries: ReconciliationStore {
    typealias Failure = StorageError

    let entries = MemoryReconciliationStore()
    let takesLeft: Mutex<Int>

    init(takes: Int) { takesLeft = Mutex(takes) }

    func summary(of range: WriteRange) -> RangeSummary { entries.summary(of: range) }
    func key(at rank: UInt64) -> WriteKey? { entries.key(at: rank) }
    func digest(of key: WriteKey) -> EntryDigest? { entries.digest(of: key) }
    func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) { entries.visit(range, body) }
    func content(of key: WriteKey) -> [UInt8]? { entries.content(of: key) }

    func take(_ taken: [ReconciledEntry]) throws(StorageError) {
        let mayGoOn = takesLeft.withLock { left in
            left -= 1
            return left >= 0
        }
        guard mayGoOn else { throw StorageError(.full, "the disk is full") }
        entries.take(taken)
    }
}

/// What a hostile peer sends first, in place of the protocol.
private let hostilePackets: [[UInt8]] = [
    [],
    [0x80],
    // A length of nothing, of more than a message, and without end.
    [0], [0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
    // No such kind; a frame, entries and an end before the statement.
    [1, 9], [2, 1, 1], [2, 2, 0], [2, 4, 0],
    // A statement, then another; then nonsense for a frame; entries that nobody asked for; more durable than was sent; an end that is none.
    [1, 5, 1, 5], [1, 5, 3, 1, 7, 7], [1, 5, 2, 4, 0], [1, 5, 2, 3, 9], [1, 5, 2, 4, 9],
    [1, 5, 19, 2] + [UInt8](repeating: 0, count: 18), [1, 5, 4, 2, 1, 2, 3],
]

@Suite("Reconciliation over links")
struct ReconciliationExchangeTests {
    enum Way: String, CaseIterable {
        case memory, tcp, delayed, lossy
    }

    static func key(_ number: Int) -> WriteKey {
        WriteKey(
            stamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + UInt64(number) * 7, count: 0),
            origin: OriginID(rawValue: UInt64(1 + number % 3)), sequence: UInt64(number / 3 + 1))
    }

    static func entries(_ numbers: some Sequence<Int>, size: Int = 40) -> [ReconciledEntry] {
        numbers.map { ReconciledEntry(key: key($0), content: [UInt8](repeating: UInt8($0 % 251), count: size)) }
    }

    private static func network(_ seed: UInt64, lossy: Bool) -> SimulatedNetwork {
        var conditions = NetworkConditions()
        conditions.latency = .milliseconds(1)
        conditions.jitter = .milliseconds(2)
        if lossy {
            conditions.loss = 0.1
            conditions.duplication = 0.05
            conditions.reordering = 0.1
            conditions.corruption = 0.02
        }
        return SimulatedNetwork(seed: seed, conditions: conditions)
    }

    /// Two links' ends, and what to do at the end.
    private func withLinks<Value: Sendable>(
        _ way: Way, _ body: (any Link, any Link) async throws -> Value
    ) async throws -> Value {
        switch way {
        case .memory:
            let (left, right) = MemoryLink.pair()
            return try await body(left, right)
        case .delayed, .lossy:
            let network = Self.network(7, lossy: way == .lossy)
            let (left, right) = network.pair(delivery: way == .lossy ? .lossy : .ordered)
            let value = try await body(left, right)
            if way == .lossy { #expect(network.faults.lost > 0, "something was lost") }
            return value
        case .tcp:
            let accepted = AsyncStream.makeStream(of: (any Link).self)
            let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain)
            let address = try await listener.start { accepted.continuation.yield($0) }
            let left = try await TCPConnector(to: address, security: .plain).connect()
            var links = accepted.stream.makeAsyncIterator()
            let right = try #require(await links.next())
            let value = try await body(left, right)
            await listener.shutdown(within: .zero)
            return value
        }
    }

    private typealias Outcome = Result<ReconciliationReport, ReconciliationError>

    /// A session to its end on both sides.
    private func reconcile<Left: ReconciliationStore, Right: ReconciliationStore>(
        _ left: Left, _ right: Right, over links: (any Link, any Link), cutAfter: Int? = nil
    ) async throws -> (Outcome, Outcome, traffic: UInt64) {
        let pool = try BlockingPool(threads: 2)
        let near = ReconciliationExchange(
            left, initiator: ReconciliationNonce(low: 1, high: 2), secret: [9], executor: pool, patience: .seconds(20))
        let far = ReconciliationExchange(right, responder: [9], executor: pool, patience: .seconds(20))
        let (nearLink, farLink) = links
        async let first = Self.outcome(near, nearLink)
        async let second = Self.outcome(far, farLink)
        let outcomes = await (first, second)
        await pool.shutdown()
        return (outcomes.0, outcomes.1, near.traffic.sent + near.traffic.received)
    }

    private static func outcome<Store>(_ exchange: ReconciliationExchange<Store>, _ link: any Link) async -> Outcome {
        do throws(ReconciliationError) { return .success(try await exchange.run(on: link, with: .anybody)) } catch {
            return .failure(error)
        }
    }

    @Test(
        "a thousand differences on both sides are found and moved, over every kind of link, between engine and memory",
        arguments: Way.allCases)
    func thousand(_ way: Way) async throws {
        let (left, right) = (EngineEntries(), MemoryReconciliationStore())
        // 500 differences on either side, 300 of them recent.
        try left.take(Self.entries((0..<4_000).filter { $0 % 20 != 3 && $0 < 3_700 || $0 >= 3_700 && $0 % 2 == 0 || $0 % 20 == 4 }))
        right.take(Self.entries((0..<4_000).filter { $0 % 20 != 4 && $0 < 3_700 || $0 >= 3_700 && $0 % 2 == 1 || $0 % 20 == 3 }))
        let (near, far, _) = try await withLinks(way) { near, far in try await reconcile(left, right, over: (near, far)) }
        let (one, other) = (try near.get(), try far.get())
        #expect(one.sent == other.received && one.received == other.sent)
        #expect(one.sent + one.received > 600 && !one.isEqual && !other.isEqual)
        #expect(other.statement == [0x51] && one.statement == [])
        #expect(try left.summary(of: .all) == right.summary(of: .all))
        #expect(right.count == 4_000)
        // Then both are equal, and that is shown in few bytes.
        let (again, _, traffic) = try await withLinks(.memory) { near, far in try await reconcile(left, right, over: (near, far)) }
        #expect(try again.get().isEqual)
        #expect(traffic < 1_000, "\(traffic) bytes")
    }

    @Test("contents of all sizes, an empty side, and contents that differ under one key")
    func shapes() async throws {
        let (left, right) = (MemoryReconciliationStore(), MemoryReconciliationStore())
        left.take((0..<60).map { ReconciledEntry(key: Self.key($0), content: [UInt8](repeating: 1, count: [0, 1, 100, 300_000][$0 % 4])) })
        let (first, _, _) = try await withLinks(.memory) { near, far in try await reconcile(left, right, over: (near, far)) }
        #expect(try first.get().sent == 60)
        #expect(left.summary(of: .all) == right.summary(of: .all))
        right.take([ReconciledEntry(key: Self.key(7), content: [7])])
        left.remove(Self.key(9))
        let (second, _, _) = try await withLinks(.memory) { near, far in try await reconcile(left, right, over: (near, far)) }
        let report = try second.get()
        #expect(report.differing == [Self.key(7)] && report.received == 1 && report.sent == 0)
        #expect(right.content(of: Self.key(7)) == [7], "nobody decides by himself which is right")
    }

    @Test("a link that is cut in the middle leaves what came, and the next exchange brings the rest")
    func cut() async throws {
        let (left, right) = (MemoryReconciliationStore(), MemoryReconciliationStore())
        left.take(Self.entries(0..<3_000, size: 900))
        let pool = try BlockingPool(threads: 2)
        let (nearLink, farLink) = MemoryLink.pair()
        let near = ReconciliationExchange(left, initiator: ReconciliationNonce(low: 1, high: 2), secret: [9], executor: pool)
        let cutting = CuttingEntries(right, after: 800) { nearLink.cut() }
        let far = ReconciliationExchange(cutting, responder: [9], executor: pool)
        async let first = Self.outcome(near, nearLink)
        async let second = Self.outcome(far, farLink)
        for outcome in await [first, second] {
            guard case .failure(.disconnected) = outcome else { return #expect(Bool(false), "\(outcome)") }
        }
        await pool.shutdown()
        let came = right.count
        #expect(came >= 800 && came < 3_000)
        let (rest, _, _) = try await withLinks(.memory) { near, far in try await reconcile(left, right, over: (near, far)) }
        #expect(try rest.get().sent == UInt64(3_000 - came))
        #expect(left.summary(of: .all) == right.summary(of: .all))
    }

    @Test("what the store throws ends the exchange, and the peer hears that the link is gone")
    func failing() async throws {
        let (left, right) = (MemoryReconciliationStore(), FailingEntries(takes: 3))
        left.take(Self.entries(0..<3_000, size: 200))
        let (near, far, _) = try await withLinks(.memory) { near, far in try await reconcile(left, right, over: (near, far)) }
        guard case .failure(.storage(let error)) = far, case .failure(.disconnected) = near else {
            return #expect(Bool(false), "\(near), \(far)")
        }
        #expect(error.code == .full)
        #expect(right.entries.count > 0)
    }

    @Test("an exchange whose task is cancelled cuts its link, before and after it began", arguments: [true, false])
    func cancelled(_ isEarly: Bool) async throws {
        let pool = try BlockingPool(threads: 1)
        let (link, other) = MemoryLink.pair()
        other.start(Liar([]))
        let exchange = ReconciliationExchange(MemoryReconciliationStore(), responder: [1], executor: pool)
        let task = Task {
            if isEarly { withUnsafeCurrentTask { $0?.cancel() } }
            return await Self.outcome(exchange, link)
        }
        task.cancel()
        guard case .failure(.disconnected) = await task.value else { return #expect(Bool(false), "it went on") }
        await pool.shutdown()
    }

    @Test("an exchange is made with nobody but whom it is for, and anybody else hears nothing")
    func peers() async throws {
        let (friend, stranger) = (NodeKey().hash, NodeKey().hash)
        let one = ReconciliationPeer.holders(of: [friend])
        #expect(one.allows(LinkPeer(address: "there", key: friend)) && !one.allows(LinkPeer(address: "there", key: stranger)))
        #expect(!one.allows(LinkPeer(address: "there")) && ReconciliationPeer.anybody.allows(LinkPeer(address: "there")))
        let pool = try BlockingPool(threads: 1)
        let (near, far) = MemoryLink.pair()
        far.start(Liar([]))
        let exchange = ReconciliationExchange(
            MemoryReconciliationStore(), initiator: ReconciliationNonce(low: 1, high: 2), secret: [9], executor: pool)
        // A link in memory proves nothing.
        await #expect { try await exchange.run(on: near, with: one) } throws: { error in
            if case ReconciliationError.unauthorised = error { true } else { false }
        }
        #expect(exchange.traffic == (0, 0))
        await pool.shutdown()
    }

    @Test("a pool that takes no work ends the exchange")
    func noWorker() async throws {
        let pool = try BlockingPool(threads: 1)
        await pool.shutdown()
        let (link, _) = MemoryLink.pair()
        let exchange = ReconciliationExchange(MemoryReconciliationStore(), responder: [1], executor: pool)
        guard case .failure(.storage) = await Self.outcome(exchange, link) else { return #expect(Bool(false), "it went on") }
    }

    @Test("a peer that sends anything else is cut off, and nothing is taken from it", arguments: 0..<16)
    func hostile(_ index: Int) async throws {
        let store = MemoryReconciliationStore()
        store.take(Self.entries(0..<200))
        let before = store.summary(of: .all)
        let pool = try BlockingPool(threads: 1)
        let (near, far) = MemoryLink.pair()
        let exchange = ReconciliationExchange(store, responder: [9], executor: pool)
        let peer = Liar(hostilePackets[index])
        far.start(peer)
        async let outcome = Self.outcome(exchange, near)
        peer.say(far)
        switch await outcome {
        case .success(let report): Issue.record("it believed \(report)")
        case .failure(let error):
            // Two of them only end too early.
            if case .violation = error { break }
            #expect(index < 2, "\(error)")
        }
        await pool.shutdown()
        #expect(store.summary(of: .all) == before)
    }

    @Test("test 9: random changes of an honest peer's packets end the exchange or do no harm", arguments: 1...8 as ClosedRange<UInt64>)
    func mutated(_ seed: UInt64) async throws {
        var numbers = SummaryIndexTests.Numbers(state: seed)
        let left = MemoryReconciliationStore()
        left.take(Self.entries(0..<400))
        for _ in 0..<12 {
            let right = MemoryReconciliationStore()
            right.take(Self.entries(100..<450))
            // By hand, so that each message can be changed on its way.
            var one = ReconciliationTransfer(ReconciliationCore(initiator: ReconciliationNonce(low: seed, high: 1), secret: [1]))
            var other = ReconciliationTransfer(ReconciliationCore(responder: [1]))
            let changed = numbers.below(12)
            var (count, message, events): (UInt64, [UInt8], [ReconciliationTransfer.Event]) = (0, [], [])
            var isOver = false
            for _ in 0..<40 where !isOver {
                while try !isOver && one.nextMessage(into: &message, from: left, events: &events) {
                    if count == changed, !message.isEmpty {
                        message[Int(numbers.below(UInt64(message.count)))] ^= UInt8(1 + numbers.below(255))
                    }
                    count += 1
                    do {
                        try message.withUnsafeBytes { try other.receive($0, events: &events) }
                        for case .take(let entries) in events { right.take(entries) }
                        other.persisted()
                        events = []
                    } catch { isOver = true }
                }
                while try !isOver && other.nextMessage(into: &message, from: right, events: &events) {
                    do {
                        try message.withUnsafeBytes { try one.receive($0, events: &events) }
                        events = []
                        one.persisted()
                    } catch { isOver = true }
                }
            }
            #expect(right.count >= 350 && right.count <= 850)
        }
    }
}

/// Cuts the link when that many entries were taken.
private final class CuttingEntries: ReconciliationStore {
    typealias Failure = StorageError

    let entries: MemoryReconciliationStore
    let after: Int
    let cut: @Sendable () -> Void

    init(_ entries: MemoryReconciliationStore, after: Int, cut: @escaping @Sendable () -> Void) {
        (self.entries, self.after, self.cut) = (entries, after, cut)
    }

    func summary(of range: WriteRange) -> RangeSummary { entries.summary(of: range) }
    func key(at rank: UInt64) -> WriteKey? { entries.key(at: rank) }
    func digest(of key: WriteKey) -> EntryDigest? { entries.digest(of: key) }
    func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) { entries.visit(range, body) }
    func content(of key: WriteKey) -> [UInt8]? { entries.content(of: key) }

    func take(_ taken: [ReconciledEntry]) {
        entries.take(taken)
        if entries.count >= after { cut() }
    }
}

/// A peer that says one thing, and then closes.
private final class Liar: LinkDriver {
    private let left: Mutex<[UInt8]>

    init(_ bytes: [UInt8]) { left = Mutex(bytes) }

    func say(_ link: any Link) { link.close() }
    func received(_ packet: UnsafeRawBufferPointer) {}
    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        left.withLock { bytes in
            packet += bytes
            bytes = []
        }
        return !packet.isEmpty
    }

    func linkClosed(_ error: LinkError?) {}
}

@Suite("Order over links that lose")
struct LossyPacketsTests {
    @Test("a stream arrives whole and in order, whatever the network does", arguments: 1...20 as ClosedRange<UInt64>)
    func stream(_ seed: UInt64) {
        var numbers = SummaryIndexTests.Numbers(state: seed)
        var ends = [LossyPackets(), LossyPackets()]
        var sent: [[UInt8]] = [[], []]
        var got: [[UInt8]] = [[], []]
        var air: [(due: UInt64, to: Int, packet: [UInt8])] = []
        var (now, packets): (UInt64, Int) = (0, 0)
        while now < 200_000 {
            for end in 0..<2 {
                while sent[end].count < 20_000, ends[end].hasRoom {
                    let piece = (0..<1 + numbers.below(300)).map { _ in UInt8(numbers.below(256)) }
                    sent[end] += piece
                    ends[end].send(piece, now: now)
                }
                var packet: [UInt8] = []
                while ends[end].nextPacket(into: &packet, now: now) {
                    packets += 1
                    for _ in 0...(numbers.below(10) == 0 ? 1 : 0) as ClosedRange<UInt64> where numbers.below(100) >= 20 {
                        var copy = packet
                        if numbers.below(20) == 0 { copy[Int(numbers.below(UInt64(copy.count)))] ^= 1 << UInt8(numbers.below(8)) }
                        air.append((now + 1 + numbers.below(60), 1 - end, copy))
                    }
                    packet = []
                }
            }
            if sent.allSatisfy({ $0.count >= 20_000 }), ends.allSatisfy(\.isSettled) { break }
            now += 5
            let due = air.filter { $0.due <= now }
            air.removeAll { $0.due <= now }
            for (_, to, packet) in due { packet.withUnsafeBytes { ends[to].receive($0, now: now) { got[to] += $0 } } }
        }
        #expect(ends[0].isSettled && ends[1].isSettled, "it took more than 200 s")
        #expect(got[1] == sent[0] && got[0] == sent[1])
        #expect(packets < 3_000, "\(packets) packets for about 270")
    }
}
