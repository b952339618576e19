import Testing

@testable import SkerryGossip

/// Neighbourhoods of a cluster whose members all know each other, from a seed. Messages come within the second in which they were sent, in order, or are
/// lost where ``lossPercent`` says so; who is down is noticed at once by who has an edge to it, and by the others after ``detection`` seconds.
final class Suburb {
    static let detection = 8

    private(set) var members: [Neighbourhood] = []
    /// When each fell; nil of those that are up.
    private var fellAt: [Int?] = []
    private(set) var second = 0
    private var draws: Draws
    private var queue = RangeQueue<(source: Int, target: Int, message: ViewMessage)>()
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// How often members began or gave up views.
    private(set) var changes = 0
    private let defects: ViewDefects
    var lossPercent = 0

    init(_ count: Int, seed: UInt64, defects: ViewDefects = []) {
        draws = Draws(seed)
        self.defects = defects
        for _ in 0..<count { join() }
    }

    static func id(_ index: Int) -> MemberID { MemberID(rawValue: UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15) }

    func join() {
        var member = Neighbourhood(id: Self.id(members.count))
        member.defects = defects
        members.append(member)
        fellAt.append(nil)
    }

    var up: [Int] { members.indices.filter { fellAt[$0] == nil } }
    private lazy var places: [MemberID: Int] = [:]

    private func place(_ member: MemberID) -> Int {
        if places.count < members.count { places = Dictionary(uniqueKeysWithValues: members.indices.map { (Self.id($0), $0) }) }
        return places[member]!
    }

    private func act(_ index: Int, _ body: (inout Neighbourhood, inout Draws, inout [PeerViews.Action]) -> Void) {
        var actions: [PeerViews.Action] = []
        body(&members[index], &draws, &actions)
        for action in actions { if case .send(let message, let target) = action { queue.append((index, place(target), message)) } }
    }

    /// Takes members down; with whom they have edges notices, if that is heard.
    func kill(_ victims: [Int], isHeard: Bool = true) {
        for victim in victims { fellAt[victim] = second }
        guard isHeard else { return }
        for index in up { for victim in victims { act(index) { $0.linkEnded(Self.id(victim), using: &$1, into: &$2) } } }
        settle()
    }

    func kill(percent: Int) { kill(Array(up.shuffled(using: &draws).prefix(up.count * percent / 100))) }

    func run(seconds: Int) {
        for _ in 0..<seconds {
            second += 1
            let known = members.indices.filter { fellAt[$0].map { second < $0 + Self.detection } ?? true }.map(Self.id).sorted()
            let partakers = known.filter { members[place($0)].views != nil }
            for index in up {
                let had = members[index].views != nil
                let (others, takers) = (known.filter { $0 != Self.id(index) }, partakers.filter { $0 != Self.id(index) })
                act(index) { $0.advance(now: UInt64(second) * 1_000, members: others, partakers: takers, using: &$1, into: &$2) }
                if had != (members[index].views != nil) { changes += 1 }
            }
            settle()
        }
    }

    private func settle() {
        for _ in 0..<1_000_000 {
            guard let (source, target, message) = queue.first else { return }
            queue.removeFirst()
            digest = (digest ^ UInt64(source << 32 | target << 8) ^ UInt64(message.encoded.count)) &* 0x100_0000_01B3
            guard fellAt[source] == nil, !draws.chance(lossPercent) else { continue }
            if fellAt[target] == nil {
                act(target) { $0.receive(message, from: Self.id(source), using: &$1, into: &$2) }
            } else {
                act(source) { $0.failed(Self.id(target), using: &$1, into: &$2) }
            }
        }
        Issue.record("no rest")
    }

    // MARK: What came of it

    private func active(_ index: Int) -> [Int] { (members[index].views?.active ?? []).map(place).filter { fellAt[$0] == nil } }

    var halfEdges: Int { up.reduce(0) { sum, index in sum + active(index).count { !active($0).contains(index) } } }

    /// The largest part of those that are up that reach each other over edges of the views that both ends know.
    var largest: Int {
        var (seen, largest): (Set<Int>, Int) = ([], 0)
        for start in up where seen.insert(start).inserted {
            var (stack, size) = ([start], 0)
            while let index = stack.popLast() {
                size += 1
                for other in active(index) where active(other).contains(index) && seen.insert(other).inserted { stack.append(other) }
            }
            largest = max(largest, size)
        }
        return largest
    }

    /// Names in the views of those that are up, on average.
    var means: (active: Double, passive: Double) {
        let views = up.compactMap { members[$0].views }
        let count = Double(max(1, views.count))
        return (Double(views.reduce(0) { $0 + $1.active.count }) / count, Double(views.reduce(0) { $0 + $1.passive.count }) / count)
    }
}
