import SkerryCRDT
@testable import SkerryGossip
@testable import SkerryReplication
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

/// What a history that is taken over may do to what is there.
@Suite("Replicas that take histories over", .timeLimit(.minutes(2)))
struct ReplicaHistoryTests {
    /// The messages of a history on a stream that is only written: the header, entries, and positions last.
    private func recording(of entries: [FeedEntry], _ marks: [FeedMark]) -> [[UInt8]] {
        let header = ReplicaHeader(
            cluster: 0, origin: OriginID(rawValue: 999), direction: .writeOnly, tail: false, isEmpty: false, tag: 8, metadata: [])
        var transfer = HistoryTransfer(entries: entries, marks: marks, tag: 8)
        transfer.grantAll()
        var messages = [MessageFraming.frame(header.encoded)]
        while !transfer.isFinished {
            messages += transfer.next().map { MessageFraming.frame(ReplicaMessage.checked($0).encoded) }
        }
        return messages
    }

    private func recording(of node: Node) -> [[UInt8]] {
        let history = node.replica.state.withLock { $0.history(since: CausalContext()) }
        let (entries, marks) = (history.entries, history.marks)
        return recording(of: entries, marks)
    }

    /// What a crash leaves of a replica on an engine, which is another one then.
    private func reopened(_ engine: inout MemoryMetadataEngine, origin: UInt64, time: TestTime? = nil) throws -> Node {
        engine = engine.crash()
        return try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), origin: origin, time: time)
    }

    @Test("U-08, U-14: what is alive in a log stays on disk when a position behind that log is taken over")
    func aliveStays() async throws {
        let writer = try Node(origin: 1)
        var engine = MemoryMetadataEngine()
        let keeper = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), origin: 2)
        for index in 1...10 { try writer.model.set(index == 3 ? "old" : "k", to: "\(index)") }
        try writer.events.append("old too")
        try await writer.replica.start(with: keeper.replica, ReplicaOptions(tail: false)).ended()
        for index in 12...60 { try writer.model.set("k", to: "\(index)") }
        let trimmed = try Node(origin: 3)
        try await writer.replica.start(with: trimmed.replica, ReplicaOptions(tail: false)).ended()
        try await trimmed.replica.compact()
        try await keeper.replica.start(with: trimmed.replica, ReplicaOptions(tail: false)).ended()
        #expect(keeper.replica.statistics.repairs == 1)
        #expect(keeper.content == writer.content && keeper.model["old"] == "3")
        try await keeper.replica.durable()
        let again = try reopened(&engine, origin: 2)
        #expect(again.content == writer.content && again.replica.digest == keeper.replica.digest)
        // Once more over what is no longer in the log.
        try await again.replica.compact()
        let third = try reopened(&engine, origin: 2)
        #expect(third.content == writer.content)
    }

    @Test("U-05: a write after a history, or after opening what one left, is stamped behind all that it brought")
    func stamps() async throws {
        let ahead = try Node(origin: 1, time: TestTime(wall: 1_700_000_050_000))
        try ahead.model.set("k", to: "theirs")
        try ahead.model.set("l", to: "theirs")
        // Torn before the positions come.
        let torn = Array(recording(of: ahead).dropLast().joined())
        let time = TestTime()
        let node = try Node(origin: 2, time: time)
        try await node.replica.replicate(over: RecordedStream(torn), .readOnly)
        #expect(node.model["k"] == "theirs" && node.replica.digest.isEmpty)
        try node.model.set("k", to: "mine")
        #expect(node.model["k"] == "mine")
        var engine = MemoryMetadataEngine()
        let other = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), origin: 3, time: time)
        try await other.replica.replicate(over: RecordedStream(torn), .readOnly)
        try await other.replica.durable()
        let again = try reopened(&engine, origin: 3, time: time)
        try again.model.set("l", to: "mine")
        #expect(again.model["k"] == "theirs" && again.model["l"] == "mine")
    }

    @Test("U-07: a history of more origins than a replica may know ends its session, and the store is opened again")
    func originLimit() async throws {
        let now = TestTime().now()
        var entries: [FeedEntry] = []
        for origin in 1...UInt64(FeedLimits.origins) {
            var core = FeedCore(identity: FeedIdentity(cluster: 0, site: 1, origin: OriginID(rawValue: origin << 8), epoch: 1), now: now)
            var actions: [FeedAction] = []
            entries.append(try core.publish(.write, key: [], now: now, into: &actions))
        }
        var engine = MemoryMetadataEngine()
        let node = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), origin: 7)
        let bytes = Array(recording(of: entries, entries.map(FeedMark.init(of:))).joined())
        let error = await #expect(throws: ReplicaError.self) {
            try await node.replica.replicate(over: RecordedStream(bytes), .readOnly)
        }
        #expect(error?.feed?.code == .limitExceeded)
        #expect(node.replica.state.withLock { $0.core.origins.count } == FeedLimits.origins)
        try node.model.set("k", to: "v")
        try await node.replica.durable()
        let again = try reopened(&engine, origin: 7)
        #expect(again.model["k"] == "v")
        // Nor is a position taken of an origin for which there is no room.
        node.replica.state.withLock { state in
            state.core.adopt([FeedMark(of: entries[entries.count - 1])], now: now, into: &state.actions)
            #expect(state.core.origins.count == FeedLimits.origins)
        }
    }

    @Test("U-07: a fence holds against histories as it does against feeds", arguments: [true, false])
    func fences(isOneWay: Bool) async throws {
        let retired = try Node(origin: 1)
        try retired.model.set("before", to: "1")
        for index in 2...10 { try retired.model.set("behind", to: "\(index)") }
        try await retired.replica.compact()
        let node = try Node(origin: 2)
        node.replica.fence(OriginID(rawValue: 1), through: 5)
        if isOneWay {
            try await node.replica.replicate(over: RecordedStream(Array(recording(of: retired).joined())), .readOnly)
        } else {
            let friend = try Node(origin: 3)
            try await retired.replica.start(with: friend.replica, ReplicaOptions(tail: false)).ended()
            try await friend.replica.compact()
            let session = try node.replica.start(with: friend.replica)
            #expect(node.replica.statistics.repairs > 0)
            session.close()
        }
        #expect(node.model["before"] == "1" && node.model["behind"] == nil)
        #expect(!node.replica.digest.covers(Dot(origin: OriginID(rawValue: 1), sequence: 6)))
    }

    /// A replica that has ten writes of another, and has trimmed its log to the last one.
    private func friend(of writer: Node) async throws -> Node {
        for index in 1...10 { try writer.model.set("k", to: "\(index)") }
        let friend = try Node(origin: 3)
        try await writer.replica.start(with: friend.replica, ReplicaOptions(tail: false)).ended()
        return friend
    }

    @Test("U-07: of a fenced origin a history is asked for once, not with every session, until the fence moves")
    func fencedOnce() async throws {
        let friend = try await friend(of: try Node(origin: 1))
        try await friend.replica.compact()
        let node = try Node(origin: 2)
        node.replica.fence(OriginID(rawValue: 1), through: 5)
        for _ in 1...3 {
            let session = try node.replica.start(with: friend.replica)
            session.close()
            try await session.ended()
        }
        #expect(node.replica.statistics.repairs == 1 && node.model["k"] == nil)
        node.replica.fence(OriginID(rawValue: 1), through: 10)
        try node.replica.start(with: friend.replica)
        #expect(node.replica.statistics.repairs == 2 && node.model["k"] == "10")
        #expect(node.replica.digest == friend.replica.digest)
    }

    @Test("U-07: of a stranger neither feeds nor histories are taken until it is a member, and then all of it", arguments: [false, true])
    func strangers(isTrimmed: Bool) async throws {
        let member = try await friend(of: try Node(origin: 1))
        for index in 1...3 { try member.model.set("m", to: "\(index)") }
        if isTrimmed { try await member.replica.compact() }
        let members = [2, 3].map(OriginID.init(rawValue:))
        let node = try Node(origin: 2)
        node.replica.admit(members)
        let stranger = Dot(origin: OriginID(rawValue: 1), sequence: 1)
        let heard = Heard<ReplicaEvent>()
        let observation = node.replica.observe { heard.add($0) }
        for _ in 1...3 {
            let session = try node.replica.start(with: member.replica)
            #expect(node.model["m"] == "3" && node.model["k"] == nil && !node.replica.digest.covers(stranger))
            session.close()
            try await session.ended()
        }
        // Once, for the member's own log.
        #expect(node.replica.statistics.repairs == (isTrimmed ? 1 : 0))
        #expect(heard.all.contains { if case .refused(_, let error) = $0 { error.code == .unregistered } else { false } })
        withExtendedLifetime(observation) {}
        try node.replica.start(with: member.replica)
        node.replica.admit(members + [stranger.origin])
        try await until { node.model["k"] == "10" && node.replica.digest == member.replica.digest }
    }

    @Test("U-07: what a stream that goes one way brings of a stranger is passed over, and nothing else")
    func strangerOneWay() async throws {
        let member = try await friend(of: try Node(origin: 1))
        try member.model.set("m", to: "1")
        let node = try Node(origin: 2)
        node.replica.admit([2, 3].map(OriginID.init(rawValue:)))
        let bytes = Array(recording(of: member).joined())
        try await node.replica.replicate(over: RecordedStream(bytes), .readOnly)
        #expect(node.model["m"] == "1" && node.model["k"] == nil)
        #expect(
            node.replica.digest.sequence(of: OriginID(rawValue: 1)) == 0 && node.replica.digest.sequence(of: OriginID(rawValue: 3)) == 1)
        // Played again when it is a member.
        node.replica.admit((1...3).map(OriginID.init(rawValue:)))
        try await node.replica.replicate(over: RecordedStream(bytes), .readOnly)
        #expect(node.model["k"] == "10" && node.replica.digest == member.replica.digest)
    }

    @Test("U-07: of a history of which something was passed over no position is taken for it, though its origin is a member by then")
    func strangerMeanwhile() async throws {
        let member = try await friend(of: try Node(origin: 1))
        try member.model.set("m", to: "1")
        let node = try Node(origin: 2)
        node.replica.admit([2, 3].map(OriginID.init(rawValue:)))
        let messages = recording(of: member)
        let (near, far) = MemoryDuplexStream.pair()
        let session = try node.replica.start(over: near, .readOnly)
        for message in messages.dropLast() { try await far.write(message) }
        try await until { node.model["m"] == "1" }
        node.replica.admit((1...3).map(OriginID.init(rawValue:)))
        try await far.write(messages[messages.count - 1])
        try await session.synchronised()
        try await node.replica.durable()
        #expect(node.replica.digest.sequence(of: OriginID(rawValue: 1)) == 0 && node.model["k"] == nil)
        session.close()
        try node.replica.start(with: member.replica)
        #expect(node.model["k"] == "10" && node.replica.digest == member.replica.digest)
    }

    @Test("U-14: opened again after a torn history a replica leads nobody to positions that it does not have itself")
    func tornLeadsNowhere() async throws {
        let writer = try Node(origin: 1)
        for index in 1...4 { try writer.model.set("k\(index)", to: "v") }
        let history = writer.replica.state.withLock { $0.history(since: CausalContext()) }
        let torn = Array(recording(of: Array(history.entries.suffix(1)), history.marks).dropLast().joined())
        var engine = MemoryMetadataEngine()
        let node = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), origin: 2)
        try await node.replica.replicate(over: RecordedStream(torn), .readOnly)
        try await node.replica.durable()
        let again = try reopened(&engine, origin: 2)
        #expect(again.model["k4"] == "v" && again.replica.digest.isEmpty)
        let file = RecordedStream()
        try await again.replica.replicate(over: file, .dump)
        let late = try Node(origin: 3)
        try await late.replica.replicate(over: RecordedStream(file.written), .readOnly)
        try await late.replica.durable()
        #expect(late.replica.digest.isEmpty)
        try late.replica.start(with: writer.replica)
        #expect(late.content == writer.content)
    }

    @Test("U-14: what a torn history left beyond the positions of a replica keeps nobody from believing these")
    func tornBeyond() async throws {
        let (writer, node) = (try Node(origin: 1), try Node(origin: 2))
        for index in 1...2 { try writer.model.set("k\(index)", to: "v") }
        try await writer.replica.start(with: node.replica, ReplicaOptions(tail: false)).ended()
        for index in 3...4 { try writer.model.set("k\(index)", to: "v") }
        let history = writer.replica.state.withLock { $0.history(since: CausalContext()) }
        let torn = Array(recording(of: Array(history.entries.suffix(1)), history.marks).dropLast().joined())
        try await node.replica.replicate(over: RecordedStream(torn), .readOnly)
        try await node.replica.compact()
        #expect(node.model.keys == ["k1", "k2", "k4"])
        let late = try Node(origin: 3)
        try late.replica.start(with: node.replica)
        #expect(late.replica.digest.sequence(of: OriginID(rawValue: 1)) == 2 && late.model.keys == ["k1", "k2"])
    }

    @Test("U-07: a history that comes one way over a link while too much of it is not durable ends its session")
    func overrun() async throws {
        let (writer, node) = (try Node(origin: 1), try Node(origin: 2))
        try writer.model.set("k", to: "v")
        let (near, far) = MemoryLink.pair()
        let session = try node.replica.start(over: near, .readOnly)
        node.replica.state.withLock { $0.sessions[session.id.rawValue]?.unsynced = Replica.unsyncedMaximum + 1 }
        try writer.replica.start(over: far, .writeOnly)
        let error = await #expect(throws: ReplicaError.self) { try await session.ended() }
        #expect(error?.code == .overloaded && node.model["k"] == nil)
        // With room it goes on.
        let (again, other) = MemoryLink.pair()
        try node.replica.start(over: again, .readOnly)
        try writer.replica.start(over: other, .writeOnly)
        try await until { node.model["k"] == "v" }
    }

    @Test("U-07: of a history that comes one way over a link no more is taken while the store stands still than the bound, and a message")
    func unsyncedBound() async throws {
        let (writer, gate) = (try Node(origin: 1), GatedExecutor())
        let size = 500_000
        let value = String(repeating: "v", count: size)
        let count = Replica.unsyncedMaximum / size + 8
        for index in 0..<count { try writer.model.set("k\(index)", to: value) }
        let node = try Node(origin: 2, executor: gate)
        let (near, far) = MemoryLink.pair()
        let session = try node.replica.start(over: near, .readOnly)
        try writer.replica.start(over: far, .writeOnly)
        try await until { node.replica.statistics.sessions == 0 }
        let error = await #expect(throws: ReplicaError.self) { try await session.ended() }
        #expect(error?.code == .overloaded)
        let taken = node.model.count * size
        #expect(taken > Replica.unsyncedMaximum - size && taken <= Replica.unsyncedMaximum + FeedLimits.frameMaximum)
        gate.open()
        await node.replica.dispose()
        await writer.replica.dispose()
    }

    @Test("U-14: compaction amid a history leaves what leads to its positions, so that others believe them after a crash")
    func compactionAmid() async throws {
        let (x, y) = (try Node(origin: 1), try Node(origin: 2))
        try x.model.set("k", to: "x")
        try await x.replica.start(with: y.replica, ReplicaOptions(tail: false)).ended()
        try y.model.set("k", to: "y")
        let messages = recording(of: y)
        var engine = MemoryMetadataEngine()
        let node = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), origin: 3)
        let (near, far) = MemoryDuplexStream.pair()
        let session = try node.replica.start(over: near, .readOnly)
        for message in messages.dropLast() { try await far.write(message) }
        try await until { node.model["k"] == "y" }
        try await node.replica.compact()
        try await far.write(messages[messages.count - 1])
        try await session.synchronised()
        try await node.replica.durable()
        #expect(node.replica.digest == y.replica.digest)
        session.close()
        let again = try reopened(&engine, origin: 3)
        let late = try Node(origin: 4)
        try late.replica.start(with: again.replica)
        try await again.replica.compact()
        let later = try Node(origin: 5)
        try later.replica.start(with: again.replica)
        for one in [again, late, later] { #expect(one.replica.digest == y.replica.digest && one.model["k"] == "y") }
    }

    @Test("U-14: a position that the feed has passed meanwhile still trims the log, and takes nothing back")
    func passed() throws {
        let (writer, node) = (try Node(origin: 1), try Node(origin: 2))
        try writer.replica.start(with: node.replica)
        for index in 1...10 { try writer.model.set("k\(index)", to: "\(index)") }
        let early = try #require(
            writer.replica.state.withLock { $0.history(since: CausalContext()).entries.first { $0.dot.sequence == 5 } })
        let now = TestTime().now()
        node.replica.state.withLock { state in
            node.replica.historyAdopted([early], &state, now)
            let lane = state.core.origins.first { $0.id == OriginID(rawValue: 1) }
            #expect(lane?.floor == 5 && lane?.durable.sequence == 10)
            #expect(state.heads[OriginID(rawValue: 1)]?.dot.sequence == 10)
        }
        // Who needs what is gone gets it as a history.
        let late = try Node(origin: 3)
        try late.replica.start(with: node.replica)
        #expect(late.content == node.content && late.replica.statistics.repairs == 1)
    }

    @Test("U-08, U-11: a recording of which something was refused does not end as if all of it had been taken", arguments: [true, false])
    func refusedRestore(isForged: Bool) async throws {
        let keys = TestKeys([1, 2])
        let (time, other) = (TestTime(), TestTime())
        if !isForged { other.move(wall: 3_600_000) }
        let writer = try Node(origin: 1, time: other, trust: keys.trust(of: 1, forging: isForged))
        try writer.model.set("k", to: "v")
        let bytes = Array(recording(of: writer).joined())
        let node = try Node(origin: 2, time: time, trust: keys.trust(of: 2))
        let error = await #expect(throws: ReplicaError.self) {
            try await node.replica.replicate(over: RecordedStream(bytes), .readOnly)
        }
        #expect(error?.code == .refused && error?.feed?.code == (isForged ? .badSignature : .futureStamp))
        #expect(node.model["k"] == nil && node.replica.digest.isEmpty)
        // A side that takes part in both ways hears of it too.
        let (near, far) = MemoryDuplexStream.pair()
        let session = try node.replica.start(over: near)
        try await far.write(bytes)
        await #expect(throws: ReplicaError.self) { try await session.ended() }
    }

    // MARK: - Bounds

    /// A history that is larger than a window, and the header of somebody who takes part in both ways.
    private func large(_ tag: UInt32) throws -> (header: [UInt8], messages: [[UInt8]]) {
        let writer = try Node(origin: 1)
        for index in 0..<50 { try writer.model.set("k\(index)", to: String(repeating: "v", count: 60_000)) }
        let history = writer.replica.state.withLock { $0.history(since: CausalContext()) }
        let (entries, marks) = (history.entries, history.marks)
        var transfer = HistoryTransfer(entries: entries, marks: marks, tag: tag)
        transfer.grantAll()
        var messages: [[UInt8]] = []
        while !transfer.isFinished { messages += transfer.next().map { MessageFraming.frame($0) } }
        let header = ReplicaHeader(
            cluster: 0, origin: OriginID(rawValue: 1), direction: .both, tail: true, isEmpty: false, tag: 1, metadata: [])
        return (MessageFraming.frame(header.encoded), messages)
    }

    @Test("U-07: a peer whose history does not heed its credit is refused before much of it waits to become durable")
    func creditIgnored() async throws {
        let node = try Node(origin: 2)
        let session = try node.replica.open(ReplicaOptions())
        let tag = try node.replica.state.withLock { state in
            node.replica.requestHistory(session.id.rawValue, &state)
            return try #require(state.sessions[session.id.rawValue]?.reception?.tag)
        }
        let (header, messages) = try large(tag)
        // All of it at once, so that nothing becomes durable meanwhile.
        (header + messages.joined()).withUnsafeBytes { node.replica.received($0, at: session.id.rawValue) }
        let error = await #expect(throws: ReplicaError.self) { try await session.ended() }
        #expect(error?.feed?.code == .creditExceeded)
        #expect(node.model.count > 0 && node.model.count * 60_000 < FeedLimits.window + FeedLimits.frameMaximum)
    }

    @Test("U-08: a history larger than a window comes under its credit while the store works at its own pace", arguments: [true, false])
    func largeHistory(isOneWay: Bool) async throws {
        let writer = try Node(origin: 1)
        for index in 0..<100 { try writer.model.set("k\(index % 50)", to: String(repeating: "v", count: 60_000)) }
        let gate = GatedExecutor()
        let node = try Node(origin: 2, executor: gate)
        if isOneWay {
            let bytes = Array(recording(of: writer).joined())
            let session = try node.replica.start(over: RecordedStream(bytes, piece: 64 << 10), .readOnly)
            func waiting() -> Int { node.replica.state.withLock { $0.sessions[session.id.rawValue]?.unsynced ?? 0 } }
            try await until { waiting() > FeedLimits.window }
            for _ in 0..<200 { await Task.yield() }
            #expect(waiting() <= FeedLimits.window + 2 * FeedLimits.framePreferred)
            gate.open()
            try await session.ended()
        } else {
            try await writer.replica.compact()
            let (near, far) = MemoryDuplexStream.pair()
            try writer.replica.start(over: near)
            let session = try node.replica.start(over: far)
            try await until { node.model.count > 10 }
            for _ in 0..<200 { await Task.yield() }
            #expect(node.model.count < 50)
            gate.open()
            try await session.synchronised()
            #expect(node.replica.statistics.repairs == 1)
        }
        try await node.replica.durable()
        #expect(node.content == writer.content && node.replica.digest == writer.replica.digest)
        await writer.replica.dispose()
        await node.replica.dispose()
    }

    @Test("U-07: who asks for histories again and again gets one a second, the last that was asked for")
    func requests() throws {
        let time = TestTime()
        let node = try Node(origin: 2, time: time)
        try node.model.set("k", to: "v")
        let session = try node.replica.open(ReplicaOptions())
        var bytes = try large(1).header
        for tag in 1...100 as ClosedRange<UInt32> {
            bytes += MessageFraming.frame(ReplicaMessage.request(tag: tag, []).encoded)
            var reception = try #require(HistoryReception(tag: tag, trust: .members))
            for message in reception.subscribe() { bytes += MessageFraming.frame(message) }
        }
        bytes.withUnsafeBytes { node.replica.received($0, at: session.id.rawValue) }
        #expect(node.replica.statistics.repairsServed == 1)
        time.move(wall: 999, monotonic: 999)
        #expect(node.replica.tick() && node.replica.statistics.repairsServed == 1)
        let before = node.replica.state.withLock { $0.sessions[session.id.rawValue]?.outboxSize ?? 0 }
        time.move(wall: 1, monotonic: 1)
        #expect(node.replica.tick() && node.replica.statistics.repairsServed == 2)
        // It is on its way already: the subscription that followed the request counts.
        node.replica.state.withLock { state in
            #expect(state.sessions[session.id.rawValue]?.transfer == nil)
            #expect(state.sessions[session.id.rawValue]?.outboxSize ?? 0 > before)
            #expect(state.sessions[session.id.rawValue]?.waitingRequest == nil)
        }
        session.close()
    }
}

/// An executor that begins nothing while its gate is shut.
private final class GatedExecutor: BlockingExecutor {
    private let state = Mutex((isOpen: false, waiters: [CheckedContinuation<Void, Never>]()))

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return try body()
    }
}
