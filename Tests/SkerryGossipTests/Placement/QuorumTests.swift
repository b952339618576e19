import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Quorums")
struct QuorumTests {
    private static let list = (1...5).map { MemberID(rawValue: UInt64($0)) }

    private static func copy(_ value: UInt8, _ origin: UInt64) -> Siblings {
        var copy = Siblings()
        copy.write([value], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: origin), sequence: 1))
        return copy
    }

    @Test("T-16: a write goes to three homes and is done at two; a home that fails has a member stand in with a hint")
    func write() {
        let written = Self.copy(1, 1)
        var request = QuorumRequest(.write(written), preference: Self.list, now: 0)
        var actions: [QuorumRequest.Action] = []
        request.start(into: &actions)
        #expect(actions == Self.list.prefix(3).map { .store(written, at: $0, hint: nil) })
        actions = []
        request.failed(Self.list[1], into: &actions)
        #expect(actions == [.store(written, at: Self.list[3], hint: Self.list[1])])
        actions = []
        request.answered(Self.list[0], into: &actions)
        request.answered(Self.list[0], into: &actions)
        #expect(actions.isEmpty && !request.isDone, "one member counts once")
        request.answered(Self.list[3], into: &actions)
        #expect(actions == [.succeeded(written)] && request.isDone)
        // A home that fails after the quorum gets its hint all the same.
        actions = []
        request.failed(Self.list[2], into: &actions)
        #expect(actions == [.store(written, at: Self.list[4], hint: Self.list[2])])
    }

    @Test("T-16: a read asks two homes, joins what they hold, and mends the copies that were behind, late ones too")
    func read() {
        var request = QuorumRequest(.read, preference: Self.list, now: 0)
        var actions: [QuorumRequest.Action] = []
        request.start(into: &actions)
        #expect(actions == [.read(from: Self.list[0]), .read(from: Self.list[1])])
        actions = []
        request.advance(now: 50, into: &actions)
        #expect(actions == [.read(from: Self.list[2])])
        actions = []
        let (old, new) = (Self.copy(1, 1), Self.copy(2, 2))
        var both = old
        both.merge(new)
        request.answered(Self.list[0], old, into: &actions)
        request.answered(Self.list[2], new, into: &actions)
        #expect(actions == [.succeeded(both), .store(both, at: Self.list[0], hint: nil), .store(both, at: Self.list[2], hint: nil)])
        actions = []
        request.answered(Self.list[1], Siblings(), into: &actions)
        #expect(actions == [.store(both, at: Self.list[1], hint: nil)])
    }

    @Test("T-18: one more is asked when answers take long, so that a slow member does not decide; too few in time is a failure")
    func slow() {
        var profile = QuorumRequest.Profile()
        profile.timeout = 300
        var request = QuorumRequest(.read, preference: Self.list, profile: profile, now: 0)
        var actions: [QuorumRequest.Action] = []
        request.start(into: &actions)
        var asked = 2
        for now in stride(from: 50 as UInt64, to: 300, by: 50) {
            actions = []
            request.advance(now: now, into: &actions)
            asked += actions.count
        }
        #expect(asked == 5, "all members in the end, each once")
        actions = []
        request.answered(Self.list[4], into: &actions)
        request.advance(now: 300, into: &actions)
        #expect(actions == [.failed(answers: 1)])
        #expect(request.isDone && request.nextDeadline == .max)
        var write = QuorumRequest(.write(Self.copy(1, 1)), preference: Self.list, profile: profile, now: 0)
        write.start(into: &actions)
        actions = []
        write.advance(now: 50, into: &actions)
        #expect(actions == [.store(Self.copy(1, 1), at: Self.list[3], hint: Self.list[0])], "a silent home has a stand-in")
    }

    @Test("T-16: a home that stays silent has a stand-in after the quorum too, and when none is left the coordinator keeps the hint")
    func silent() {
        let written = Self.copy(1, 1)
        var request = QuorumRequest(.write(written), preference: Array(Self.list.prefix(4)), now: 0)
        var actions: [QuorumRequest.Action] = []
        request.start(into: &actions)
        request.answered(Self.list[0], into: &actions)
        request.answered(Self.list[1], into: &actions)
        #expect(request.isDone && !request.isOver && request.nextDeadline == 50)
        actions = []
        request.advance(now: 50, into: &actions)
        #expect(actions == [.store(written, at: Self.list[3], hint: Self.list[2])])
        actions = []
        request.failed(Self.list[3], into: &actions)
        #expect(actions.isEmpty && !request.isOver, "the home itself may still answer")
        request.advance(now: 2_000, into: &actions)
        #expect(actions == [.keep(written, for: Self.list[2])] && request.isOver && request.nextDeadline == .max)
        var alone = QuorumRequest(.write(written), preference: Array(Self.list.prefix(3)), now: 0)
        alone.start(into: &actions)
        actions = []
        alone.failed(Self.list[1], into: &actions)
        #expect(actions == [.keep(written, for: Self.list[1])])
        alone.failed(Self.list[2], into: &actions)
        actions = []
        alone.answered(Self.list[0], into: &actions)
        #expect(actions == [.failed(answers: 1)] && alone.isOver, "nobody is left to ask")
    }

    @Test("T-16: where quorums are strict, members that stand in keep hints and do not count, nor are they read")
    func strict() {
        var profile = QuorumRequest.Profile()
        profile.isSloppy = false
        var write = QuorumRequest(.write(Self.copy(1, 1)), preference: Self.list, profile: profile, now: 0)
        var actions: [QuorumRequest.Action] = []
        write.start(into: &actions)
        write.failed(Self.list[0], into: &actions)
        actions = []
        write.answered(Self.list[3], into: &actions)
        write.answered(Self.list[1], into: &actions)
        #expect(actions.isEmpty && !write.isDone)
        write.answered(Self.list[2], into: &actions)
        #expect(actions == [.succeeded(Self.copy(1, 1))])
        var read = QuorumRequest(.read, preference: Self.list, profile: profile, now: 0)
        read.start(into: &actions)
        for member in Self.list.prefix(3) { read.failed(member, into: &actions) }
        #expect(actions.last == .failed(answers: 0))
        #expect(!actions.contains(.read(from: Self.list[3])))
    }

    @Test("T-16: hints are kept for each home and key, joined, bounded, and gone once delivered")
    func hints() {
        var table = HintTable(maximum: 2)
        let taken = [
            table.insert(Self.copy(1, 1), of: [1], for: Self.list[0]), table.insert(Self.copy(2, 2), of: [1], for: Self.list[0]),
            table.insert(Self.copy(1, 1), of: [2], for: Self.list[1]), table.insert(Self.copy(1, 1), of: [3], for: Self.list[1]),
        ]
        #expect(taken == [true, true, true, false])
        let hints = table.hints(for: Self.list[0], limit: 10)
        #expect(hints.count == 1)
        _ = table.insert(Self.copy(3, 3), of: [1], for: Self.list[0])
        table.delivered(hints[0])
        #expect(table.count == 2, "one that has grown stays")
        table.delivered(table.hints(for: Self.list[0], limit: 1)[0])
        #expect(table.count == 1)
    }

    /// Five members with stores, requests that run at random, members that fail and come back; at the end hints are delivered and neighbours compare.
    @Test(
        "T-13, T-16, T-17: what was acknowledged is never lost, and all homes come to hold the same",
        arguments: 1...30 as ClosedRange<UInt64>)
    func simulation(_ seed: UInt64) {
        var draws = Draws(seed)
        let ring = PlacementRing(Self.list.map { PlacementRing.Node(member: $0) })
        var stores: [MemberID: [[UInt8]: Siblings]] = [:]
        var hints: [MemberID: HintTable] = [:]
        var (up, sequences): (Set<MemberID>, [MemberID: UInt64]) = (Set(Self.list), [:])
        var acknowledged: [(key: [UInt8], dot: Dot)] = []
        var (failures, hinted) = (0, 0)
        func deliver(_ copy: Siblings, _ key: [UInt8], at member: MemberID, hint: MemberID?) -> Bool {
            guard up.contains(member), !draws.chance(5) else { return false }
            if let hint {
                hinted += 1
                return hints[member, default: HintTable()].insert(copy, of: key, for: hint)
            }
            stores[member, default: [:]][key, default: Siblings()].merge(copy)
            return true
        }
        func run(_ purpose: QuorumRequest.Purpose, _ key: [UInt8]) -> Siblings? {
            let preference = ring.preferenceList(for: PlacementRing.position(of: key), count: 3)
            var request = QuorumRequest(purpose, preference: preference, now: 0)
            var (actions, now, result): ([QuorumRequest.Action], UInt64, Siblings?) = ([], 0, nil)
            request.start(into: &actions)
            while true {
                while !actions.isEmpty {
                    switch actions.removeFirst() {
                    case .read(let member):
                        if up.contains(member), !draws.chance(5) {
                            request.answered(member, stores[member]?[key] ?? Siblings(), into: &actions)
                        } else if draws.chance(50) {
                            request.failed(member, into: &actions)
                        }
                    case .store(let copy, let member, let hint):
                        if deliver(copy, key, at: member, hint: hint) {
                            request.answered(member, into: &actions)
                        } else if draws.chance(50) {
                            request.failed(member, into: &actions)
                        }
                    case .keep(let copy, let home): _ = hints[Self.list[0], default: HintTable()].insert(copy, of: key, for: home)
                    case .succeeded(let copy): result = copy
                    case .failed: failures += 1
                    }
                }
                guard request.nextDeadline < .max else { return result }
                now = request.nextDeadline
                request.advance(now: now, into: &actions)
            }
        }
        for _ in 0..<150 {
            if draws.chance(10) {
                let member = Self.list[draws.below(5)]
                if up.contains(member), up.count > 3 { up.remove(member) } else { up.insert(member) }
            }
            let key = [UInt8(draws.below(6))]
            let seen = run(.read, key)
            guard draws.chance(60) else { continue }
            // A member that is up and a home coordinates.
            let home = ring.preferenceList(for: PlacementRing.position(of: key), count: 3).prefix(3).first { up.contains($0) }
            guard let home else { continue }
            sequences[home, default: 0] += 1
            let dot = Dot(origin: OriginID(rawValue: home.rawValue), sequence: sequences[home]!)
            var copy = stores[home]?[key] ?? Siblings()
            copy.write([UInt8(draws.below(256))], replacing: seen?.context ?? CausalContext(), as: dot)
            stores[home, default: [:]][key, default: Siblings()].merge(copy)
            if run(.write(copy), key) != nil { acknowledged.append((key, dot)) }
        }
        up = Set(Self.list)
        for member in Self.list {
            for home in Self.list {
                for hint in hints[member]?.hints(for: home, limit: 1_000) ?? [] {
                    stores[home, default: [:]][hint.key, default: Siblings()].merge(hint.copy)
                    hints[member]?.delivered(hint)
                }
            }
            #expect(hints[member]?.count ?? 0 == 0)
        }
        for key in (0..<6 as Range<UInt8>).map({ [$0] }) {
            let homes = ring.preferenceList(for: PlacementRing.position(of: key), count: 3).prefix(3)
            var all = Siblings()
            for home in homes { all.merge(stores[home]?[key] ?? Siblings()) }
            for write in acknowledged where write.key == key { #expect(all.context.covers(write.dot), "an acknowledged write is lost") }
        }
        #expect(acknowledged.count > 20)
        if seed == 1 { #expect(hinted > 0, "hints were used") }
    }
}
