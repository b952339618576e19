import Testing

@testable import SkerryGossip

@Suite("Who the neighbours of a member are")
struct NeighbourhoodTests {
    // MARK: Large clusters

    /// What is not as it should be with a hundred members of which half fall at once, over links that lose a tenth.
    private static func complaints(seed: UInt64, defects: ViewDefects = []) -> [String] {
        var complaints: [String] = []
        func demand(_ isSo: Bool, _ complaint: String) { if !isSo { complaints.append(complaint) } }
        let suburb = Suburb(100, seed: seed, defects: defects)
        suburb.run(seconds: 15)
        demand(suburb.halfEdges == 0, "\(suburb.halfEdges) edges of one end though nothing was lost")
        suburb.lossPercent = 10
        suburb.run(seconds: 25)
        demand(suburb.largest == 100, "\(suburb.largest) of 100 are in one part")
        demand(suburb.means.passive > 15, "\(suburb.means.passive) names are in a passive view")
        suburb.kill(percent: 50)
        let atOnce = suburb.largest
        demand(atOnce >= 48, "\(atOnce) of 50 are in one part at once")
        suburb.run(seconds: 25)
        demand(suburb.largest == 50, "\(suburb.largest) of 50 are in one part")
        demand(suburb.means.active > 4.5, "\(suburb.means.active) neighbours of five")
        suburb.lossPercent = 0
        // Each has confirmed its edges once more.
        suburb.run(seconds: 12)
        demand(suburb.halfEdges == 0, "\(suburb.halfEdges) edges of one end")
        demand(suburb.changes == 100, "\(suburb.changes) changes")
        return complaints
    }

