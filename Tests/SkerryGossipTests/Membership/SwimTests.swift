import Glibc
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Failure detection on a simulated network; ``Town`` states the fault model.
@Suite("Failure detection")
struct SwimTests {
    static let isSoak = getenv("SKERRY_SOAK") != nil

    private static func settled(_ count: Int, seed: UInt64, defects: MembershipDefects = []) -> Town {
        let town = Town(count, seed: seed, defects: defects)
        town.join()
        town.run(for: 20_000) { town.isSettled }
        return town
    }

    @Test("T-11, T-13: members that know one of them come to know all, and agree", arguments: 1...6 as ClosedRange<UInt64>)
    func joining(_ seed: UInt64) {
        let town = Town(30, seed: seed)
        town.lossPercent = 10
        town.doublingPercent = 5
        // Who knows nobody yet greets again: a greeting may be lost.
        for _ in 0..<10 {
            for index in 1..<30 where town.residents[index].membership.detector.reachable.isEmpty { town.greet(0, by: index) }
            town.run(for: 2_000)
        }
        // While packets are lost somebody is always suspected by somebody.
        town.lossPercent = 0
        let before = town.suspicions
        town.run(for: 60_000) { town.isSettled }
        #expect(town.isSettled, "\(town.difference), \(town.suspicions - before) suspicions")
        #expect(town.faults.lost > 0 && town.faults.doubled > 0)
    }

    @Test("a dead member of fifty is dead to all within ten seconds", arguments: 1...(isSoak ? 200 : 10) as ClosedRange<UInt64>)
    func death(_ seed: UInt64) {
        let town = Self.settled(50, seed: seed)
        #expect(town.isSettled)
        let victim = Int(seed) * 7 % 50
        town.run(for: 3_000 + seed * 97 % 1_000)
        let start = town.now
        town.crash(victim)
        town.run(for: 20_000) { town.isDeadToAll(victim) }
        #expect(town.isDeadToAll(victim))
        #expect(town.now - start <= 10_000, "seed \(seed): \(town.now - start) ms")
        #expect(town.deaths.allSatisfy { $0.of == victim })
        print("dead to all of 50 members after \(town.now - start) ms")
    }

    /// Fifty members for an hour are two million packets: the long form; in short, an hour of twelve and ten minutes of fifty.
    @Test(
        "nobody is taken for dead at ten percent loss, in an hour",
        arguments: isSoak ? (1...2).map { (50, 3_600, $0) } : [(12, 3_600, 1), (50, 600, 2)])
    func loss(_ members: Int, _ seconds: Int, _ seed: UInt64) {
        let town = Self.settled(members, seed: seed)
        town.lossPercent = 10
        town.doublingPercent = 2
        town.run(for: UInt64(seconds) * 1_000)
        #expect(town.deaths.isEmpty, "\(town.deaths.prefix(5))")
        #expect(town.suspicions > 0, "the loss was felt")
        print("\(members) members, \(seconds) s: \(town.suspicions) suspicions, \(town.sent)")
    }

    @Test("one-way cuts, flapping members and partitions heal: all agree again", arguments: 1...(isSoak ? 100 : 6) as ClosedRange<UInt64>)
    func healing(_ seed: UInt64) {
        let town = Self.settled(12, seed: seed)
        town.lossPercent = 5
        // One way.
        for target in 1..<6 { town.cut(0, target) }
        town.run(for: 15_000)
        // A partition, long enough that both sides bury each other.
        town.cuts = []
        town.isolate(0..<5)
        town.run(for: 90_000)
        #expect(town.status(of: 0, at: 11) == .dead && town.status(of: 11, at: 0) == .dead)
        town.cuts = []
        // Flapping.
        for round in 0..<4 {
            town.crash(7)
            town.run(for: 2_000 + UInt64(round) * 3_000)
            town.restart(7)
            town.greet(3, by: 7)
            town.run(for: 1_500)
            town.greet(2, by: 7)
        }
        town.lossPercent = 0
        town.run(for: 120_000) { town.isSettled }
        #expect(town.isSettled, "seed \(seed)")
        #expect(town.faults.cut > 0 && town.faults.crashed > 0 && town.faults.lost > 0)
    }

