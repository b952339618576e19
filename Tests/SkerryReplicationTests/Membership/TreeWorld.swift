import SkerrySession

@testable import SkerryGossip
@testable import SkerryReplication

/// Broadcast trees of the members of a world, over edges that both ends know, which are links: what is lost on the way is sent again, and all that is behind
/// it waits. Messages take 1 to 8 ms, and as ``lossPercent`` says 200 ms longer.
final class TreeWorld {
    private struct Delivery: Comparable {
        let at: UInt64
        let number: Int
        let source: Int
        let target: Int
        let message: BroadcastMessage

        static func < (left: Delivery, right: Delivery) -> Bool { (left.at, left.number) < (right.at, right.number) }
        static func == (left: Delivery, right: Delivery) -> Bool { (left.at, left.number) == (right.at, right.number) }
    }

    private var trees: [Int: BroadcastTree] = [:]
    private var places: [MemberID: Int] = [:]
    private var deliveries = PlanHeap<Delivery>()
    private var generator: SeededGenerator
    private var number = 0
    private(set) var now: UInt64 = 0
    /// When the last message comes over each edge, each way.
    private var lastAt: [Int: UInt64] = [:]
    /// Which broadcasts came to each place, in the order in which they came.
    private(set) var delivered: [Int: [BroadcastID]] = [:]
    private(set) var payloads = 0
    private(set) var others = 0
    var lossPercent = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// Takes the members of a world that are up, with their neighbours as they are now.
    func follow(_ world: MemberWorld, _ neighbours: (MemberCore) -> [MemberID] = \.neighbours) {
        for place in world.nodes.indices {
            let core = world.nodes[place].core
            guard world.nodes[place].isUp else {
                trees[place] = nil
                continue
            }
            places[core.id] = place
            var tree = trees[place] ?? BroadcastTree(id: core.id)
            tree.follow(neighbours(core), now: now)
            trees[place] = tree
        }
    }

    /// Those that are up, in order.
    var up: [Int] { trees.keys.sorted() }

    @discardableResult
    func broadcast(from place: Int) -> BroadcastID {
        var actions: [BroadcastTree.Action] = []
        let id = trees[place]!.broadcast([1, 2, 3], now: now, into: &actions)
        delivered[place, default: []].append(id)
        perform(actions, place)
        return id
    }

    /// From somebody who is up.
    func broadcast() -> BroadcastID { broadcast(from: up[Int(generator.below(UInt64(trees.count)))]) }

    func resetCounts() { (payloads, others) = (0, 0) }

    func run(for duration: UInt64) {
        let end = now + duration
        while now < end {
            // Trees act on times of a tenth of a second and more.
            now += 1
            while let delivery = deliveries.minimum, delivery.at <= now {
                deliveries.removeMinimum()
                receive(delivery)
            }
            guard now % 10 == 0 else { continue }
            for place in up where trees[place]?.nextDeadline ?? .max <= now {
                var actions: [BroadcastTree.Action] = []
                trees[place]?.advance(now: now, into: &actions)
                perform(actions, place)
            }
        }
    }

    private func receive(_ delivery: Delivery) {
        guard let source = trees[delivery.source]?.id, trees[delivery.target]?.neighbours.contains(source) == true else { return }
        var actions: [BroadcastTree.Action] = []
        trees[delivery.target]?.receive(delivery.message, from: source, now: now, into: &actions)
        perform(actions, delivery.target)
    }

    private func perform(_ actions: [BroadcastTree.Action], _ place: Int) {
        for action in actions {
            switch action {
            case .deliver(let id, _): delivered[place, default: []].append(id)
            case .send(let message, let target):
                guard let other = places[target] else { continue }
                if case .payload = message { payloads += 1 } else { others += 1 }
                number += 1
                let isLost = lossPercent > 0 && generator.below(100) < UInt64(lossPercent)
                let delay = 1 + UInt64((min(place, other) &* 31 + max(place, other)) % 8) + (isLost ? 200 : 0)
                let at = max(now + delay, lastAt[place << 16 | other] ?? 0)
                lastAt[place << 16 | other] = at
                deliveries.insert(Delivery(at: at, number: number, source: place, target: other, message: message))
            }
        }
    }
}
