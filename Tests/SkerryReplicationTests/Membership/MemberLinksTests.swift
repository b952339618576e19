import SkerryGossip
import SkerrySession
import Testing

@testable import SkerryReplication

@Suite("Which links a member keeps")
struct MemberLinksTests {
    private static let echo: [UInt8] = [3, 1, 2, 3, 4, 5, 6, 7, 8]

    private static func core(_ id: UInt64, seeds: [String] = [], _ profile: NodeProfile = NodeProfile()) -> MemberCore {
        MemberCore(
            id: MemberID(rawValue: id), address: "n\(id)", epoch: 1, incarnation: 1, secret: nil, seeds: seeds, profile: profile, seed: id,
            now: .zero)
    }

    private func receive(_ frame: [UInt8], _ link: UInt64, _ core: inout MemberCore, at now: Moment) -> [MemberCore.Action] {
        var actions: [MemberCore.Action] = []
        frame.withUnsafeBytes { core.received($0, from: link, now: now, into: &actions) }
        return actions
    }

    private func open(_ link: UInt64, to member: UInt64, dial: UInt64?, _ core: inout MemberCore, at now: Moment) -> [MemberCore.Action] {
        var actions: [MemberCore.Action] = []
        core.linkOpened(link, to: MemberID(rawValue: member), dial: dial, now: now, into: &actions)
        return actions
    }

    private func advance(_ core: inout MemberCore, to now: Moment) -> [MemberCore.Action] {
        var actions: [MemberCore.Action] = []
        core.advance(now: now, into: &actions)
        return actions
    }

    /// Steps through time as a process that runs does.
    private func run(_ core: inout MemberCore, from start: Moment, for length: Duration) -> [MemberCore.Action] {
        var actions: [MemberCore.Action] = []
        var now = start
        while now < start + length {
            now = min(start + length, max(now + .milliseconds(1), core.nextDeadline))
            actions += advance(&core, to: now)
        }
        return actions
    }

    @Test("of two links made at once both sides use the one that the lower id made, whichever stood first", arguments: [true, false])
    func preferred(isOwnFirst: Bool) {
        // 1 dialled link 10, and 2 dialled link 20.
        var core = Self.core(1)
        for link in isOwnFirst ? [10, 20] : [20, 10] as [UInt64] {
            _ = open(link, to: 2, dial: link == 10 ? 5 : nil, &core, at: .zero)
        }
        #expect(receive(Self.echo, 20, &core, at: .zero) == [.wake(10)])
        var other = Self.core(2)
        for link in isOwnFirst ? [10, 20] : [20, 10] as [UInt64] {
            _ = open(link, to: 1, dial: link == 20 ? 5 : nil, &other, at: .zero)
        }
        #expect(receive(Self.echo, 20, &other, at: .zero) == [.wake(10)])
        var frame: [UInt8] = []
        #expect(!core.nextFrame(of: 20, now: .zero, into: &frame, maximum: 1_000))
        #expect(core.nextFrame(of: 10, now: .zero, into: &frame, maximum: 1_000))
        #expect(frame == [4] + Self.echo.dropFirst())
        // The other one falls idle first.
        let closed = run(&core, from: .zero, for: .seconds(8))
        #expect(closed.contains(.close(20)) && !closed.contains(.close(10)))
    }

    @Test("a third link to the same member closes one, and links that end give way to those that are left")
    func third() {
        var core = Self.core(9)
        _ = open(1, to: 2, dial: nil, &core, at: .zero)
        _ = open(2, to: 2, dial: nil, &core, at: .zero)
        #expect(open(3, to: 2, dial: nil, &core, at: .zero) == [.close(1)])
        #expect(receive(Self.echo, 3, &core, at: .zero) == [.wake(3)])
        var actions: [MemberCore.Action] = []
        core.linkEnded(3, now: .zero, into: &actions)
        #expect(actions == [.wake(2)])
    }

    @Test("when there are too many links, the one used longest ago is closed")
    func bound() {
        var profile = NodeProfile()
        profile.linksMaximum = 3
        var core = Self.core(1, profile)
        for link in 1...3 as ClosedRange<UInt64> { _ = open(link, to: link + 10, dial: nil, &core, at: .zero + .milliseconds(Int(link))) }
        _ = receive(Self.echo, 1, &core, at: .zero + .milliseconds(10))
        #expect(open(4, to: 20, dial: nil, &core, at: .zero + .milliseconds(11)) == [.close(2)])
    }

    @Test("a link over which nothing goes is closed, a node that meets itself cuts it")
    func idle() {
        var core = Self.core(1)
        _ = open(1, to: 2, dial: nil, &core, at: .zero)
        #expect(!run(&core, from: .zero, for: .seconds(59)).contains(.close(1)))
        #expect(run(&core, from: .zero + .seconds(59), for: .seconds(4)).contains(.close(1)))
        #expect(open(7, to: 1, dial: nil, &core, at: .zero + .seconds(63)) == [.cut(7)])
    }

    @Test("a seed that does not answer is dialled again after waits that grow up to a bound, and no more when it answered")
    func dials() {
        var core = Self.core(1, seeds: ["n2"])
        var (now, waits) = (Moment.zero, [Duration]())
        for number in 1...20 as ClosedRange<UInt64> {
            let start = now
            while !advance(&core, to: now).contains(.dial(number, address: "n2")) { now = max(now + .milliseconds(1), core.nextDeadline) }
            waits.append(now - start)
            var actions: [MemberCore.Action] = []
            core.dialFailed(number, now: now, into: &actions)
        }
        #expect(waits[1] <= .milliseconds(50) && waits.max()! <= .seconds(5) && waits.last! >= .seconds(2))
        let greeting = open(1, to: 2, dial: 21, &core, at: now)
        #expect(greeting.isEmpty && !core.seeds[0].isMet)
        while !advance(&core, to: now).contains(.dial(21, address: "n2")) { now = max(now + .milliseconds(1), core.nextDeadline) }
        #expect(open(2, to: 2, dial: 21, &core, at: now).contains(.wake(2)))
        #expect(core.seeds[0].isMet)
    }

    @Test("time in which the process did not run is nobody's silence")
    func stalls() {
        // Two members that know each other.
        var world = MemberWorld(seed: 4)
        world.start(joining: [])
        world.start(joining: [0])
        _ = world.run(until: \.agree, within: .seconds(10))
        var core = world.nodes[0].core
        // It stops for a minute, then runs for a moment, again and again: for half a second in all, which is less than a probe may take.
        var now = world.now
        for _ in 0..<5 {
            now = now + .seconds(60)
            for _ in 0..<10 {
                now = now + .milliseconds(10)
                _ = advance(&core, to: now)
            }
        }
        #expect(core.views(now: now).allSatisfy { $0.status == .alive })
        // Whoever does run, and hears nothing, says so.
        _ = run(&core, from: now, for: .seconds(20))
        #expect(core.views(now: now).contains { $0.status == .dead })
    }
}