    @Test(
        "of a hundred members, over links that lose a tenth, half fall at once: the others are one part by their views alone, and edges have two ends",
        arguments: 1...3 as ClosedRange<UInt64>)
    func catastrophe(_ seed: UInt64) { #expect(Self.complaints(seed: seed) == []) }

    #if DEBUG
    @Test(
        "test 13: neighbours that are not replaced, edges with one end, and views that are not shuffled are found",
        arguments: [.neverRefills, .dropsSilently, .neverConfirms, .neverShuffles] as [ViewDefects])
    func defects(_ defect: ViewDefects) {
        let complaints = Self.complaints(seed: 1, defects: defect)
        #expect(complaints != [])
    }
    #endif

    @Test("a seed gives one trace")
    func deterministic() {
        func digest(_ seed: UInt64) -> UInt64 {
            let suburb = Suburb(70, seed: seed)
            suburb.lossPercent = 10
            suburb.run(seconds: 12)
            suburb.kill(percent: 20)
            suburb.run(seconds: 12)
            return suburb.digest
        }
        #expect(digest(4) == digest(4) && digest(4) != digest(5))
    }

    @Test("with the ring of ids all are one part without any view, and both sides of an edge of it agree", arguments: [2, 3, 4, 65])
    func ring(count: Int) {
        var profile = Neighbourhood.Profile()
        profile.membersWithoutViews = 0
        profile.membersWithViews = 0
        let ids = (0..<count).map { MemberID(rawValue: UInt64($0) * 3) }
        let neighbours = ids.map { id in
            var (member, draws, actions) = (Neighbourhood(id: id, profile: profile), Draws(1), [PeerViews.Action]())
            let others = ids.filter { $0 != id }
            member.advance(now: 0, members: others, partakers: [], using: &draws, into: &actions)
            #expect(member.views != nil && actions.isEmpty)
            return member.neighbours(among: others)
        }
        for (index, own) in neighbours.enumerated() {
            #expect(own == Array(Set([ids[(index + 1) % count], ids[(index + count - 1) % count]])).sorted())
        }
    }

    // MARK: The thresholds

    private static func viewers(_ suburb: Suburb) -> Int { suburb.up.count { suburb.members[$0].views != nil } }

    @Test("up to 64 members each is a neighbour of each; with one more there are views, and until there are fewer than 48")
    func thresholds() {
        let suburb = Suburb(64, seed: 1)
        suburb.run(seconds: 30)
        #expect(Self.viewers(suburb) == 0 && suburb.changes == 0)
        let others = (1..<64).map(Suburb.id).sorted()
        #expect(suburb.members[0].neighbours(among: others) == others)
        suburb.join()
        suburb.run(seconds: 30)
        #expect(Self.viewers(suburb) == 65 && suburb.largest == 65)
        suburb.kill(Array(0..<17))
        suburb.run(seconds: 30)
        #expect(Self.viewers(suburb) == 48 && suburb.largest == 48)
        // Whoever is new goes with the majority.
        suburb.join()
        suburb.run(seconds: 30)
        #expect(Self.viewers(suburb) == 49 && suburb.largest == 49)
        suburb.kill([20, 21])
        suburb.run(seconds: 30)
        #expect(Self.viewers(suburb) == 0 && suburb.changes == 65 + 1 + 47)
    }

    /// A cluster that has now one member more than may be without views, and now one less; how often its members changed their minds.
    private static func wavering(defects: ViewDefects) -> Int {
        let suburb = Suburb(65, seed: 2, defects: defects)
        suburb.run(seconds: 10)
        for turn in 0..<4 {
            suburb.kill([turn])
            suburb.run(seconds: Suburb.detection + 2)
            suburb.join()
            suburb.run(seconds: 3)
        }
        return suburb.changes
    }

    @Test("a cluster that wavers about the threshold changes once")
    func hysteresis() { #expect(Self.wavering(defects: []) == 65 + 4) }

    #if DEBUG
    @Test("test 13: a threshold that is the same both ways is found")
    func oneThreshold() { #expect(Self.wavering(defects: .oneThreshold) > 65 + 4) }
    #endif

    @Test("a member without views turns down who asks, and forgets who asks for nothing")
    func declines() {
        var (member, draws, actions) = (Neighbourhood(id: MemberID(rawValue: 1)), Draws(1), [PeerViews.Action]())
        let other = MemberID(rawValue: 2)
        for message in [.join, .neighbour(isUrgent: true), .disconnect, .shuffle(other, timeToLive: 1, [other])] as [ViewMessage] {
            member.receive(message, from: other, using: &draws, into: &actions)
        }
        #expect(actions == [.send(.disconnect, to: other), .send(.neighbourReply(accepted: false), to: other)])
    }

    @Test("an edge that the other side does not know ends there and here, and a link that was no edge is missed by nobody")
    func confirms() {
        var profile = PeerViews.Profile()
        profile.activeMaximum = 1
        let ids = (0..<3).map { MemberID(rawValue: UInt64($0)) }
        var (one, other) = (PeerViews(id: ids[0], profile: profile), PeerViews(id: ids[1], profile: profile))
        var (draws, actions) = (Draws(1), [PeerViews.Action]())
        one.join(through: ids[1], using: &draws, into: &actions)
        // The join is lost, and the other has a neighbour already.
        other.join(through: ids[2], using: &draws, into: &actions)
        actions = []
        one.confirm(into: &actions)
        #expect(actions == [.send(.neighbour(isUrgent: false), to: ids[1])])
        actions = []
        other.receive(.neighbour(isUrgent: false), from: ids[0], using: &draws, into: &actions)
        #expect(actions == [.send(.neighbourReply(accepted: false), to: ids[0])])
        actions = []
        one.receive(.neighbourReply(accepted: false), from: ids[1], using: &draws, into: &actions)
        #expect(actions == [.send(.disconnect, to: ids[1]), .neighbourDown(ids[1])])
        #expect(one.active.isEmpty && one.passive == [ids[1]])
        #expect(!one.relies(on: ids[1]) && other.relies(on: ids[2]))
    }

    @Test("a tree takes a list of neighbours as it is")
    func follow() {
        var tree = BroadcastTree(id: MemberID(rawValue: 0))
        tree.follow([1, 2, 3].map(MemberID.init), now: 0)
        tree.follow([3, 4].map(MemberID.init), now: 0)
        #expect(tree.neighbours == [3, 4].map(MemberID.init))
    }
}