    /// Twenty members so far apart that an answer takes up to two seconds, with five percent of loss: some time, and then a death. What is wrong in the end.
    private static func farApart(_ profile: GossipProfile, seed: UInt64, for seconds: UInt64) -> [String] {
        var problems: [String] = []
        let town = Town(20, seed: seed, profile: profile)
        town.delayMaximum = 1_000
        town.join()
        town.run(for: 100_000) { town.isSettled }
        town.lossPercent = 5
        let before = town.suspicions
        town.run(for: seconds * 1_000)
        if !town.deaths.isEmpty { problems.append("\(town.deaths.count) are taken for dead") }
        let suspicions = town.suspicions - before
        print("\(profile.probeInterval) ms: \(suspicions) suspicions in \(seconds) s, \(town.deaths.count) deaths, \(town.sent)")
        if suspicions > 1_000 { problems.append("\(suspicions) suspicions") }
        let (victim, start) = (Int(seed) * 7 % 20, town.now)
        town.crash(victim)
        town.run(for: 200_000) { town.isDeadToAll(victim) }
        print("dead to all of 20 members far apart after \(town.now - start) ms")
        if town.now - start > 50_000 { problems.append("the dead live on for \(town.now - start) ms") }
        town.lossPercent = 0
        town.run(for: 300_000) { town.isSettled }
        if !town.isSettled { problems.append("they do not come to agree") }
        return problems
    }

    @Test(
        "sites far apart: with the profile for them nobody is taken for dead in an hour, and who is dead is so to all in five times the time",
        arguments: 1...2 as ClosedRange<UInt64>)
    func farApart(_ seed: UInt64) {
        #expect(Self.farApart(.wan, seed: seed, for: 3_600) == [])
    }

    @Test("sites far apart: with the profile of one machine room they suspect each other all the time")
    func tooFarApart() {
        let problems = Self.farApart(.lan, seed: 1, for: 120)
        #expect(problems.contains { $0.hasSuffix("suspicions") }, "\(problems)")
    }

    @Test("who leaves is gone at once, not dead, and may come back")
    func leaving() {
        let town = Self.settled(10, seed: 4)
        town.change(3) { $0.leave() }
        town.run(for: 3_000)
        #expect((0..<10).allSatisfy { $0 == 3 || town.status(of: 3, at: $0) == .left })
        town.crash(3)
        town.run(for: 60_000)
        #expect(town.deaths.isEmpty)
        town.restart(3)
        town.greet(5, by: 3)
        town.run(for: 30_000) { town.isSettled }
        #expect(town.isSettled)
    }

    @Test("a member that fares badly slows its own accusations down: Lifeguard's local health")
    func awareness() {
        let town = Self.settled(10, seed: 4)
        for other in 1..<10 { town.cut(other, 0) }
        town.run(for: 6_000)
        #expect(town.residents[0].membership.detector.awareness >= 3)
        town.cuts = []
        town.run(for: 120_000)
        #expect(town.residents[0].membership.detector.awareness == 0)
    }

