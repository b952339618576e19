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

    // MARK: Views and surplus

    private static func view(_ number: UInt64, isSelf: Bool = false, usesViews: Bool = true, isNeighbour: Bool = false) -> MemberView {
        MemberView(
            id: MemberID(rawValue: number), name: "", address: "n\(number)", status: .alive, incarnation: 1, isSelf: isSelf, silence: nil,
            roundTrip: nil, applied: [], usesViews: usesViews, isNeighbour: isNeighbour)
    }

    @Test("with views a member is linked with its neighbours, and with those without views as the list says")
    func views() throws {
        let own = MemberID(rawValue: 50)
        let others = (1...100).filter { $0 != 50 }.map { MemberID(rawValue: $0) }
        let policy = MeshPolicy(id: own)
        let listed = policy.partners(among: others)
        let older = try #require(listed.first)
        let members = (1...100 as ClosedRange<UInt64>).map { number in
            Self.view(number, isSelf: number == 50, usesViews: number != older.rawValue, isNeighbour: [7, 77].contains(number))
        }
        let views = try #require(MeshPolicy.Views(members))
        #expect(policy.partners(among: others, views: views) == [older, MemberID(rawValue: 7), MemberID(rawValue: 77)].sorted())
        // A node without views links as the list says, whatever the others do.
        #expect(MeshPolicy.Views(members.map { Self.view($0.id.rawValue, isSelf: $0.isSelf, usesViews: !$0.isSelf) }) == nil)
    }

    @Test("a link that is not wanted any more is given up after a while by the lower id, and kept when it is wanted again")
    func surplus() throws {
        let ids = (0...4 as ClosedRange<UInt64>).map { MemberID(rawValue: $0) }
        var policy = MeshPolicy(id: ids[1])
        let views = try #require(
            MeshPolicy.Views([Self.view(1, isSelf: true), Self.view(0), Self.view(2, isNeighbour: true), Self.view(3), Self.view(4)]))
        let others = ids.filter { $0 != ids[1] }
        func surplus(_ linked: Set<MemberID>, _ views: MeshPolicy.Views?, _ seconds: Int) -> ([MemberID], Duration?) {
            policy.surplus(among: others, linked: linked, views: views, now: .seconds(seconds))
        }
        #expect(surplus(Set(others), views, 1) == ([], .seconds(11)))
        #expect(surplus(Set(others), views, 10) == ([], .seconds(11)))
        // Of two that are not wanted one is wanted again.
        #expect(surplus([ids[2], ids[3]], views, 10) == ([], .seconds(11)))
        #expect(surplus(Set(others), views, 11) == ([ids[3]], .seconds(21)))
        #expect(surplus(Set(others), nil, 12) == ([], nil))
        #expect(surplus(Set(others), views, 22) == ([], .seconds(32)))
    }
}
