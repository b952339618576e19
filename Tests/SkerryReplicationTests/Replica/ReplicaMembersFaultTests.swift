import SkerryCRDT
@testable import SkerryGossip
import SkerryMerge
@testable import SkerryReplication
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

/// An executor that does as many jobs as it is permitted.
final class StepExecutor: BlockingExecutor {
    private let state: Mutex<(permits: Int, waiters: [CheckedContinuation<Void, Never>])>

    init(permits: Int = 0) { state = Mutex((permits, [])) }

    /// How many jobs wait.
    var waiting: Int { state.withLock { $0.waiters.count } }

    func permit(_ count: Int) {
        let woken = state.withLock { state in
            let woken = Array(state.waiters.prefix(count))
            state.waiters.removeFirst(woken.count)
            state.permits += count - woken.count
            return woken
        }
        for waiter in woken { waiter.resume() }
    }

    /// From now on nothing is done.
    func shut() { state.withLock { $0.permits = 0 } }

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.permits > 0 else {
                    state.waiters.append(continuation)
                    return false
                }
                state.permits -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
        return try body()
    }
}

/// What members meet that do not keep to the rules, that stop in the middle, or whose parts are of other kinds.
@Suite("Replicas whose members forget together, under faults", .timeLimit(.minutes(2)))
struct ReplicaMembersFaultTests {
    private let time = TestTime()

    private func configuration(_ number: UInt64, founds: Bool = false) -> ReplicaConfiguration {
        var configuration = ReplicaConfiguration(
            members: MemberRules(start: founds ? .founds : .joins, floor: .zero, acknowledgement: .seconds(1)), now: time.now)
        configuration.ticksByItself = false
        configuration.newOrigin = { OriginID(rawValue: number) }
        return configuration
    }

    /// Lets time pass for some replicas that are linked.
    private func pass(_ replicas: [Replica], rounds: Int = 6) {
        for _ in 0..<rounds {
            time.move(wall: 1_100, monotonic: 1_100)
            for replica in replicas { _ = replica.tick() }
        }
    }

    // MARK: - Parts

    @Test("T-06: a value that was removed stays away when its removal is forgotten, however many values before it are kept")
    func valueStaysRemoved() async throws {
        let values = [ReplicatedValue<String>(history: 2), ReplicatedValue<String>(history: 2)]
        let replicas = try values.enumerated().map { place, value in
            try Replica(["v": value], configuration: configuration(UInt64(place + 1), founds: place == 0))
        }
        try replicas[0].start(with: replicas[1])
        try values[0].set("secret")
        pass(replicas)
        try values[1].set(nil)
        pass(replicas)
        try await replicas[0].compact()
        #expect(replicas[0].statistics.forgotten > 0 && values[0].value == nil && values[0].values.isEmpty)
        // Whoever forgets later keeps the same.
        try values[0].set("new")
        pass(replicas)
        try await replicas[1].compact()
        #expect(values.allSatisfy { $0.values == ["new"] })
    }

    @Test("T-06: of a model that keeps so many keys all replicas keep the same, whoever forgot a removal first")
    func expiringStaysEqual() async throws {
        let wall = time.now
        let models = (0..<2).map { _ in ExpiringModel<String>(countMaximum: 2, now: { wall().wall }) }
        let replicas = try models.enumerated().map { place, model in
            try Replica(["m": model], configuration: configuration(UInt64(place + 1), founds: place == 0))
        }
        try replicas[0].start(with: replicas[1])
        try models[0].set("a", to: "1")
        try models[0].set("b", to: "1")
        try models[0].set("b", to: nil)
        pass(replicas)
        try await replicas[0].compact()
        try models[0].set("c", to: "1")
        pass(replicas)
        for replica in replicas { try await replica.compact() }
        #expect(models[0].keys == models[1].keys)
    }

    // MARK: - Retirement

