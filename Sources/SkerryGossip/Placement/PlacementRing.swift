internal import Crypto
internal import SkerryCRDT

/// Who holds which key, so that every member can work it out for itself: consistent hashing with virtual nodes and zones.
///
/// Each member stands at many places of a ring of 64-bit positions; a key belongs to the members that follow its own position. With a member that comes
/// or goes only its share of the keys moves. A value made from the member list: equal lists give equal rings everywhere.
/// DeCandia et al., "Dynamo" (2007), sections 4.2 and 6.2; members of other zones come first, so that copies do not fall together.
public struct PlacementRing: Sendable, Hashable {
    /// A member that stores keys.
    public struct Node: Sendable, Hashable {
        /// Each member stands on a ring once.
        public var member: MemberID
        /// What fails together: a rack, a room, a site.
        public var zone: String
        /// Its share of the keys beside that of others.
        public var weight: Int

        public init(member: MemberID, zone: String = "", weight: Int = 1) {
            self.member = member
            self.zone = zone
            self.weight = weight
        }
    }

    private struct Place: Sendable, Hashable {
        var position: UInt64
        var node: Int32
    }

    /// Places of a node of weight 1. With 128 the shares of equal members differ by about a tenth.
    public static let placesPerWeight = 128
    /// The largest weight that makes a difference.
    public static let weightMaximum = 64

    /// Sorted by member, each once.
    public let nodes: [Node]
    private let places: [Place]
    private let zones: Int

    /// - Parameter nodes: in any order; of a member that is named twice the first counts. Weights are taken from 1 to ``weightMaximum``.
    public init(_ nodes: [Node]) {
        var unique: [Node] = []
        for node in nodes.enumerated().sorted(by: { ($0.element.member, $0.offset) < ($1.element.member, $1.offset) }).map(\.element)
        where unique.last?.member != node.member { unique.append(node) }
        self.nodes = unique
        zones = Set(unique.map(\.zone)).count
        var places: [Place] = []
        for (index, node) in unique.enumerated() {
            for place in 0..<min(max(node.weight, 1), Self.weightMaximum) * Self.placesPerWeight {
                places.append(Place(position: Self.position(of: node.member, place), node: Int32(index)))
            }
        }
        self.places = places.sorted { ($0.position, $0.node) < ($1.position, $1.node) }
    }

    /// Where a key stands: the first eight bytes of its SHA-256, the most significant first.
    public static func position(of key: [UInt8]) -> UInt64 {
        SHA256.hash(data: key).withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// Where a key stands among all keys: its position, then the next six bytes of its SHA-256 in place of a write's sequence.
    ///
    /// Reconciliation compares keys by place, so a range of the ring is a range of places.
    public static func place(of key: [UInt8]) -> WriteKey {
        SHA256.hash(data: key).withUnsafeBytes { hash in
            let (first, second) = (hash.loadUnaligned(as: UInt64.self), hash.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            return WriteKey(
                stamp: HybridTimestamp(rawValue: UInt64(bigEndian: first)), origin: OriginID(rawValue: 0),
                sequence: UInt64(bigEndian: second) >> 16)
        }
    }

    /// The places of a range of positions.
    public static func places(of positions: ClosedRange<UInt64>) -> WriteRange {
        let upper: WriteKey? = positions.upperBound == .max ? nil : WriteKey(startOf: HybridTimestamp(rawValue: positions.upperBound + 1))
        return WriteRange(lower: WriteKey(startOf: HybridTimestamp(rawValue: positions.lowerBound)), upper: upper)
    }

    private static func position(of member: MemberID, _ place: Int) -> UInt64 {
        withUnsafeBytes(of: (member.rawValue.bigEndian, UInt64(place).bigEndian)) { position(of: Array($0)) }
    }

    /// All members in the order in which a key at the position prefers them.
    ///
    /// The first `count` are its home: along the ring, each zone once before any comes again. Those behind them stand in for homes that fail.
    ///
    /// - Complexity: O(log places + places walked), which is a few for each member.
    public func preferenceList(for position: UInt64, count: Int) -> [MemberID] {
        let walk = walk(from: index(at: position))
        // With one zone, the order in which they stand.
        guard zones > 1 else { return walk.map { nodes[Int($0)].member } }
        var (home, used, round): ([Int32], Set<String>, [Int32]) = ([], [], walk)
        while home.count < min(count, walk.count) {
            for node in round where home.count < count && used.insert(nodes[Int(node)].zone).inserted { home.append(node) }
            round.removeAll { home.contains($0) }
            used = []
        }
        return (home + walk.filter { !home.contains($0) }).map { nodes[Int($0)].member }
    }

    /// The first `count` of a preference list alone.
    ///
    /// - Complexity: O(log places + places walked): with as many zones as homes, or one zone, hardly more than `count`.
    public func homes(for position: UInt64, count: Int) -> [MemberID] { homes(from: index(at: position), count) }

    private func homes(from index: Int, _ count: Int) -> [MemberID] {
        guard zones == 1 || count <= zones else { return Array(preferenceList(for: places[index].position, count: count).prefix(count)) }
        var (home, seen): ([Int32], [Bool]) = ([], [Bool](repeating: false, count: nodes.count))
        for offset in places.indices where home.count < min(count, nodes.count) {
            let node = places[(index + offset) % places.count].node
            guard !seen[Int(node)] else { continue }
            seen[Int(node)] = true
            guard zones == 1 || !home.contains(where: { nodes[Int($0)].zone == nodes[Int(node)].zone }) else { continue }
            home.append(node)
        }
        return home.map { nodes[Int($0)].member }
    }

    /// The first place at or behind a position; of none, the number of places.
    private func index(at position: UInt64) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle].position < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The nodes in the order of their first places from one on.
    private func walk(from low: Int) -> [Int32] {
        var (order, seen) = ([Int32](), [Bool](repeating: false, count: nodes.count))
        for offset in places.indices where order.count < nodes.count {
            let node = places[(low + offset) % places.count].node
            guard !seen[Int(node)] else { continue }
            seen[Int(node)] = true
            order.append(node)
        }
        return order
    }

    /// The ranges of positions of which a member is one of the first `count` homes, in order: what it compares with others that hold them.
    ///
    /// - Complexity: O(places · members). ``PlacementMap`` works the homes out once for all members.
    public func ranges(of member: MemberID, count: Int) -> [ClosedRange<UInt64>] {
        var ranges: [ClosedRange<UInt64>] = []
        visitRanges(count) { if $1.contains(member) { ranges.append($0) } }
        return ranges.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Calls `body` with each range of positions that have the same homes because they lie behind the same place.
    func visitRanges(_ count: Int, _ body: (ClosedRange<UInt64>, [MemberID]) -> Void) {
        for index in places.indices {
            // A place answers for the positions behind the place before it; the first one for those behind the last, too.
            let homes = homes(from: index, count)
            if index == 0 {
                if let last = places.last, last.position < .max { body(last.position + 1 ... .max, homes) }
                body(0...places[0].position, homes)
            } else if places[index - 1].position < places[index].position {
                body(places[index - 1].position + 1...places[index].position, homes)
            }
        }
    }
}
