import Testing

@testable import SkerryGossip

/// Broadcast trees over links that delay and break. A broken link loses what is under way; both ends notice.
final class Square {
    struct Delivery {
        var at: UInt64
        var serial: Int
        var source: Int
        var target: Int
        var message: BroadcastMessage
    }

    private(set) var trees: [BroadcastTree] = []
    private(set) var now: UInt64 = 0
    private var draws: Draws
    private var queue: [Delivery] = []
    private var serial = 0
    private var links: Set<Int> = []
    private(set) var delivered: [[BroadcastID]] = []
    private(set) var payloads = 0
    private(set) var others = 0

    init(_ count: Int, seed: UInt64, degree: Int? = nil, defects: BroadcastDefects = []) {
        draws = Draws(seed)
        for index in 0..<count {
            trees.append(BroadcastTree(id: MemberID(rawValue: UInt64(index))))
            trees[index].defects = defects
            delivered.append([])
        }
        for left in 0..<count {
            for right in left + 1..<max(count, left + 1) {
                // All with all, or a ring with some chords.
                let isLinked = degree.map { right == left + 1 || right - left == count - 1 || draws.below(count) < $0 - 2 } ?? true
                if isLinked { link(left, right) }
            }
        }
    }

    private func key(_ left: Int, _ right: Int) -> Int { min(left, right) << 16 | max(left, right) }

    func link(_ left: Int, _ right: Int) {
        links.insert(key(left, right))
        trees[left].neighbourUp(MemberID(rawValue: UInt64(right)), now: now)
        trees[right].neighbourUp(MemberID(rawValue: UInt64(left)), now: now)
    }

    func cut(_ left: Int, _ right: Int) {
        guard links.remove(key(left, right)) != nil else { return }
        queue.removeAll { key($0.source, $0.target) == key(left, right) }
        trees[left].neighbourDown(MemberID(rawValue: UInt64(right)))
        trees[right].neighbourDown(MemberID(rawValue: UInt64(left)))
    }

    var allLinks: [(Int, Int)] { links.sorted().map { ($0 >> 16, $0 & 0xFFFF) } }

    @discardableResult
    func broadcast(from index: Int) -> BroadcastID {
        var actions: [BroadcastTree.Action] = []
        let id = trees[index].broadcast([1, 2, 3], now: now, into: &actions)
        delivered[index].append(id)
        perform(actions, index)
        return id
    }

    func resetCounts() { (payloads, others) = (0, 0) }

    func run(for duration: UInt64) {
        let end = now + duration
        while true {
            let wake = trees.indices.min { trees[$0].nextDeadline < trees[$1].nextDeadline }!
            let wakesAt = max(trees[wake].nextDeadline, now)
            let arrival = queue.indices.min { (queue[$0].at, queue[$0].serial) < (queue[$1].at, queue[$1].serial) }
            let arrives = arrival.map { queue[$0].at } ?? .max
            guard min(wakesAt, arrives) <= end else { break }
            now = min(wakesAt, arrives)
            var actions: [BroadcastTree.Action] = []
            if arrives <= wakesAt, let arrival {
                let delivery = queue.remove(at: arrival)
                trees[delivery.target].receive(
                    delivery.message, from: MemberID(rawValue: UInt64(delivery.source)), now: now, into: &actions)
                perform(actions, delivery.target)
            } else {
                trees[wake].advance(now: now, into: &actions)
                perform(actions, wake)
            }
        }
        now = end
    }

    private func perform(_ actions: [BroadcastTree.Action], _ index: Int) {
        for action in actions {
            switch action {
            case .deliver(let id, _): delivered[index].append(id)
            case .send(let message, let target):
                let other = Int(target.rawValue)
                guard links.contains(key(index, other)) else { continue }
                if case .payload = message { payloads += 1 } else { others += 1 }
                serial += 1
                // Links keep order: a longer way for each pair, the same each time.
                let delay = 2 + UInt64(key(index, other) &* 7919 % 30)
                queue.append(Delivery(at: now + delay, serial: serial, source: index, target: other, message: message))
            }
        }
    }
}

@Suite("Broadcast trees")
struct BroadcastTests {
    @Test("once the tree has formed a payload crosses about once for each member", arguments: 1...4 as ClosedRange<UInt64>)
    func once(_ seed: UInt64) {
        let square = Square(40, seed: seed, degree: 6)
        for round in 0..<10 {
            square.broadcast(from: round % 40)
            square.run(for: 2_000)
        }
        square.resetCounts()
        for round in 0..<20 {
            square.broadcast(from: round * 7 % 40)
            square.run(for: 2_000)
        }
        #expect(Double(square.payloads) / (20 * 39) < 1.1, "\(square.payloads) payloads for 20 messages to 39 members")
        #expect(square.delivered.allSatisfy { $0.count == 30 && Set($0).count == 30 })
    }

