import Crypto
import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Feeds between nodes")
struct FeedCoreTests {
    @Test("U-01, U-02, U-03: two nodes say which entries they have, send what is missing, and then what is new")
    func exchange() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try one.write("a", "1")
        try other.write("b", "2")
        try join(one, other)
        carry([one, other])
        #expect(one.value("b") == "2" && other.value("a") == "1")
        try one.write("c", "3")
        carry([one, other])
        #expect(other.value("c") == "3")
        #expect(one.core.durable == other.core.durable)
        #expect(one.partners == [other.origin])
    }

    @Test("U-04: both are told once when they are equal")
    func synchronised() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try one.write("a")
        try join(one, other)
        settle([one, other], ticks: 4)
        for desk in [one, other] {
            #expect(desk.synchronisations == 1)
        }
    }

    @Test("U-05, U-06: what came twice is counted and not taken, and nothing goes back to whom it came from")
    func repeats() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        carry([one, other])
        var frames: [[UInt8]] = []
        for number in 0..<20 { try one.write("k\(number)") }
        settle([one, other], ticks: 3) { from, _, bytes in
            if from == 1, bytes[0] == FeedMessage.Kind.frame.rawValue { frames.append(bytes) }
            return [bytes]
        }
        #expect(other.core.statistics.entriesSent == 0)
        let applied = other.core.statistics.entriesApplied
        for frame in frames { other.receive(frame, from: 1) }
        #expect(other.core.statistics.entriesApplied == applied && applied == 20)
        #expect(other.core.statistics.entriesRepeated > 0)
        #expect(other.store.gaps == 0)
    }

    @Test("U-09: HELLO carries version, site, epoch, cluster, features and horizon, and another cluster is refused")
    func hello() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        one.core.horizon = HybridTimestamp(rawValue: 99)
        try join(one, other)
        carry([one, other])
        let horizons = other.reports.compactMap { report -> HybridTimestamp? in
            guard case .established(_, _, let horizon) = report else { return nil }
            return horizon
        }
        #expect(horizons == [HybridTimestamp(rawValue: 99)])

        let stranger = FeedDesk(3)
        stranger.core = FeedCore(identity: FeedIdentity(cluster: 8, site: 3, origin: OriginID(rawValue: 3), epoch: 1), now: stranger.time)
        try join(one, stranger)
        carry([one, stranger])
        #expect(one.refusals.map(\.code).contains(.mismatch))
        #expect(!one.core.isEstablished(FeedPeerID(rawValue: 3)))
    }

    static let shapes: [[[Int]]] = [[[0, 1], [1, 2], [2, 3]], [[0, 1], [1, 2], [2, 0]], [[0, 1], [0, 2], [0, 3]]]

    @Test("U-10: a chain, a triangle, a star and a latecomer end up equal", arguments: shapes)
    func topologies(_ edges: [[Int]]) throws {
        let desks = (0..<4).map { FeedDesk($0) }
        for edge in edges { try join(desks[edge[0]], desks[edge[1]]) }
        for desk in desks { for number in 0..<5 { try desk.write("\(desk.index)-\(number)") } }
        settle(desks)
        if !edges.contains(where: { $0[1] == 3 }) { try join(desks[3], desks[1]) }
        settle(desks)
        for desk in desks { #expect(desk.core.durable == desks[0].core.durable && desk.table == desks[0].table) }
        for desk in desks { #expect(desk.core.statistics.entriesApplied == 20) }
    }

    @Test("U-03: a HELLO that is larger than a packet comes in parts, and each counts by itself", arguments: [true, false])
    func largeHello(_ isOrdered: Bool) throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        for origin in 0..<100 {
            let source = FeedDesk(10 + origin)
            try join(source, one)
            try source.write("of \(origin)")
            settle([source, one], ticks: 2)
            one.core.detach(FeedPeerID(rawValue: UInt32(10 + origin)))
        }
        var hellos = 0
        try join(one, other, ordered: isOrdered, frame: 512)
        settle([one, other], ticks: 60) { _, _, bytes in
            #expect(bytes.count <= 512)
            if bytes[0] == 1 { hellos += 1 }
            return [bytes]
        }
        #expect(hellos > 7)
        #expect(other.core.durable == one.core.durable && other.core.durable.dots.count == 100)
    }

    @Test("U-02: a small frame makes progress without a gap, and the longest backlog goes first", arguments: [512, 2_048])
    func depthOrder(_ size: Int) throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        // Neither by number nor by origin are they in the order of their lengths.
        for (index, length) in [(3, 30), (4, 90), (5, 7), (6, 60)] {
            let source = FeedDesk(index)
            try join(source, one)
            for number in 0..<length { try source.write("\(index) \(number)") }
            settle([source, one], ticks: 3)
            one.core.detach(FeedPeerID(rawValue: UInt32(index)))
        }
        for number in 0..<5 { try one.write("own \(number)") }
        try join(one, other, frame: size)
        var backlog = Dictionary(uniqueKeysWithValues: one.core.durable.dots.map { ($0.origin, Int($0.sequence)) })
        var frames = 0
        settle([one, other], ticks: 10) { from, _, bytes in
            #expect(bytes.count <= size)
            guard from == 1, case .frame(let frame)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }), !frame.runs.isEmpty else {
                return [bytes]
            }
            frames += 1
            let before = backlog
            for (place, run) in frame.runs.enumerated() {
                let origin = one.core.origins[run.number].id
                let longest = before.filter { entry in !frame.runs[..<place].contains { one.core.origins[$0.number].id == entry.key } }
                    .values.max()
                #expect(before[origin] == longest, "run \(place) of frame \(frames)")
                backlog[origin]! -= run.entries.count
                #expect(backlog[origin] == 0 || place == frame.runs.count - 1, "one is finished before the next begins")
            }
            return [bytes]
        }
        #expect(frames >= (size == 512 ? 10 : 3) && backlog.values.allSatisfy { $0 == 0 }, "\(frames) frames")
        #expect(other.core.durable == one.core.durable && other.store.gaps == 0)
    }

    @Test("U-07: an entry that is lost, doubled or overtaken leaves no gap", arguments: 1...10 as ClosedRange<UInt64>)
    func lossy(_ seed: UInt64) throws {
        let world = FeedWorld(seed: seed)
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other, ordered: false, frame: 1_200)
        var held: [(Int, [UInt8])] = []
        for number in 0..<60 {
            try one.write("k\(number)", "v")
            if number % 3 == 0 { try other.write("o\(number)", "v") }
            settle([one, other], ticks: 1) { from, _, bytes in
                if world.chance(30) { return [] }
                if world.chance(10) {
                    held.append((from, bytes))
                    return []
                }
                return world.chance(10) ? [bytes, bytes] : [bytes]
            }
            for (from, bytes) in held where world.chance(30) { (from == 1 ? other : one).receive(bytes, from: from) }
        }
        settle([one, other], ticks: 60)
        #expect(one.core.durable == other.core.durable && one.table == other.table)
        #expect(one.store.gaps == 0 && other.store.gaps == 0)
    }

    @Test("U-08: what was written and synced is there after a crash at any byte, and the node goes on behind it")
    func crashes() throws {
        let one = FeedDesk(1)
        for number in 0..<6 { try one.write("k\(number)", "value") }
        one.syncs = false
        for number in 6..<9 { try one.write("k\(number)", "value") }
        let bytes = one.store.bytes
        for length in one.store.synced...bytes.count {
            let store = MemoryFeedStore(log: 9, recovering: Array(bytes[..<length]))
            let count = store.state.marks.first?.position.sequence ?? 0
            #expect(count >= 6 && count <= 9 && store.gaps == 0)
            #expect(Int(count) == store.count, "entries and positions are durable together")
            let again = FeedDesk(1, store: store)
            let entry = try again.write("next")
            #expect(entry.dot.sequence == count + 1 && entry.stamp > (store.state.marks.first?.position.stamp ?? .zero))
        }
    }

    @Test("entries are acknowledged when they are durable, not before")
    func durability() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        settle([one, other], ticks: 2)
        other.syncs = false
        try one.write("a")
        settle([one, other], ticks: 5)
        #expect(one.core.backlog(of: FeedPeerID(rawValue: 2)) == 1)
        other.sync()
        settle([one, other], ticks: 2)
        #expect(one.core.backlog(of: FeedPeerID(rawValue: 2)) == 0)
    }

    // MARK: - Bounds

    @Test("U-12: a slow peer makes no other grow: what is not durable stays under the window, and nothing is queued for it")
    func slowPeer() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        carry([one, other])
        other.syncs = false
        let value = String(repeating: "v", count: 1_000)
        for number in 0..<5_000 {
            try one.write("k\(number % 100)", value)
            if number % 50 == 0 { carry([one, other]) }
        }
        settle([one, other], ticks: 10)
        #expect(other.core.unsyncedCharge <= FeedLimits.window + FeedLimits.frameMaximum)
        #expect(other.core.unsyncedCharge > FeedLimits.window / 2)
        #expect(one.core.unsyncedCharge == 0 && one.outbox.isEmpty)
        while !other.unsynced.isEmpty {
            other.sync()
            other.syncs = false
            carry([one, other])
        }
        other.sync()
        settle([one, other], ticks: 10)
        #expect(other.core.durable == one.core.durable)
        #expect(one.refusals.isEmpty && other.refusals.isEmpty)
    }

    @Test("more than was granted is refused, and nothing of it is taken")
    func credit() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        carry([one, other])
        try one.write("a")
        settle([one, other], ticks: 2) { from, _, bytes in
            guard from == 1, case .frame(var frame)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }) else { return [bytes] }
            frame.position = (frame.position ?? 0) + 10 << 20
            return [FeedMessage.frame(frame).encoded()]
        }
        #expect(other.refusals.first?.code == .creditExceeded)
        #expect(other.value("a") == nil)
        #expect(one.refusalsByPeer.first?.code == .creditExceeded)
    }

    @Test("the write rate gives way while a connected peer lags, never below its floor, and comes back; two that talk share fairly")
    func writeRate() {
        var now = FeedInstant(wall: 0, monotonic: 0)
        var (one, other) = (WriteRate(now: now), WriteRate(now: now))
        for _ in 0..<100 {
            now.monotonic += 100
            one.adapt(backlog: FeedLimits.backlogMaximum + 1, now: now)
            other.adapt(backlog: 0, now: now)
            let before = one.rate
            one.approach(other.rate)
            other.approach(before)
        }
        #expect(one.rate < 20_000 && one.rate >= one.minimum)
        #expect(one.rate * 2 >= other.rate && other.rate * 2 >= one.rate, "\(one.rate) and \(other.rate)")
        var admitted = 0
        let start = now
        while now.monotonic < start.monotonic + 10_000 {
            if let wait = one.admit(now: now) { now.monotonic += wait } else { admitted += 1 }
        }
        #expect(admitted <= Int(one.rate) * 11 && admitted >= Int(one.rate) * 9, "\(admitted) at \(one.rate)")
        for _ in 0..<1_000 {
            now.monotonic += 100
            one.adapt(backlog: 0, now: now)
        }
        #expect(one.rate == one.maximum)
    }

    @Test("a peer with a backlog slows local writes, a peer that is away does not")
    func backlogSlows() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        carry([one, other])
        other.syncs = false
        for number in 0..<(FeedLimits.backlogMaximum + 100) { try one.write("\(number)") }
        for _ in 0..<200 {
            one.tick()
            one.outbox = []
        }
        #expect(one.core.writeRate.rate < 1_000)
        one.core.detach(FeedPeerID(rawValue: 2))
        for _ in 0..<2_000 { one.tick() }
        #expect(one.core.writeRate.rate == one.core.writeRate.maximum)
    }

    @Test("steady state: entries of 70 bytes cost at most 1.1 times their bytes, acknowledgements included", arguments: [10, 50])
    func overhead(_ perTick: Int) throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        settle([one, other], ticks: 3)
        let before = one.core.statistics.bytesSent + other.core.statistics.bytesSent
        let value = String(repeating: "v", count: 40)
        let key = String(repeating: "k", count: 22)
        one.syncs = false
        for tick in 0..<100 {
            for number in 0..<perTick { try one.write(key + String(10_000_000 + tick * perTick + number), value) }
            one.sync()
            one.syncs = false
            settle([one, other], ticks: 1)
        }
        let bytes = one.core.statistics.bytesSent + other.core.statistics.bytesSent - before
        let payload = 100 * perTick * 70
        print("steady state, \(perTick) entries a tick: \(Double(bytes) / Double(payload))")
        #expect(other.core.durable == one.core.durable)
        #expect(Double(bytes) <= 1.1 * Double(payload) || perTick < 50)
        #expect(Double(bytes) <= 1.3 * Double(payload))
    }

    @Test("U-02: catching up costs at most 1.3 times what is missing and 1 kB")
    func catchingUp() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        for number in 0..<1_000 { try one.write("key \(number)", "a value of some bytes") }
        try join(one, other)
        settle([one, other], ticks: 3)
        let missing = one.core.statistics.payloadSent
        #expect(other.core.durable == one.core.durable)
        #expect(one.core.statistics.bytesSent + other.core.statistics.bytesSent <= missing * 13 / 10 + 1_024)
    }

    @Test("a lazy peer gets only what it has not found elsewhere")
    func lazyPeers() throws {
        let desks = (0..<3).map { FeedDesk($0) }
        try join(desks[0], desks[1])
        try join(desks[1], desks[2])
        try join(desks[0], desks[2])
        carry(desks)
        desks[0].core.setEager(false, for: FeedPeerID(rawValue: 2))
        desks[2].core.setEager(false, for: FeedPeerID(rawValue: 0))
        for number in 0..<50 {
            try desks[0].write("k\(number)")
            settle(desks, ticks: 1)
        }
        settle(desks)
        #expect(desks[2].core.durable == desks[0].core.durable)
        #expect(desks[2].core.statistics.entriesRepeated == 0)
        desks[1].core.detach(FeedPeerID(rawValue: 2))
        desks[2].core.detach(FeedPeerID(rawValue: 1))
        try desks[0].write("alone")
        settle(desks, ticks: 60)
        #expect(desks[2].value("alone") != nil)
    }

    // MARK: - Clocks

    @Test("U-05: a stamp from too far in the future refuses its frame, is counted and told, and never moves the clock; other origins go on")
    func future() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        carry([one, other])
        one.time.wall += 3_600_000
        try one.write("early")
        settle([one, other], ticks: 3)
        #expect(other.core.clock.highWater.milliseconds < one.time.wall - 1_000_000)
        #expect(other.core.statistics.futureStamps > 0 && other.refusals.first?.code == .futureStamp)
        #expect(other.refusals.first?.dot == Dot(origin: one.origin, sequence: 1))
        #expect(one.refusalsByPeer.first?.code == .futureStamp)
        #expect(other.value("early") == nil)
        let third = FeedDesk(3)
        try join(third, one)
        try third.write("mine")
        settle([one, third, other], ticks: 4)
        #expect(other.value("mine") != nil)
        other.time.wall += 3_600_000
        settle([one, other], ticks: 200)
        #expect(other.value("early") != nil)
    }

    @Test("U-05: a clock that steps back an hour still stamps behind what it wrote and what it saw")
    func stepsBack() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        let before = try one.write("a", "old")
        carry([one, other])
        one.time.wall -= 3_600_000
        other.time.wall -= 3_600_000
        let after = try one.write("a", "new")
        #expect(after.stamp > before.stamp)
        let newest = try other.write("a", "newest")
        #expect(newest.stamp > before.stamp)
        // Each finds the other's stamps too far ahead of its own clock, until that has caught up.
        one.time.wall += 3_600_000
        other.time.wall += 3_600_000
        settle([one, other], ticks: 150)
        #expect(one.value("a") == other.value("a"))
        #expect(one.value("a") == "newest" || one.value("a") == "new")
    }

    @Test("U-13: equal stamps are decided by the origin, on both sides alike")
    func ties() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        let first = try one.write("a", "one")
        let second = try other.write("a", "other")
        #expect(first.stamp == second.stamp)
        try join(one, other)
        carry([one, other])
        #expect(one.value("a") == "other" && other.value("a") == "other")
    }

    // MARK: - Trust

    /// Of the desks 0 to 2.
    private static func trusts() -> [FeedTrust] {
        let keys = (0..<3).map { _ in Curve25519.Signing.PrivateKey() }
        let publics = keys.map(\.publicKey)
        return keys.map { key in
            FeedTrust.signed(by: key) { origin in
                let place = Int(origin.rawValue / 0x1111) - 1
                return (0..<3).contains(place) ? publics[place] : nil
            }
        }
    }

    @Test("U-11: signed entries are taken; unsigned, altered and unknown ones are refused, and no clock moves for them")
    func signatures() throws {
        let trust = Self.trusts()
        let (one, other) = (FeedDesk(1, trust: trust[1]), FeedDesk(2, trust: trust[2]))
        try join(one, other)
        try one.write("a", "1")
        carry([one, other])
        #expect(other.value("a") == "1")

        let high = other.core.clock.highWater
        one.time.wall += 30_000
        try one.write("b", "2")
        settle([one, other], ticks: 1) { from, _, bytes in
            guard from == 1, case .frame(var frame)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }), !frame.runs.isEmpty else {
                return [bytes]
            }
            frame.runs[0].entries[0].body[1] = UInt8(ascii: "9")
            frame.runs[0].tag = nil
            return [FeedMessage.frame(frame).encoded()]
        }
        #expect(other.refusals.last?.code == .badSignature && other.core.statistics.badSignatures == 1)
        #expect(other.core.clock.highWater == high)
        settle([one, other], ticks: 200)
        #expect(other.value("b") == "2", "genuine entries are taken after a forgery")

        let stranger = FeedDesk(8, trust: trust[0])
        try join(stranger, other)
        try stranger.write("c", "3")
        settle([stranger, other], ticks: 3)
        #expect(other.value("c") == nil)
        let unsigned = FeedDesk(0)
        try join(unsigned, other)
        try unsigned.write("d", "4")
        settle([unsigned, other], ticks: 3)
        #expect(other.value("d") == nil)
    }

    @Test("one sequence with two contents freezes its origin and is reported, by a digest or by a run", arguments: [true, false])
    func equivocation(_ isTold: Bool) throws {
        // Two copies of one disk write under one origin.
        let (copy, other, third) = (FeedDesk(1), FeedDesk(1), FeedDesk(3))
        try copy.write("a", "this")
        try other.write("a", "that")
        if !isTold { try other.write("b", "more") }
        try join(copy, third)
        settle([copy, third], ticks: 2)
        third.core.detach(FeedPeerID(rawValue: 1))
        copy.core.detach(FeedPeerID(rawValue: 3))
        if isTold { try copy.write("b", "more") }
        try join(other, third)
        settle([other, third], ticks: 3)
        // Whoever can compare finds it: the one that has at least as much.
        let finder = isTold ? third : other
        #expect(finder.core.frozenOrigins == [copy.origin])
        #expect(finder.core.statistics.equivocations == 1)
        #expect(finder.store.state.frozen == [copy.origin])
        #expect(finder.forks.map(\.origin) == [copy.origin])
        try third.write("mine")
        settle([other, third], ticks: 3)
        #expect(other.value("mine") != nil, "other origins go on")
    }

    // MARK: - Logs that were trimmed

    @Test("who lacks what the log no longer holds is told to reconcile, and goes on by feed from what it took over")
    func trimmed() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        for number in 0..<20 { try one.write("k\(number)") }
        one.store.trim(one.origin, through: 15)
        one.core.trimmed(one.origin, through: 15)
        try join(one, other)
        settle([one, other], ticks: 3)
        #expect(other.core.durable.dots.isEmpty)
        #expect(other.reports.contains(.repairNeeded(FeedPeerID(rawValue: 1), Dot(origin: one.origin, sequence: 15))))
        for mark in one.core.marks { other.store.adopt(mark) }
        other.core.adopt(one.core.marks, now: other.time, into: &other.actions)
        other.perform()
        try one.write("after")
        settle([one, other], ticks: 3)
        #expect(other.core.durable == one.core.durable && other.value("after") != nil)
    }

    @Test("a peer that restarts begins a new session and goes on where it was")
    func restart() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        for number in 0..<10 { try one.write("k\(number)") }
        carry([one, other])
        let again = FeedDesk(2, store: MemoryFeedStore(log: 5, recovering: other.store.bytes))
        try again.attach(one, session: 77)
        try one.write("later")
        settle([one, again], ticks: 30)
        #expect(again.core.durable == one.core.durable)
        #expect(again.core.statistics.entriesApplied == 1)
    }

    @Test("a retired origin is refused, told so, and taken no further")
    func fenced() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        try one.write("a")
        carry([one, other])
        other.core.fence(one.origin, through: 1, into: &other.actions)
        other.perform()
        try one.write("b")
        settle([one, other], ticks: 3)
        #expect(other.value("b") == nil)
        #expect(one.refusalsByPeer.contains { $0.code == .fenced && $0.dot?.origin == one.origin })
        try one.attach(other, session: 9)
        try other.attach(one, session: 10)
        settle([one, other], ticks: 3)
        #expect(!other.core.isEstablished(FeedPeerID(rawValue: 1)))
    }
}
