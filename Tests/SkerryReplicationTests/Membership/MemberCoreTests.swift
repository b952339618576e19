import Foundation
import SkerryGossip
import SkerrySession
import Testing

@testable import SkerryReplication

@Suite("Members over links, in virtual time")
struct MemberCoreTests {
    /// A few on every push, and many in the long form (`SKERRY_SOAK=1`).
    private static func runs(_ count: Int) -> Range<Int> {
        0..<(ProcessInfo.processInfo.environment["SKERRY_SOAK"] == "1" ? 50 * count : count)
    }

    /// Ten members, of which each knows one that started before it.
    private static func ten(_ seed: UInt64, profile: NodeProfile = NodeProfile()) -> MemberWorld {
        var world = MemberWorld(seed: seed, profile: profile, secret: [1, 2, 3])
        world.start(joining: [])
        for place in 1..<10 { world.start(joining: [place - 1]) }
        return world
    }

    @Test("P-04, T-11: ten peers of which each knows one other find all of the ten", arguments: runs(6))
    func finds(seed: Int) throws {
        var world = Self.ten(UInt64(seed))
        let took = world.run(until: { world in (0..<10).allSatisfy { world.views($0).count == 10 } && world.agree }, within: .seconds(30))
        let time = try #require(took)
        #expect(time < .seconds(10))
        world.run(for: .seconds(5))
        let names = Set(world.views(7).map(\.name))
        #expect(names == Set((0..<10).map { "member \($0)" }))
        // Nobody is talked to through more than one link that is in use.
        #expect(world.nodes.allSatisfy { $0.core.linkCount <= 18 && $0.core.malformed == 0 })
    }

    @Test("P-04: a peer that dies is dead to all others after the threshold, and not before it", arguments: runs(6))
    func dies(seed: Int) throws {
        var world = Self.ten(UInt64(seed))
        _ = world.run(until: \.agree, within: .seconds(30))
        world.run(for: .seconds(3))
        world.kill(4)
        let others = (0..<10).filter { $0 != 4 }
        world.run(for: .milliseconds(3_500))
        // A suspicion lasts four probe intervals at least.
        #expect(others.allSatisfy { world.status(of: 4, at: $0) != .dead })
        let time = world.run(until: { world in others.allSatisfy { world.status(of: 4, at: $0) == .dead } }, within: .seconds(30))
        #expect(time != nil)
        #expect(world.agree)
    }

    @Test("a peer that leaves has left to all others, and is not taken for dead", arguments: runs(4))
    func leaves(seed: Int) {
        var world = Self.ten(UInt64(seed))
        _ = world.run(until: \.agree, within: .seconds(30))
        world.leave(3)
        world.run(for: world.profile.leaving)
        world.kill(3)
        let others = (0..<10).filter { $0 != 3 }
        let time = world.run(until: { world in others.allSatisfy { world.status(of: 3, at: $0) == .left } }, within: .seconds(10))
        #expect(time != nil)
        world.run(for: .seconds(20))
        #expect(others.allSatisfy { world.status(of: 3, at: $0) == .left })
    }

    @Test("T-13: peers killed and started again at random agree soon after the last start", arguments: runs(6))
    func comesBack(seed: Int) throws {
        var world = Self.ten(UInt64(seed))
        _ = world.run(until: \.agree, within: .seconds(30))
        var generator = SeededGenerator(seed: UInt64(seed) + 77)
        var lives = Array(repeating: UInt64(1), count: 10)
        for _ in 0..<12 {
            let place = Int(generator.below(10))
            world.kill(place)
            world.run(for: .milliseconds(Int(generator.below(6_000))))
            lives[place] += 1
            let (other, id) = ((place + 1 + Int(generator.below(9))) % 10, world.nodes[place].core.id)
            world.start(joining: [other], id: id, at: place, incarnation: lives[place])
        }
        let took = world.run(until: \.agree, within: .seconds(60))
        let time = try #require(took)
        #expect(time < .seconds(15))
    }

