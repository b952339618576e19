import Testing

@testable import SkerryGossip

/// Views over links: what goes to a member that is down comes back as a failure.
final class Crowd {
    private(set) var views: [PeerViews] = []
    private(set) var isUp: [Bool] = []
    private var draws: Draws
    private var queue = RangeQueue<(source: Int, target: Int, message: ViewMessage?)>()
    private(set) var digest: UInt64 = 1

    init(_ count: Int, seed: UInt64, defects: ViewDefects = []) {
        draws = Draws(seed)
        for index in 0..<count {
            views.append(PeerViews(id: MemberID(rawValue: UInt64(index))))
            views[index].defects = defects
            isUp.append(true)
            guard index > 0 else { continue }
            act(index) { $0.join(through: MemberID(rawValue: UInt64(draws.below(index))), using: &draws, into: &$1) }
            settle()
        }
    }

    private func act(_ index: Int, _ body: (inout PeerViews, inout [PeerViews.Action]) -> Void) {
        var actions: [PeerViews.Action] = []
        body(&views[index], &actions)
        for action in actions {
            if case .send(let message, let target) = action { queue.append((index, Int(target.rawValue), message)) }
        }
    }

    func settle(maximum: Int = 2_000_000) {
        for _ in 0..<maximum {
            guard let (source, target, message) = queue.first else { return }
            queue.removeFirst()
            guard isUp[target] else {
                // The link cannot be opened or is gone: the sender learns.
                if isUp[source], message != nil { act(source) { $0.failed(MemberID(rawValue: UInt64(target)), using: &draws, into: &$1) } }
                continue
            }
            digest = (digest ^ UInt64(source << 16 | target)) &* 0x100_0000_01B3
            guard let message else {
                act(target) { $0.failed(MemberID(rawValue: UInt64(source)), using: &draws, into: &$1) }
                continue
            }
            act(target) { $0.receive(message, from: MemberID(rawValue: UInt64(source)), using: &draws, into: &$1) }
        }
        Issue.record("no rest")
    }

    func shuffle(rounds: Int) {
        for _ in 0..<rounds {
            for index in views.indices where isUp[index] { act(index) { $0.shuffle(using: &draws, into: &$1) } }
            settle()
        }
    }

    /// Takes many members down at once; the others notice by their links.
    func kill(percent: Int) {
        var left = views.indices.shuffled(using: &draws)
        left.removeLast(views.count * (100 - percent) / 100)
        for index in left { isUp[index] = false }
        for index in views.indices where isUp[index] {
            for member in views[index].active where !isUp[Int(member.rawValue)] { queue.append((Int(member.rawValue), index, nil)) }
        }
        settle()
    }

    /// The largest number of members that reach each other, of those that are up.
    var connected: (largest: Int, of: Int) {
        var component = Array(repeating: -1, count: views.count)
        var largest = 0
        for start in views.indices where isUp[start] && component[start] < 0 {
            var (stack, size) = ([start], 0)
            component[start] = start
            while let index = stack.popLast() {
                size += 1
                for member in views[index].active {
                    let other = Int(member.rawValue)
                    guard isUp[other], component[other] < 0, views[other].active.contains(views[index].id) else { continue }
                    component[other] = start
                    stack.append(other)
                }
            }
            largest = max(largest, size)
        }
        return (largest, isUp.count { $0 })
    }

    /// Edges that one end alone knows.
    var halfEdges: Int {
        views.indices.filter { isUp[$0] }.reduce(0) { sum, index in
            sum + views[index].active.count { isUp[Int($0.rawValue)] && !views[Int($0.rawValue)].active.contains(views[index].id) }
        }
    }
}

@Suite("Views of a large cluster")
struct PeerViewsTests {
    @Test("a thousand members of which eighty of a hundred fall at once stay connected")
    func catastrophe() {
        let crowd = Crowd(1_000, seed: 3)
        crowd.shuffle(rounds: 10)
        #expect(crowd.connected == (1_000, 1_000))
        #expect(crowd.views.allSatisfy { $0.active.count <= 5 && $0.passive.count <= 30 })
        crowd.kill(percent: 80)
        let atOnce = crowd.connected
        crowd.shuffle(rounds: 5)
        let later = crowd.connected
        print("of \(atOnce.of) left, \(atOnce.largest) are connected at once and \(later.largest) after five shuffles")
        #expect(atOnce.largest >= 190, "\(atOnce)")
        #expect(later.largest == 200, "\(later)")
    }

    @Test("edges have two ends, views no doubles, nobody knows itself", arguments: 1...5 as ClosedRange<UInt64>)
    func symmetry(_ seed: UInt64) {
        let crowd = Crowd(150, seed: seed)
        crowd.shuffle(rounds: 4)
        crowd.kill(percent: 30)
        crowd.shuffle(rounds: 3)
        #expect(crowd.halfEdges == 0)
        for index in crowd.views.indices where crowd.isUp[index] {
            let view = crowd.views[index]
            #expect(Set(view.active + view.passive).count == view.active.count + view.passive.count)
            #expect(!(view.active + view.passive).contains(view.id))
            #expect(!view.active.isEmpty)
        }
        #expect(crowd.connected.largest == crowd.connected.of)
    }

    @Test("a seed gives one trace")
    func deterministic() {
        #expect(Crowd(60, seed: 4).digest == Crowd(60, seed: 4).digest)
        #expect(Crowd(60, seed: 4).digest != Crowd(60, seed: 5).digest)
    }

    #if DEBUG
    @Test(
        "test 13: neighbours that are not replaced, and edges with one end, are found",
        arguments: [.neverRefills, .dropsSilently] as [ViewDefects])
    func defects(_ defect: ViewDefects) {
        let crowd = Crowd(150, seed: 2, defects: defect)
        crowd.shuffle(rounds: 4)
        let halves = crowd.halfEdges
        crowd.kill(percent: 70)
        crowd.shuffle(rounds: 3)
        #expect(halves > 0 || crowd.connected.largest < crowd.connected.of)
    }
    #endif
}
