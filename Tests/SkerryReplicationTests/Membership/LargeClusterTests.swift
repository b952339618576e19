import Foundation
import SkerrySession
import Testing

@testable import SkerryGossip
@testable import SkerryReplication

@Suite("Members of a large cluster, in virtual time")
struct LargeClusterTests {
    private static let isSoak = ProcessInfo.processInfo.environment["SKERRY_SOAK"] == "1"

    /// Members of which each knows one that started before it, after a while.
    private static func cluster(_ count: Int, seed: UInt64, lossPercent: Int) -> MemberWorld {
        var world = MemberWorld(seed: seed)
        world.start(joining: [])
        for place in 1..<count { world.start(joining: [place / 2]) }
        world.run(for: .seconds(5))
        world.lossPercent = lossPercent
        world.run(for: .seconds(isSoak ? 25 : 8))
        return world
    }

    /// Takes half of the members down at once.
    private static func killHalf(of world: inout MemberWorld, seed: UInt64, isHeard: Bool = true) {
        var generator = SeededGenerator(seed: seed)
        for place in world.nodes.indices.shuffled(using: &generator).prefix(world.nodes.count / 2) { world.kill(place, isHeard: isHeard) }
    }

    /// Whether so many broadcasts, of anybody, come to all that are up once each, within so many seconds behind the last.
    private static func reach(_ count: Int, _ trees: TreeWorld, within seconds: Int = 10) -> Bool {
        var sent: [BroadcastID] = []
        for _ in 0..<count {
            sent.append(trees.broadcast())
            trees.run(for: 200)
        }
        func isEverywhere() -> Bool {
            trees.up.allSatisfy { place in sent.allSatisfy { id in trees.delivered[place]?.count { $0 == id } == 1 } }
        }
        for _ in 0..<5 * seconds where !isEverywhere() { trees.run(for: 200) }
        return isEverywhere()
    }

    @Test(
        "T-11: of many members, over links that lose a tenth, half fall at once: the others are one part before anybody is found dead, and news reaches them all",
        arguments: isSoak ? [100, 1_000] : [100])
    func catastrophe(count: Int) {
        var world = Self.cluster(count, seed: 1, lossPercent: 10)
        let bound = world.profile.neighbourhood.neighboursMaximum
        let trees = TreeWorld(seed: 1)
        trees.lossPercent = 10
        trees.follow(world)
        let before = MemberGraph(world)
        #expect(before.isOne && before.degreeMaximum <= bound)
        #expect(Self.reach(5, trees))
        Self.killHalf(of: &world, seed: 99)
        world.run(for: .milliseconds(500))
        let atOnce = MemberGraph(world)
        // Two ends of each edge that is gone have found another one already.
        #expect(atOnce.isOne && atOnce.degreeMaximum <= bound && atOnce.degreeMean > 5)
        trees.follow(world)
        #expect(Self.reach(5, trees))
        world.lossPercent = 0
        world.run(for: .seconds(Self.isSoak ? 25 : 12))
        let later = MemberGraph(world)
        #expect(later.isOne && later.degreeMaximum <= bound && later.degreeMean > 6 && later.halfEdges == 0)
        trees.follow(world)
        #expect(Self.reach(5, trees))
        #expect(world.nodes.allSatisfy { $0.core.malformed == 0 })
    }

    @Test("a seed gives one trace of a cluster with views")
    func deterministic() {
        func digest(_ seed: UInt64) -> UInt64 {
            var world = Self.small(18, seed: seed)
            world.run(for: .seconds(4))
            world.lossPercent = 10
            world.run(for: .seconds(4))
            Self.killHalf(of: &world, seed: seed)
            world.run(for: .seconds(2))
            #expect(world.framesOfViews.all > 100)
            return world.digest
        }
        #expect(digest(1) == digest(1))
    }

    // MARK: Thresholds

    /// Members that have views when they are more than sixteen, and none any more when they are fewer than twelve.
    private static func small(
        _ count: Int, seed: UInt64, profile: NodeProfile = NodeProfile(), withoutViews: Set<Int> = []
    ) -> MemberWorld {
        var profile = profile
        profile.neighbourhood.membersWithoutViews = 16
        profile.neighbourhood.membersWithViews = 12
        var world = MemberWorld(seed: seed, profile: profile, secret: [1, 2, 3])
        for place in 0..<count { world.start(joining: place == 0 ? [] : [place - 1], knowsViews: !withoutViews.contains(place)) }
        return world
    }

    private static func viewers(_ world: MemberWorld) -> Int { world.nodes.count { $0.isUp && $0.core.neighbourhood.views != nil } }

    @Test(
        "T-11: a cluster that grows beyond the threshold and shrinks again loses no broadcast, and changes once each way",
        arguments: isSoak ? 1...20 : 1...1)
    func thresholds(seed: Int) {
        var world = Self.small(14, seed: UInt64(seed))
        world.run(for: .seconds(8))
        world.lossPercent = 10
        let trees = TreeWorld(seed: UInt64(seed))
        trees.lossPercent = 10
        var (sent, viewers) = (0, [Self.viewers(world)])
        func run(seconds: Int) {
            for step in 0..<5 * seconds {
                world.run(for: .milliseconds(200))
                trees.follow(world)
                // Those that stay to the end.
                trees.broadcast(from: step % 10)
                trees.run(for: 200)
                if viewers.last != Self.viewers(world) { viewers.append(Self.viewers(world)) }
            }
            sent += 5 * seconds
        }
        run(seconds: 2)
        #expect(viewers == [0] && MemberGraph(world).degreeMaximum == 13)
        for _ in 0..<6 { world.start(joining: [3]) }
        run(seconds: 20)
        #expect(viewers == viewers.sorted() && viewers.last == 20 && MemberGraph(world).degreeMaximum <= 7)
        for place in 13..<20 { world.kill(place, isHeard: place % 2 == 0) }
        run(seconds: 10)
        #expect(viewers.last == 13 && MemberGraph(world).isOne)
        for place in 10..<13 { world.kill(place) }
        viewers = [10]
        run(seconds: 15)
        #expect(viewers == viewers.sorted(by: >) && viewers.last == 0)
        let graph = MemberGraph(world)
        #expect(graph.isOne && graph.degreeMean == 9)
        trees.run(for: 2_000)
        #expect((0..<10).allSatisfy { trees.delivered[$0]?.count == sent && Set(trees.delivered[$0] ?? []).count == sent })
        #expect(world.nodes.allSatisfy { $0.core.malformed == 0 })
    }