    @Test("a peer that takes nothing costs the others what is bounded, and is alive again when it runs", arguments: runs(2))
    func frozen(seed: Int) {
        var world = Self.ten(UInt64(seed))
        _ = world.run(until: \.agree, within: .seconds(30))
        world.freeze(5)
        world.run(for: .seconds(120))
        // The dead are told next to nothing: far below the bound of one link, which the tests of the queue hold.
        #expect(world.waitingMaximum > 0 && world.waitingMaximum <= 4 << 10)
        #expect((0..<10).allSatisfy { $0 == 5 || world.status(of: 5, at: $0) == .dead })
        world.thaw(5)
        #expect(world.run(until: \.agree, within: .seconds(60)) != nil)
        // It did not run, so it has nobody to accuse.
        #expect(
            world.nodes.indices.allSatisfy { place in
                place == 5 || (world.nodes[place].core.views(now: world.now).first { $0.isSelf }?.incarnation ?? 9) <= 1
            })
    }

    @Test("two halves that came to be apart find each other when one member of one is a seed of the other")
    func halves() {
        var world = MemberWorld(seed: 5)
        // The seed of the second half is not there yet.
        world.start(joining: [])
        world.start(joining: [0])
        world.start(joining: [4])
        world.start(joining: [2])
        world.run(for: .seconds(10))
        #expect(world.views(2).count == 2)
        world.start(joining: [0])
        #expect(
            world.run(until: { world in (0..<5).allSatisfy { world.views($0).count == 5 } && world.agree }, within: .seconds(30)) != nil)
    }

    @Test("a member that is its own seed notices, and one that lost all others looks for its seeds again")
    func seeds() {
        var world = MemberWorld(seed: 9)
        world.start(joining: [0])
        world.run(for: .seconds(2))
        #expect(world.nodes[0].core.seeds.allSatisfy { $0.isSelf })
        world.start(joining: [0, 1])
        #expect(world.run(until: { $0.views(0).count == 2 && $0.agree }, within: .seconds(10)) != nil)
        world.kill(0)
        world.run(for: .seconds(30))
        #expect(world.status(of: 0, at: 1) == .dead)
        let id = MemberID(rawValue: 77)
        world.start(joining: [], id: id, at: 0)
        #expect(world.run(until: { $0.agree }, within: .seconds(30)) != nil)
    }

    @Test("a member that is gone for long is forgotten, and others do not bring it back")
    func forgets() {
        var profile = NodeProfile()
        profile.forgetAfter = .seconds(60)
        var world = Self.ten(3, profile: profile)
        _ = world.run(until: \.agree, within: .seconds(30))
        world.kill(9)
        world.run(for: .seconds(30))
        #expect(world.views(0).count == 10)
        world.run(for: .seconds(90))
        #expect((0..<9).allSatisfy { world.views($0).count == 9 })
    }

    @Test("frames of no kind, and packets not signed with the secret, end the link and nothing else")
    func malformed() {
        var world = Self.ten(1)
        _ = world.run(until: \.agree, within: .seconds(30))
        var core = world.nodes[0].core
        var actions: [MemberCore.Action] = []
        core.linkOpened(9_999_999, to: world.nodes[1].core.id, dial: nil, now: world.now, into: &actions)
        let before = core.views(now: world.now)
        for frame in [[], [0], [9, 1, 2], [1], [1, 1, 2, 3, 4, 5, 6, 7, 8, 9], [2, 0, 0], [3, 1], [4]] as [[UInt8]] {
            actions = []
            frame.withUnsafeBytes { core.received($0, from: 9_999_999, now: world.now, into: &actions) }
            #expect(frame == [4] ? actions.isEmpty : actions == [.cut(9_999_999)], "\(frame)")
        }
        #expect(core.views(now: world.now) == before)
    }
}
