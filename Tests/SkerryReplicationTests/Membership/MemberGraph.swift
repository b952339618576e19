import SkerryGossip

@testable import SkerryReplication

/// The members of a world that are up, and whom each holds for a neighbour.
struct MemberGraph {
    /// Whom each place names, without those that are down.
    let named: [Int: Set<Int>]

    /// - Parameter neighbours: of a core.
    init(_ world: MemberWorld, _ neighbours: (MemberCore) -> [MemberID] = \.neighbours) {
        let up = world.nodes.indices.filter { world.nodes[$0].isUp }
        let places = Dictionary(up.map { (world.nodes[$0].core.id, $0) }, uniquingKeysWith: { first, _ in first })
        named = Dictionary(uniqueKeysWithValues: up.map { ($0, Set(neighbours(world.nodes[$0].core).compactMap { places[$0] })) })
    }

    /// The links that ``MeshPolicy`` asks for where there are no views.
    static func listed(_ core: MemberCore) -> [MemberID] {
        MeshPolicy(id: core.id).partners(among: core.membership.detector.reachable)
    }

    var halfEdges: Int { named.reduce(0) { sum, entry in sum + entry.value.count { named[$0]?.contains(entry.key) == false } } }
    var degreeMaximum: Int { named.values.map(\.count).max() ?? 0 }
    var degreeMean: Double { Double(named.values.reduce(0) { $0 + $1.count }) / Double(max(1, named.count)) }

    /// The largest part of the members that reach each other over edges that both ends know.
    var largest: Int {
        var (seen, largest): (Set<Int>, Int) = ([], 0)
        for start in named.keys.sorted() where seen.insert(start).inserted {
            var (stack, size) = ([start], 0)
            while let place = stack.popLast() {
                size += 1
                for other in named[place] ?? [] where named[other]?.contains(place) == true && seen.insert(other).inserted {
                    stack.append(other)
                }
            }
            largest = max(largest, size)
        }
        return largest
    }

    var isOne: Bool { largest == named.count }
}