    @Test("who does not know the secret gets no answer and changes nothing")
    func secrets() {
        let town = Town(4, seed: 1, secret: ClusterSecret([1, 2, 3]))
        town.join()
        town.run(for: 10_000) { town.isSettled }
        #expect(town.isSettled && town.refusals == 0)
        var stranger = Membership(id: MemberID(rawValue: 77), address: "x", epoch: 1, secret: ClusterSecret([1, 2, 4]), now: 0)
        var member = town.residents[0].membership
        var output = MembershipOutput()
        let before = member.tableHash()
        for greeting in [stranger.greeting(), Array(stranger.greeting().dropFirst(ClusterSecret.tagBytes)), []] {
            #expect(throws: MalformedPacket.self) {
                try greeting.withUnsafeBytes { try member.receive(message: $0, now: 5, into: &output) }
            }
            #expect(throws: MalformedPacket.self) { try greeting.withUnsafeBytes { try member.receive(packet: $0, now: 5, into: &output) } }
        }
        #expect(output.messages.isEmpty && output.packets.isEmpty && member.tableHash() == before)
        stranger.leave()
    }

    @Test("T-11: the fields that a member writes reach all, the newest value of each, in parts where a message is small")
    func fields() {
        var profile = GossipProfile.lan
        profile.exchangeBytes = 4_096
        let town = Town(8, seed: 3, profile: profile)
        town.join()
        for index in 0..<8 {
            town.change(index) { membership in
                membership.map.setAddresses(["10.0.0.\(index):1", "[::1]:\(index)"])
                membership.map.setHorizon(HybridTimestamp(rawValue: UInt64(index)))
                for round in 0..<5 as Range<UInt64> {
                    membership.map.setApplied([
                        Dot(origin: OriginID(rawValue: 1), sequence: round), Dot(origin: OriginID(rawValue: 2), sequence: 9),
                    ])
                }
                membership.map.set(MemberField(rawValue: 16), Array(repeating: UInt8(index), count: 1_500))
                membership.map.set(MemberField(rawValue: 17), Array(repeating: UInt8(index), count: 1_500))
            }
        }
        town.run(for: 60_000) { town.isSettled && town.residents.allSatisfy { $0.membership.map.members.count == 8 } }
        #expect(town.isSettled)
        for index in 0..<8 {
            let map = town.residents[index].membership.map
            for other in 0..<8 {
                #expect(map.addresses(of: Town.id(other)) == ["10.0.0.\(other):1", "[::1]:\(other)"])
                #expect(map.horizon(of: Town.id(other)) == HybridTimestamp(rawValue: UInt64(other)))
                #expect(map.applied(of: Town.id(other))?.map(\.sequence) == [4, 9])
                #expect(map.value(MemberField(rawValue: 17), of: Town.id(other))?.count == 1_500)
            }
        }
    }

    @Test("a member that lost its memory begins a later epoch, which overrides what was known of it")
    func epochs() {
        let town = Self.settled(5, seed: 9)
        town.change(2) {
            $0.map.set(MemberField(rawValue: 16), [1]); $0.map.set(MemberField(rawValue: 17), [2])
        }
        town.run(for: 20_000) { town.isSettled }
        town.crash(2)
        town.run(for: 1_000)
        town.restart(2)
        town.change(2) { $0.map.set(MemberField(rawValue: 16), [3]) }
        town.greet(0, by: 2)
        town.run(for: 40_000) { town.isSettled }
        #expect(town.isSettled)
        #expect(town.residents[4].membership.map.value(MemberField(rawValue: 16), of: Town.id(2)) == [3])
        #expect(town.residents[4].membership.map.value(MemberField(rawValue: 17), of: Town.id(2)) == nil)
    }

    @Test("a seed gives one trace", arguments: [5, 6] as [UInt64])
    func deterministic(_ seed: UInt64) {
        func digest(_ seed: UInt64) -> UInt64 {
            let town = Town(10, seed: seed)
            town.lossPercent = 10
            town.doublingPercent = 5
            town.join()
            town.run(for: 10_000)
            town.crash(3)
            town.run(for: 10_000)
            return town.digest
        }
        #expect(digest(seed) == digest(seed))
        #expect(digest(seed) != digest(seed + 10))
    }

    @Test("a forgotten member is a stranger, with its fields")
    func forgetting() {
        let town = Self.settled(4, seed: 2)
        town.crash(1)
        town.run(for: 60_000) { town.isDeadToAll(1) }
        town.change(0) { $0.forget(Town.id(1)) }
        #expect(town.status(of: 1, at: 0) == nil)
        town.change(0) { $0.forget(Town.id(2)) }
        #expect(town.status(of: 2, at: 0) == .alive, "the living are not forgotten")
    }
}