    @Test("with every member a neighbour of every other it is a tree as well")
    func full() {
        let square = Square(24, seed: 1)
        for round in 0..<6 {
            square.broadcast(from: round)
            square.run(for: 2_000)
        }
        square.resetCounts()
        square.broadcast(from: 9)
        square.run(for: 2_000)
        #expect(square.payloads < 30)
        #expect(square.delivered.allSatisfy { $0.count == 7 })
    }

    /// What one run gives: problems, for the tests and for the defects.
    static func problems(seed: UInt64, defects: BroadcastDefects = []) -> [String] {
        var problems: [String] = []
        let square = Square(24, seed: seed, degree: 5, defects: defects)
        var draws = Draws(seed &+ 50)
        for _ in 0..<8 {
            square.broadcast(from: draws.below(24))
            square.run(for: 1_500)
        }
        square.resetCounts()
        square.broadcast(from: draws.below(24))
        square.run(for: 3_000)
        if square.payloads > 28 { problems.append("\(square.payloads) payloads for one message to 23 members") }
        // Links break while messages are under way.
        for _ in 0..<10 {
            square.broadcast(from: draws.below(24))
            square.run(for: UInt64(draws.below(20)))
            let (left, right) = square.allLinks[draws.below(square.allLinks.count)]
            square.cut(left, right)
            square.run(for: UInt64(draws.below(3_000)))
            square.link(left, right)
        }
        square.run(for: 5_000)
        // Two halves that go on alone, and meet again.
        let between = square.allLinks.filter { ($0.0 < 12) != ($0.1 < 12) }
        for (left, right) in between { square.cut(left, right) }
        for round in 0..<6 {
            square.broadcast(from: round % 2 == 0 ? draws.below(12) : 12 + draws.below(12))
            square.run(for: 800)
        }
        for (left, right) in between { square.link(left, right) }
        square.run(for: 6_000)
        for index in square.delivered.indices {
            let got = square.delivered[index]
            if Set(got).count != got.count { problems.append("member \(index) gets a message twice") }
            if got.count < 25 { problems.append("member \(index) lacks \(25 - got.count)") }
        }
        if square.trees.contains(where: { $0.missingCount > 0 }) { problems.append("messages stay missing") }
        return problems
    }

    @Test("links that break and halves that meet again: every message reaches all, once", arguments: 1...20 as ClosedRange<UInt64>)
    func healing(_ seed: UInt64) { #expect(Self.problems(seed: seed) == []) }

    #if DEBUG
    @Test("test 13: each defect is found", arguments: [.neverPrunes, .neverGrafts, .neverAnnounces, .deliversTwice] as [BroadcastDefects])
    func defects(_ defect: BroadcastDefects) {
        for seed in 1...10 as ClosedRange<UInt64> where !Self.problems(seed: seed, defects: defect).isEmpty { return }
        Issue.record("not found in 10 seeds")
    }
    #endif

    @Test("memory is bounded: old payloads go first, then their names; what is announced beyond the bound is not waited for")
    func bounds() {
        var profile = BroadcastTree.Profile()
        profile.remembered = 100
        profile.keptBytes = 1_000
        profile.missingMaximum = 50
        var tree = BroadcastTree(id: MemberID(rawValue: 1), profile: profile)
        tree.neighbourUp(MemberID(rawValue: 2), now: 0)
        var actions: [BroadcastTree.Action] = []
        for number in 1...300 as ClosedRange<UInt64> {
            let id = BroadcastID(origin: MemberID(rawValue: 9), number: number)
            tree.receive(.payload(id, hops: 1, bytes: Array(repeating: 0, count: 100)), from: MemberID(rawValue: 2), now: 0, into: &actions)
            tree.receive(
                .announcement([BroadcastMessage.Announcement(id: BroadcastID(origin: MemberID(rawValue: 8), number: number), hops: 1)]),
                from: MemberID(rawValue: 2), now: 0, into: &actions)
        }
        #expect(tree.missingCount == 50)
        #expect(tree.hasReceived(BroadcastID(origin: MemberID(rawValue: 9), number: 201)))
        #expect(!tree.hasReceived(BroadcastID(origin: MemberID(rawValue: 9), number: 200)))
        func sent(_ number: UInt64) -> Bool {
            actions = []
            tree.receive(
                .graft(BroadcastID(origin: MemberID(rawValue: 9), number: number)), from: MemberID(rawValue: 2), now: 0, into: &actions)
            return !actions.isEmpty
        }
        #expect(sent(300) && sent(291) && !sent(290))
    }
}
