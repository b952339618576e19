import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Placement")
struct PlacementTests {
    private static func nodes(_ count: Int, zones: Int = 1) -> [PlacementRing.Node] {
        (0..<count).map { PlacementRing.Node(member: MemberID(rawValue: UInt64($0 + 1)), zone: "zone \($0 % zones)") }
    }

    private static func key(_ index: Int) -> [UInt8] { Array("key \(index)".utf8) }

    @Test("T-10, T-12: every member works out the same homes, which differ, in different zones while there are any")
    func homes() {
        let ring = PlacementRing(Self.nodes(9, zones: 3))
        let same = PlacementRing(Self.nodes(9, zones: 3).reversed())
        #expect(ring == same)
        for index in 0..<300 {
            let list = ring.preferenceList(for: PlacementRing.position(of: Self.key(index)), count: 3)
            #expect(list == same.preferenceList(for: PlacementRing.position(of: Self.key(index)), count: 3))
            #expect(Set(list).count == 9, "all members stand in it, each once")
            #expect(Set(list.prefix(3).map { $0.rawValue % 3 }).count == 3, "three zones")
            let five = ring.preferenceList(for: PlacementRing.position(of: Self.key(index)), count: 5).prefix(5)
            #expect(Set(five).count == 5 && Dictionary(grouping: five) { $0.rawValue % 3 }.values.allSatisfy { $0.count <= 2 })
        }
        #expect(PlacementRing([]).preferenceList(for: 7, count: 3).isEmpty)
        #expect(PlacementRing(Self.nodes(2)).preferenceList(for: 7, count: 3).count == 2)
    }

    @Test("T-10: shares are even, and follow weights; a new member takes its share and moves nothing else")
    func shares() {
        func homes(_ ring: PlacementRing) -> [MemberID] {
            (0..<6_000).map { ring.preferenceList(for: PlacementRing.position(of: Self.key($0)), count: 1)[0] }
        }
        let before = homes(PlacementRing(Self.nodes(10)))
        let counts = Dictionary(grouping: before) { $0 }.mapValues(\.count)
        #expect(counts.count == 10 && counts.values.allSatisfy { $0 > 350 && $0 < 900 }, "\(counts.values.sorted())")
        let after = homes(PlacementRing(Self.nodes(11)))
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0.1 == MemberID(rawValue: 11) })
        #expect(moved.count > 300 && moved.count < 850, "\(moved.count)")
        var heavy = Self.nodes(10)
        heavy[0].weight = 4
        let share = homes(PlacementRing(heavy)).count { $0 == heavy[0].member }
        #expect(share > 1_300 && share < 2_300, "\(share)")
    }

    @Test("T-14: the ranges of a member are those of whose keys it is a home")
    func ranges() {
        let ring = PlacementRing(Self.nodes(5))
        for member in ring.nodes.map(\.member).prefix(2) {
            let ranges = ring.ranges(of: member, count: 3)
            for index in 0..<300 {
                let position = PlacementRing.position(of: Self.key(index))
                let isHome = ring.preferenceList(for: position, count: 3).prefix(3).contains(member)
                #expect(ranges.contains { $0.contains(position) } == isHome)
            }
        }
    }

    @Test("T-14: two members find the keys that differ in the ranges that both hold, and only there")
    func comparison() {
        let ring = PlacementRing(Self.nodes(5))
        let (one, two) = (ring.nodes[0].member, ring.nodes[1].member)
        var left = MemoryPlacementStore(origin: OriginID(rawValue: 1))
        var right = MemoryPlacementStore(origin: OriginID(rawValue: 1))
        var expected: Set<[UInt8]> = []
        for index in 0..<800 {
            let key = Self.key(index)
            let homes = ring.preferenceList(for: PlacementRing.position(of: key), count: 3).prefix(3)
            var copy = Siblings()
            copy.write(
                [UInt8(index % 251)], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 1), sequence: UInt64(index + 1)))
            if homes.contains(one), index % 40 != 0 { left.merge(copy, into: key) }
            if homes.contains(two) { right.merge(copy, into: key) }
            if homes.contains(one), homes.contains(two), index % 40 == 0 { expected.insert(key) }
        }
        let theirs = ring.ranges(of: two, count: 3)
        let shared = ring.ranges(of: one, count: 3).flatMap { mine in theirs.filter { $0.overlaps(mine) }.map { $0.clamped(to: mine) } }
        let ranges = WriteRange.joined(shared.map(PlacementRing.places(of:)))
        var initiator = ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 1), secret: [1], over: ranges)
        var responder = ReconciliationCore(responder: [1])
        var (frame, events): ([UInt8], [ReconciliationEvent]) = ([], [])
        while !initiator.isComplete || !responder.isComplete {
            while initiator.nextFrame(into: &frame, from: left.tree, events: &events) {
                #expect(throws: Never.self) { try responder.receive(frame, events: &events) }
            }
            var found: [ReconciliationEvent] = []
            while responder.nextFrame(into: &frame, from: right.tree, events: &found) {
                #expect(throws: Never.self) { try initiator.receive(frame, events: &events) }
            }
            for event in found {
                if case .peerLacks(let range, _) = event {
                    right.tree.visit(range) { entry in expected.remove(right.key(at: entry.key) ?? []) != nil }
                }
            }
        }
        // What the initiator asks for counts as well.
        for event in events { if case .wanted(let key) = event { expected.remove(right.key(at: key) ?? []) } }
        #expect(expected.isEmpty, "\(expected.count) were not found")
    }
}