    @Test(
        "T-11: members of a build without views are told nothing of them, and keep the links that they ask for",
        arguments: isSoak ? 1...20 : 1...1)
    func olderBuilds(seed: Int) {
        let older: Set<Int> = [2, 5, 6, 11, 12, 13, 19, 20]
        var world = Self.small(24, seed: UInt64(seed), withoutViews: older)
        world.run(for: .seconds(20))
        #expect(Self.viewers(world) == 16 && world.framesOfViews.all > 100 && world.framesOfViews.misled == 0)
        let now = world.now
        let links = MemberGraph(world) { core in
            let views = MeshPolicy.Views(core.views(now: now))
            return MeshPolicy(id: core.id).partners(among: core.membership.detector.reachable, views: views)
        }
        #expect(links.isOne && links.halfEdges == 0)
        let listed = MemberGraph(world, MemberGraph.listed)
        #expect(older.allSatisfy { links.named[$0] == listed.named[$0] })
        // One that took part comes back with the older build, and others keep its name for a place that is free.
        world.kill(1)
        world.start(joining: [0], id: world.nodes[1].core.id, at: 1, incarnation: 2, knowsViews: false)
        world.run(for: .seconds(5))
        let misled = world.framesOfViews.misled
        for place in [2, 5, 7, 8, 9] { world.kill(place) }
        world.run(for: .seconds(25))
        #expect(Self.viewers(world) == 12 && world.framesOfViews.misled == misled)
        #expect(world.nodes.allSatisfy { $0.core.malformed == 0 })
    }

    @Test("links that are edges are kept where there is room for few, and where nothing is said over them for long")
    func scarceLinks() {
        var profile = NodeProfile()
        (profile.linksMaximum, profile.linkIdle) = (8, .seconds(1))
        var world = Self.small(20, seed: 1, profile: profile)
        world.run(for: .seconds(13))
        func edges() -> [Set<MemberID>] { world.nodes.map { Set($0.core.neighbourhood.views?.active ?? []) } }
        let before = edges()
        #expect(before.allSatisfy { $0.count >= 2 })
        world.run(for: .seconds(8))
        #expect(zip(before, edges()).allSatisfy { $0.isSubset(of: $1) })
    }

    // MARK: Figures

    /// What a choice of neighbours costs and holds.
    private struct Figures {
        let links: MemberGraph
        let payloads: Double
        let others: Double
        let atOnce: MemberGraph
        let healing: Duration?

        init(_ world: MemberWorld, isHeard: Bool, _ neighbours: (MemberCore) -> [MemberID]) {
            var world = world
            links = MemberGraph(world, neighbours)
            let trees = TreeWorld(seed: 1)
            trees.follow(world, neighbours)
            // The tree is found with the first broadcasts.
            _ = LargeClusterTests.reach(30, trees)
            trees.resetCounts()
            _ = LargeClusterTests.reach(20, trees)
            (payloads, others) = (Double(trees.payloads) / 20, Double(trees.others) / 20)
            LargeClusterTests.killHalf(of: &world, seed: 99, isHeard: isHeard)
            atOnce = MemberGraph(world, neighbours)
            healing = world.run(until: { MemberGraph($0, neighbours).isOne }, within: .seconds(60))
        }
    }

    @Test(
        "views heal in a moment where links break, and cost no more than a ring with chords", .enabled(if: isSoak), arguments: [200, 1_000])
    func figures(count: Int) throws {
        let world = Self.cluster(count, seed: 1, lossPercent: 0)
        for isHeard in [true, false] {
            func figures(_ name: String, _ neighbours: (MemberCore) -> [MemberID]) -> Figures {
                let figures = Figures(world, isHeard: isHeard, neighbours)
                print(
                    "\(count) members, \(name): \(figures.links.degreeMean) links, at most \(figures.links.degreeMaximum);",
                    "\(figures.payloads) payloads and \(figures.others) other messages a broadcast; half gone, \(isHeard ? "heard" : "unheard"):",
                    "\(figures.atOnce.largest) of \(figures.atOnce.named.count) at once in one part, all after",
                    figures.healing.map { "\($0)" } ?? "more than a minute")
                return figures
            }
            let views = figures("views and ring", \.neighbours)
            _ = figures("views alone") { $0.neighbourhood.views?.active ?? [] }
            let chords = figures("ring and chords", MemberGraph.listed)
            let (healing, former) = (try #require(views.healing), try #require(chords.healing))
            #expect(healing <= former && (!isHeard || healing < .seconds(1)))
            #expect(views.links.degreeMean <= chords.links.degreeMean && views.links.degreeMaximum <= 7)
            #expect(views.payloads < Double(count) * 1.1)
        }
    }
}
