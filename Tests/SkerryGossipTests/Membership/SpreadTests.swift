import Glibc
import Testing

@testable import SkerryGossip

/// How fast a change reaches all members, counted in rounds of exchanges; ``Town`` states the fault model.
@Suite("How fast news spread")
struct SpreadTests {
    /// Rounds for each doubling of the cluster. Push and pull with members drawn at random informs two to three times as many each round, and the last ones by pulling.
    private static let roundsPerDoubling = 1.5

    /// In how many rounds a field that one of so many members changes has reached all of them.
    private static func rounds(_ count: Int, seed: UInt64, defects: MembershipDefects = []) -> Double {
        let town = Town(count, seed: seed)
        town.join()
        town.run(for: 60_000) { town.isSettled }
        #expect(town.isSettled)
        town.put(defects)
        // At any moment of a round, by any member.
        town.run(for: 1_000 + seed * 137 % 1_000)
        let (writer, start) = (Int(seed) * 5 % count, town.now)
        town.change(writer) { $0.map.set(MemberField(rawValue: 16), [1]) }
        let hasAll = {
            town.residents.allSatisfy { $0.membership.map.value(MemberField(rawValue: 16), of: Town.id(writer)) == [1] }
        }
        town.run(for: 200_000, until: hasAll)
        #expect(hasAll())
        return Double(town.now - start) / Double(town.profile.exchangeInterval)
    }

    @Test("T-11, T-13: what a member says of itself reaches n members in O(log n) rounds of exchanges", arguments: [8, 16, 32, 64])
    func logarithmic(_ count: Int) {
        let rounds = (1...12 as ClosedRange<UInt64>).map { Self.rounds(count, seed: $0) }
        let bound = Self.roundsPerDoubling * log2(Double(count))
        print("\(count) members: at most \(rounds.max()!) rounds, \(rounds.reduce(0, +) / 12) on average, bound \(bound)")
        #expect(rounds.allSatisfy { $0 <= bound }, "\(rounds)")
    }

    #if DEBUG
    @Test("test 13: a spread that grows with n, from neighbour to neighbour, breaks the bound")
    func linear() {
        let rounds = (1...3 as ClosedRange<UInt64>).map { Self.rounds(64, seed: $0, defects: .exchangesInARow) }
        print("64 members in a row: \(rounds) rounds")
        #expect(rounds.allSatisfy { $0 > Self.roundsPerDoubling * log2(64) }, "\(rounds)")
    }
    #endif
}
