import SkerryGossip
import Testing

@testable import SkerryReplication

@Suite("With whom a replica is linked")
struct MeshPolicyTests {
    @Test("in a small cluster everybody is linked with everybody, and of two one dials")
    func small() {
        let members = (1...10).map { MemberID(rawValue: $0 * 7) }
        var dials = 0
        for member in members {
            var policy = MeshPolicy(id: member)
            dials += policy.wanted(among: members.filter { $0 != member }, linked: []).count
        }
        #expect(dials == 45)
    }

    @Test("in a large one few are linked, both sides agree, and a way leads to all even when a tenth fails", arguments: [17, 64, 200])
    func large(count: Int) {
        let members = (0..<count).map { MemberID(rawValue: UInt64($0) &* 0x9E37_79B9_7F4A_7C15) }.sorted()
        let partners = members.map { member in Set(MeshPolicy(id: member).partners(among: members.filter { $0 != member })) }
        for (index, member) in members.enumerated() {
            for partner in partners[index] { #expect(partners[members.firstIndex(of: partner)!].contains(member)) }
        }
        let degrees = partners.map(\.count)
        #expect(degrees.max()! <= 4 + 16 && degrees.reduce(0, +) <= count * 9)
        // Every tenth is gone, before the others notice.
        let alive = members.indices.filter { $0 % 10 != 3 }
        var reached: Set<Int> = [alive[0]]
        var queue = [alive[0]]
        while let next = queue.popLast() {
            for partner in partners[next].map({ members.firstIndex(of: $0)! })
            where alive.contains(partner) && reached.insert(partner).inserted {
                queue.append(partner)
            }
        }
        #expect(reached.count == alive.count)
    }

    @Test("a member is dialled once at a time, again after a while when that failed, and not when it is gone")
    func dials() {
        let (one, other) = (MemberID(rawValue: 1), MemberID(rawValue: 2))
        var policy = MeshPolicy(id: one)
        #expect(policy.wanted(among: [other], linked: []) == [other])
        #expect(policy.wanted(among: [other], linked: []) == [])
        let delay = policy.failed(other, now: .seconds(1), random: 0.5)
        #expect(delay > .zero && delay <= .seconds(5))
        #expect(policy.wanted(among: [other], linked: []) == [])
        policy.waited(other)
        #expect(policy.wanted(among: [], linked: []) == [])
        #expect(policy.wanted(among: [other], linked: []) == [other])
        policy.connected(other, now: .seconds(2))
        #expect(policy.wanted(among: [other], linked: [other]) == [])
    }
}