    @Test("from the moment a replica has heard that an origin is to be retired it takes nothing from it, durable or not")
    func nothingFromTheRetiring() async throws {
        let (first, third) = (try Member(1, founds: true, time: time), try Member(3, time: time))
        let steps = StepExecutor(permits: 1_000_000)
        let now = time.now
        let second = try MemberNode(
            MemoryReplicaStore(), MemberRules(acknowledgement: .seconds(1)), { OriginID(rawValue: 2) }, now, executor: steps)
        let replicas = [first.replica, second.replica, third.replica]
        try first.replica.start(with: third.replica)
        try first.replica.start(with: second.replica)
        try second.replica.start(with: third.replica)
        try await until("all are members") {
            pass(replicas, rounds: 1)
            return replicas.allSatisfy { $0.membership?.members.count == 3 && $0.membership?.isMember == true }
        }
        try await second.replica.durable()
        let origin = OriginID(rawValue: 1)
        // Only the one in the middle is linked with both.
        for session in first.replica.state.withLock({ $0.sessions.values.map(\.handle) })
        where session.peerIdentity?.origin == third.replica.identity.origin { session.close() }
        try await until { first.replica.statistics.sessions == 1 }
        try await second.replica.durable()
        let before = second.replica.digest.sequence(of: origin)
        steps.shut()
        try third.replica.retire(origin)
        // Over an edge of the tree or beside it.
        try await until("it has heard") {
            pass([third.replica], rounds: 1)
            return second.replica.state.withLock { $0.members?.retention.barred } == [origin]
        }
        // Told at once, it writes nothing more.
        #expect(throws: FeedError.self) { try first.node.model.set("late", to: "v") }
        #expect(second.model["late"] == nil)
        steps.permit(1_000_000)
        try await second.replica.durable()
        #expect(second.replica.digest.sequence(of: origin) == before)
    }

