/// A ring with the number of copies of a key: the homes of every range, worked out once.
///
/// A value of the member list as the ring is: equal lists give equal maps everywhere.
public struct PlacementMap: Sendable {
    /// What the homes were worked out from.
    public let ring: PlacementRing
    /// How many homes a key has, where there are so many members.
    public let copies: Int
    /// The ranges of positions by members that are their homes, in order.
    private let ranges: [(positions: ClosedRange<UInt64>, homes: [MemberID])]

    /// - Complexity: O(places · copies) with one zone, or at least as many zones as copies.
    public init(_ ring: PlacementRing, copies: Int) {
        precondition(copies > 0, "\(copies) copies")
        self.ring = ring
        self.copies = copies
        var ranges: [(positions: ClosedRange<UInt64>, homes: [MemberID])] = []
        ring.visitRanges(copies) { ranges.append(($0, $1)) }
        self.ranges = ranges.sorted { $0.positions.lowerBound < $1.positions.lowerBound }
    }

    /// Whether the member stands on the ring.
    public func contains(_ member: MemberID) -> Bool { ring.nodes.contains { $0.member == member } }

    /// The members that keep what stands at a position, the preferred one first.
    ///
    /// - Complexity: O(log places).
    public func homes(of position: UInt64) -> [MemberID] {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].positions.upperBound < position { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count ? ranges[low].homes : []
    }

    /// What is kept by all of the members, as ranges of places in order, those side by side joined.
    ///
    /// - Complexity: O(places).
    public func places(keptBy members: MemberID...) -> [WriteRange] {
        places { homes in members.allSatisfy(homes.contains) }
    }

    /// What others keep and a member does not, as ``places(keptBy:)``.
    public func places(notKeptBy member: MemberID) -> [WriteRange] { places { !$0.isEmpty && !$0.contains(member) } }

    private func places(where isWanted: ([MemberID]) -> Bool) -> [WriteRange] {
        var joined: [ClosedRange<UInt64>] = []
        for range in ranges where isWanted(range.homes) {
            if let last = joined.last, last.upperBound == range.positions.lowerBound &- 1 {
                joined[joined.count - 1] = last.lowerBound...range.positions.upperBound
            } else {
                joined.append(range.positions)
            }
        }
        return joined.map(PlacementRing.places(of:))
    }
}