@Suite("Siblings")
struct SiblingsTests {
    private static func dot(_ origin: UInt64, _ sequence: UInt64) -> Dot { Dot(origin: OriginID(rawValue: origin), sequence: sequence) }

    @Test("T-15: concurrent writes stay side by side until the application writes their merge")
    func concurrent() {
        var (left, right) = (Siblings(), Siblings())
        left.write([1], replacing: CausalContext(), as: Self.dot(1, 1))
        right.write([2], replacing: CausalContext(), as: Self.dot(2, 1))
        left.merge(right)
        #expect(left.values == [[1], [2]])
        var merged = left
        merged.write([3], replacing: left.context, as: Self.dot(1, 2))
        #expect(merged.values == [[3]])
        right.merge(merged)
        left.merge(right)
        #expect(left == merged && right == merged, "what was replaced does not come back")
        // A write that had seen nothing replaces nothing.
        left.write([4], replacing: CausalContext(), as: Self.dot(3, 1))
        #expect(left.values == [[3], [4]])
        left.write(nil, replacing: left.context, as: Self.dot(3, 2))
        #expect(left.isEmpty && left.values.isEmpty)
        left.merge(merged)
        #expect(left.isEmpty, "what was deleted does not come back")
    }

    @Test(
        "T-15: merging is a join, and a read that is written back loses nothing that it did not see",
        arguments: 1...40 as ClosedRange<UInt64>)
    func laws(_ seed: UInt64) {
        var draws = Draws(seed)
        var copies = Array(repeating: Siblings(), count: 3)
        var written: [Dot: (seen: CausalContext, value: [UInt8])] = [:]
        var sequences: [UInt64] = [0, 0, 0]
        var reads: [CausalContext] = [CausalContext()]
        for step in 0..<60 {
            let index = draws.below(3)
            if draws.chance(45) {
                sequences[index] += 1
                let dot = Self.dot(UInt64(index + 1), sequences[index])
                let seen = draws.chance(50) ? copies[index].context : reads[draws.below(reads.count)]
                copies[index].write([UInt8(step)], replacing: seen, as: dot)
                written[dot] = (seen, [UInt8(step)])
                reads.append(copies[index].context)
            } else {
                copies[index].merge(copies[draws.below(3)])
            }
        }
        let (a, b, c) = (copies[0], copies[1], copies[2])
        func joined(_ list: Siblings...) -> Siblings {
            var result = Siblings()
            for copy in list { result.merge(copy) }
            return result
        }
        #expect(joined(a, b, c) == joined(c, b, a))
        #expect(joined(joined(a, b), c) == joined(a, joined(b, c)))
        #expect(joined(a, a) == a)
        // Exactly those that nobody replaced are left.
        let survivors = written.filter { entry in !written.contains { $0.key != entry.key && $0.value.seen.covers(entry.key) } }
        #expect(Set(joined(a, b, c).versions.map(\.dot)) == Set(survivors.keys))
    }
}