    @Test("what a torn recording brought of an origin that was retired since, and nobody else may take any more, is written again")
    func behindTheFence() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        for (left, right) in [(0, 1), (0, 2), (1, 2)] { try members[left].replica.start(with: members[right].replica) }
        pass(members.map(\.replica))
        closeAll(members)
        // The third writes what reaches one other alone, and that without the position it leads to.
        try members[2].node.model.set("k", to: "unseen")
        try members[2].node.model.set("dead", to: "unseen")
        try await members[0].replica.replicate(over: try await torn(members[2].replica), .readOnly)
        #expect(members[0].node.model.keys == ["dead", "k"] && members[1].node.model.keys.isEmpty)
        try members[0].node.model.set("dead", to: "overwritten")
        try members[0].replica.start(with: members[1].replica)
        try members[1].replica.retire(OriginID(rawValue: 3))
        pass([members[0].replica, members[1].replica])
        #expect(members[..<2].allSatisfy { $0.replica.membership?.fences.map(\.origin.rawValue) == [3] })
        #expect(members[..<2].allSatisfy { $0.node.model["k"] == "unseen" && $0.node.model.lastWrite(of: "k")?.origin.rawValue == 1 })
        // Removed and forgotten it stays away, though it once lay beside the log.
        for key in ["k", "dead"] { try members[1].node.model.set(key, to: nil) }
        pass([members[0].replica, members[1].replica])
        for member in members[..<2] { try await member.replica.compact() }
        #expect(members[0].node.model.lastWrite(of: "k") == nil && members[0].node.model.lastWrite(of: "dead") == nil)
        try members[0].restart()
        #expect(members[0].node.model.keys.isEmpty)
    }

    /// A recording of a replica without the positions that its entries lead to.
    private func torn(_ replica: Replica) async throws -> RecordedStream {
        let file = RecordedStream()
        try await replica.replicate(over: file, .dump)
        var framing = MessageFraming { _ in 1 << 21 }
        var messages: [[UInt8]] = []
        try file.written.withUnsafeBytes { bytes in try framing.read(bytes) { messages.append($0) } }
        return RecordedStream(Array(messages.dropLast().map { MessageFraming.frame($0) }.joined()))
    }

    private func closeAll(_ members: [Member]) {
        for member in members { for session in member.replica.state.withLock({ $0.sessions.values.map(\.handle) }) { session.close() } }
    }

    @Test("T-06: a last entry that came as part of a state is not applied again after its key was removed and that forgotten")
    func lastOfAState() async throws {
        let members = try (1...4 as ClosedRange<UInt64>).map { try Member($0, founds: $0 == 1, time: time) }
        for (left, right) in [(0, 1), (0, 2), (1, 2)] { try members[left].replica.start(with: members[right].replica) }
        pass(members[..<3].map(\.replica))
        try members[2].node.model.set("x", to: "its last word")
        try members[0].replica.start(with: members[3].replica)
        // Members hear of it; the third says no more.
        for _ in 0..<2 { pass([members[0], members[1], members[3]].map(\.replica), rounds: 1) }
        #expect(members[3].node.model["x"] == "its last word")
        try members[0].replica.retire(OriginID(rawValue: 3))
        let rest = [members[0], members[1], members[3]]
        try members[1].replica.start(with: members[3].replica)
        pass(rest.map(\.replica), rounds: 12)
        #expect(rest.allSatisfy { $0.replica.membership?.fences.map(\.origin.rawValue) == [3] })
        try members[0].node.model.set("x", to: nil)
        pass(rest.map(\.replica))
        for member in rest { try await member.replica.compact() }
        #expect(rest.allSatisfy { $0.node.model.lastWrite(of: "x") == nil })
        for member in rest {
            try member.restart()
            #expect(member.node.model["x"] == nil, "\(member.replica.identity.origin) remembers")
        }
    }

    // MARK: - Coming home

    @Test("an event of a member that may bring it yet is not written again by one that comes home with it: it would be there twice")
    func eventOfAnother() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        for member in members[1...] { try members[0].replica.start(with: member.replica) }
        pass(members.map(\.replica))
        closeAll(members)
        try members[2].node.events.append("once")
        try await members[1].replica.replicate(over: try await torn(members[2].replica), .readOnly)
        #expect(members[1].node.events.count == 1 && members[0].node.events.count == 0)
        members[1].replica.renew()
        try members[0].replica.start(with: members[1].replica)
        pass(members[..<2].map(\.replica))
        #expect(members[1].replica.membership?.isMember == true && members[1].replica.conflicts.count == 1)
        try members[0].replica.start(with: members[2].replica)
        pass(members.map(\.replica))
        #expect(members.allSatisfy { $0.node.events.events().map(\.value) == ["once"] })
    }

    @Test("while a state is being put in place of another no second one is asked for, and what is written afterwards is one history")
    func oneHomecoming() async throws {
        let hosts = [try Member(1, founds: true, time: time), try Member(2, time: time)]
        try hosts[0].replica.start(with: hosts[1].replica)
        try hosts[0].node.model.set("k", to: "v")
        pass(hosts.map(\.replica))
        let steps = StepExecutor()
        let joiner = try MemberNode(
            EngineReplicaStore(engine: MemoryMetadataEngine(), prefix: [7]), MemberRules(acknowledgement: .seconds(1)),
            { OriginID(rawValue: 3) }, time.now, executor: steps)
        try joiner.replica.start(with: hosts[0].replica)
        try joiner.replica.start(with: hosts[1].replica)
        // All of the state has come, and the disk is slow.
        try await until { steps.waiting == 1 }
        for _ in 0..<20 { pass([joiner.replica] + hosts.map(\.replica), rounds: 1) }
        while joiner.replica.membership?.isMember != true {
            steps.permit(1)
            try await until { steps.waiting == 1 || joiner.replica.membership?.isMember == true }
        }
        try joiner.model.set("mine", to: "1")
        steps.permit(1_000_000)
        try await joiner.replica.durable()
        try joiner.model.set("more", to: "2")
        try await joiner.replica.durable()
        try await until {
            pass([joiner.replica] + hosts.map(\.replica), rounds: 1)
            return hosts.allSatisfy { $0.node.model.values == ["k": "v", "mine": "1", "more": "2"] }
        }
        #expect(hosts[0].replica.frozenOrigins.isEmpty)
    }

    @Test("while positions are on their way to the store nobody is given what is known of members where they come from")
    func knownWithPositions() async throws {
        let (first, third) = (try Member(1, founds: true, time: time), try Member(3, time: time))
        let steps = StepExecutor(permits: 1_000_000)
        let second = try MemberNode(
            MemoryReplicaStore(), MemberRules(acknowledgement: .seconds(1)), { OriginID(rawValue: 2) }, time.now, executor: steps)
        let session = try first.replica.start(with: second.replica)
        try await until { second.replica.membership?.isMember == true }
        try await second.replica.durable()
        session.close()
        try await until { second.replica.statistics.sessions == 0 }
        for index in 1...10 { try first.node.model.set("k", to: "\(index)") }
        // Its log begins where it joined.
        try first.replica.start(with: third.replica)
        pass([first.replica, third.replica])
        try await second.replica.durable()
        steps.shut()
        try second.replica.start(with: third.replica)
        try await until("a history is on its way to the store") {
            _ = third.replica.tick()
            return second.replica.state.withLock { $0.adoptions == 1 }
        }
        #expect(second.model["k"] == "10")
        let asker = try second.replica.open(ReplicaOptions())
        peer(7, saying: try asking(5, behind: [])).withUnsafeBytes { second.replica.received($0, at: asker.id.rawValue) }
        #expect(second.replica.statistics.repairsServed == 0)
        steps.permit(1_000_000)
        try await second.replica.durable()
        _ = second.replica.tick()
        #expect(second.replica.statistics.repairsServed == 1 && second.replica.digest.covers(first.replica.digest))
        await second.replica.dispose()
    }

    @Test("a state that is larger than the rules allow is refused for that reason, and nothing of it is taken")
    func largeState() async throws {
        let first = try Member(1, founds: true, time: time)
        for index in 0..<20 { try first.node.model.set("k\(index)", to: String(repeating: "v", count: 1_000)) }
        let heard = Heard<ReplicaEvent>()
        for (bound, isTaken) in [(10_000, false), (40_000, true)] {
            let joiner = try MemberNode(
                MemoryReplicaStore(), MemberRules(stateMaximum: bound), { OriginID(rawValue: UInt64(bound)) }, time.now)
            let observation = joiner.replica.observe(heard.add)
            try joiner.replica.start(with: first.replica)
            #expect(joiner.replica.membership?.isMember == isTaken && joiner.model.count == (isTaken ? 20 : 0))
            withExtendedLifetime(observation) {}
        }
        let errors = heard.all.compactMap { if case .ended(_, let error) = $0 { error } else { nil } }
        #expect(errors.map(\.code) == [.refused] && errors.map(\.feed?.code) == [.limitExceeded])
    }

    @Test("a member that never wrote anything is retired when it was silent for too long, however often the others restart")
    func ghosts() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        func link() throws {
            for (left, right) in [(0, 1), (0, 2), (1, 2)] { try members[left].replica.start(with: members[right].replica) }
        }
        try link()
        pass(members.map(\.replica))
        let ghost = try Member(4, time: time)
        try ghost.replica.start(with: members[0].replica)
        for session in ghost.replica.state.withLock({ $0.sessions.values.map(\.handle) }) { session.close() }
        #expect(ghost.replica.membership?.isMember == true && ghost.replica.digest.sequence(of: OriginID(rawValue: 4)) == 0)
        for run in 0..<10 {
            for _ in 0..<1_300 {
                time.move(wall: 100, monotonic: 100)
                for member in members { _ = member.replica.tick() }
            }
            #expect(run > 5 || members[0].replica.membership?.members.map(\.origin.rawValue) == [1, 2, 3, 4])
            for member in members { try member.restart() }
            try link()
        }
        #expect(members.allSatisfy { $0.replica.membership?.fences.map(\.origin.rawValue) == [4] })
        // Nothing is kept of those that are gone, or have written.
        let rows = members[0].replica.storedRows(withPrefix: MemberRows.prefix + [8], limit: 10)
        #expect(rows.isEmpty)
    }

    @Test("what a history brought of members is there after a restart, as the positions are that it stands on")
    func membersOfHistories() throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        let session = try members[0].replica.start(with: members[1].replica)
        pass(members[..<2].map(\.replica))
        session.close()
        for index in 1...10 { try members[0].node.model.set("k", to: "\(index)") }
        // Its log begins where it joined.
        try members[0].replica.start(with: members[2].replica)
        pass([members[0].replica, members[2].replica])
        try members[1].replica.start(with: members[2].replica)
        pass(members[1...].map(\.replica))
        // The first was its joining.
        #expect(members[1].replica.statistics.repairs == 2)
        try members[1].restart()
        #expect(members[1].node.model["k"] == "10" && members[1].replica.digest.covers(members[0].replica.digest))
        #expect(members[1].replica.membership?.members.map(\.origin.rawValue) == [1, 2, 3])
    }

    @Test("the log keeps what a member lacks that is away, and gives it as it was written")
    func logIsKept() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time)]
        let session = try members[0].replica.start(with: members[1].replica)
        pass(members.map(\.replica))
        session.close()
        for index in 1...10 { try members[0].node.model.set("k", to: "\(index)") }
        try await members[0].replica.compact()
        try members[0].replica.start(with: members[1].replica)
        pass(members.map(\.replica))
        // None but its joining.
        #expect(members[1].node.model["k"] == "10" && members[1].replica.statistics.repairs == 1)
    }

    @Test("a clone of the first member is another member, and the first stays what it is")
    func clone() throws {
        let first = try Member(1, founds: true, time: time)
        try first.node.model.set("k", to: "v")
        let model = ReplicatedModel<String>()
        let clone = try first.replica.clone(["model": model])
        pass([first.replica, clone], rounds: 30)
        #expect(first.replica.identity.origin.rawValue == 1 && clone.membership?.isMember == true && model["k"] == "v")
        #expect(clone.membership?.members.count == 2)
    }

    @Test("a replica that founded a cluster of its own shakes no member of another: each refuses the other, and stays")
    func twoFounders() throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time)]
        try members[0].replica.start(with: members[1].replica)
        try members[0].node.model.set("k", to: "v")
        pass(members.map(\.replica))
        let stranger = try Member(9, founds: true, time: time)
        try stranger.node.model.set("k", to: "another")
        for member in members { try member.replica.start(with: stranger.replica) }
        pass(members.map(\.replica) + [stranger.replica], rounds: 60)
        #expect(members.map(\.replica.identity.origin.rawValue) == [1, 2])
        #expect(members.allSatisfy { $0.replica.membership?.isMember == true && $0.node.model["k"] == "v" })
        #expect(stranger.node.model["k"] == "another")
    }

    // MARK: - Peers that break the rules

    /// Bytes of a peer that takes part in both ways.
    private func peer(_ origin: UInt64, saying messages: [[UInt8]]) -> [UInt8] {
        let header = ReplicaHeader(
            cluster: 0, origin: OriginID(rawValue: origin), direction: .both, tail: true, isEmpty: false, tag: 1, metadata: [])
        return Array(([header.encoded] + messages).map { MessageFraming.frame($0) }.joined())
    }

    private func asking(_ tag: UInt32, behind dots: [Dot]) throws -> [[UInt8]] {
        var reception = try #require(HistoryReception(tag: tag, trust: .members))
        return [ReplicaMessage.request(tag: tag, dots).encoded] + reception.subscribe()
    }

    @Test("T-06: who is no member and has something is given no history, who begins or is a member is", arguments: [1, 2, 7] as [UInt64])
    func historiesAreForMembers(origin: UInt64) throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time)]
        try members[0].replica.start(with: members[1].replica)
        pass(members.map(\.replica))
        let replica = members[0].replica
        for (dots, isGiven) in [([Dot(origin: OriginID(rawValue: origin), sequence: 1)], origin != 7), ([], true)] {
            let before = replica.statistics.repairsServed
            let session = try replica.open(ReplicaOptions())
            peer(origin, saying: try asking(5, behind: dots)).withUnsafeBytes { replica.received($0, at: session.id.rawValue) }
            #expect(replica.statistics.repairsServed == before + (isGiven ? 1 : 0))
            session.close()
        }
    }

    @Test("who joins has its own former lives retired, and nobody else's", arguments: [true, false])
    func formerSelves(isOwn: Bool) throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        for member in members[1...] { try members[0].replica.start(with: member.replica) }
        pass(members.map(\.replica))
        let replica = members[0].replica
        let known = try #require(replica.membership?.members.first { $0.origin.rawValue == 2 })
        let request = JoinRequest(site: isOwn ? known.site : known.site &+ 1, epoch: 2, formerSelves: [known.origin])
        let session = try replica.open(ReplicaOptions())
        peer(8, saying: [ReplicaMessage.join(tag: 5, request).encoded]).withUnsafeBytes { replica.received($0, at: session.id.rawValue) }
        #expect(replica.membership?.members.map(\.origin.rawValue) == [1, 2, 3, 8])
        #expect(replica.membership?.members.map(\.isRetiring) == [false, isOwn, false, false])
        session.close()
    }

    /// What a member does for one that asks to become one: how many entries it writes, and whether it gives its state.
    private struct Welcome: Equatable {
        var written: UInt64
        var isGiven: Bool
    }

    private func join(_ member: Member, as origin: UInt64) throws -> Welcome {
        func position() -> UInt64 { member.replica.digest.sequence(of: member.replica.identity.origin) }
        let (before, served) = (position(), member.replica.statistics.repairsServed)
        let session = try member.replica.open(ReplicaOptions())
        let request = JoinRequest(site: origin, epoch: 1, formerSelves: [])
        peer(origin, saying: [ReplicaMessage.join(tag: 5, request).encoded])
            .withUnsafeBytes { member.replica.received($0, at: session.id.rawValue) }
        session.close()
        return Welcome(written: position() - before, isGiven: member.replica.statistics.repairsServed > served)
    }

    @Test("T-06: whoever gives its state says so in its own feed, also where another made the asker a member; a retired asker gets none")
    func registeredByEachHost() throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        for (left, right) in [(0, 1), (0, 2), (1, 2)] { try members[left].replica.start(with: members[right].replica) }
        pass(members.map(\.replica))
        #expect(try join(members[0], as: 8) == Welcome(written: 1, isGiven: true))
        pass(members.map(\.replica))
        #expect(members[1].replica.membership?.members.map(\.origin.rawValue) == [1, 2, 3, 8])
        #expect(try join(members[1], as: 8) == Welcome(written: 1, isGiven: true))
        try members[0].replica.retire(OriginID(rawValue: 3))
        #expect(try join(members[0], as: 3) == Welcome(written: 0, isGiven: false))
    }

    /// What ends a session of a member in which it asked for a history, and a peer said these.
    private func answer(from origin: UInt64 = 1, _ messages: (UInt32, Retention) -> [[UInt8]]) async throws -> ReplicaError? {
        let member = try Member(1, founds: true, time: time)
        try member.node.model.set("k", to: "v")
        let session = try member.replica.open(ReplicaOptions())
        let (tag, known) = try member.replica.state.withLock { state in
            member.replica.requestHistory(session.id.rawValue, &state)
            return try (#require(state.sessions[session.id.rawValue]?.reception?.tag), #require(state.members?.retention))
        }
        peer(origin, saying: messages(tag, known)).withUnsafeBytes { member.replica.received($0, at: session.id.rawValue) }
        #expect(member.node.model.values == ["k": "v"] && member.replica.membership?.members.count == 1)
        guard session.hasFinished else { return nil }
        return await #expect(throws: ReplicaError.self) { try await session.ended() }
    }

    private func superseded(_ count: Int) -> [Dot] { (0..<count).map { Dot(origin: OriginID(rawValue: UInt64($0 + 10)), sequence: 1) } }

    @Test("what a peer says in front of a history is bounded, and said once")
    func boundedPreamble() async throws {
        let many = superseded(FeedLimits.origins)
        let endless = try await answer { tag, _ in
            [
                ReplicaMessage.registry(tag: tag, isLast: false, [], superseded: many).encoded,
                ReplicaMessage.registry(
                    tag: tag, isLast: false, [], superseded: [Dot(origin: OriginID(rawValue: 1), sequence: 1)]
                ).encoded,
            ]
        }
        #expect(endless?.code == .protocolViolation)
        let twice = try await answer { tag, known in
            let all = ReplicaMessage.registry(tag: tag, isLast: true, known.records, superseded: []).encoded
            return [all, all]
        }
        #expect(twice?.code == .protocolViolation)
        let once = try await answer { tag, known in
            [ReplicaMessage.registry(tag: tag, isLast: true, known.records, superseded: many).encoded]
        }
        #expect(once == nil)
    }

    @Test("what one that is no member says of members in front of a history is not taken")
    func strangersHistory() async throws {
        let error = try await answer(from: 7) { tag, known in
            var known = known
            known.apply(
                .register(origin: OriginID(rawValue: 9), site: 9, epoch: 1), dot: Dot(origin: OriginID(rawValue: 1), sequence: 50),
                own: OriginID(rawValue: 1), applied: CausalContext())
            return [
                ReplicaMessage.registry(tag: tag, isLast: true, known.records, superseded: []).encoded,
                ReplicaMessage.marks(tag: tag, isLast: true, []).encoded,
            ]
        }
        #expect(error == nil)
    }

    @Test("positions without the entries that lead to them end the session, and what is known of members there is not taken")
    func unbelieved() async throws {
        let error = try await answer { tag, known in
            var known = known
            known.apply(
                .register(origin: OriginID(rawValue: 9), site: 9, epoch: 1), dot: Dot(origin: OriginID(rawValue: 1), sequence: 50),
                own: OriginID(rawValue: 1), applied: CausalContext())
            let mark = FeedMark(origin: OriginID(rawValue: 1), position: FeedPosition(sequence: 50, link: .zero, stamp: .zero))
            return [
                ReplicaMessage.registry(tag: tag, isLast: true, known.records, superseded: []).encoded,
                ReplicaMessage.marks(tag: tag, isLast: true, [mark]).encoded,
            ]
        }
        #expect(error?.code == .protocolViolation)
    }

    @Test("a peer that says of ever more strangers that its log begins behind them costs no more than the bound")
    func strangersAreBounded() throws {
        let (member, other) = (try Member(1, founds: true, time: time), try Member(2, time: time))
        try member.replica.start(with: other.replica)
        pass([member.replica, other.replica])
        let count = member.replica.state.withLock { state in
            guard let id = state.sessionIDs.first else { return 0 }
            for place in 0..<(FeedLimits.origins + 10) {
                let floor = Dot(origin: OriginID(rawValue: UInt64(place + 100)), sequence: 4)
                state.actions.append(.report(.repairNeeded(FeedPeerID(rawValue: id), floor)))
            }
            member.replica.settle(&state, time.now())
            return state.sessions[id]?.strangers.count ?? 0
        }
        #expect(count == FeedLimits.origins)
    }
}
