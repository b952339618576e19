import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Rules of feeds that honest nodes never break, each with what happens without it.
@Suite("Rules of feeds that somebody breaks")
struct FeedRuleTests {
    /// What a node finds of an origin that went on in two ways.
    private func forks(_ defects: FeedDefects) throws -> (found: Bool, isFrozen: Bool) {
        let (one, copy, finder) = (FeedDesk(1, origin: 0x77), FeedDesk(2, origin: 0x77), FeedDesk(3))
        finder.core.defects = defects
        try one.write("a", "this")
        try copy.write("a", "that")
        try join(one, finder)
        settle([one, finder], ticks: 2)
        finder.core.detach(FeedPeerID(rawValue: 1))
        try join(copy, finder)
        settle([copy, finder], ticks: 2)
        return (!finder.forks.isEmpty, finder.core.frozenOrigins == [one.origin])
    }

    @Test("an origin with two histories is found and frozen")
    func fork() throws { #expect(try forks([]) == (true, true)) }

    /// What becomes of a run whose stamps do not ascend.
    private func stale(_ defects: FeedDefects) throws -> (refusals: [FeedError.Code], isTaken: Bool) {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        other.core.defects = defects
        try join(one, other)
        settle([one, other], ticks: 2)
        let first = try one.write("a", "new")
        settle([one, other], ticks: 2)
        let slot = try #require(other.core.peers.first)
        let stale = FeedEntry(
            dot: Dot(origin: one.origin, sequence: 0), stamp: first.stamp, kind: .write, body: Array("bold".utf8), keyLength: 1,
            digest: .zero, link: .zero)
        let run = FeedRun(number: 3_000, definition: one.origin, first: 2, tag: nil, isSigned: false, entries: [stale])
        let frame = FeedFrame(tag: slot.tag, position: slot.received, grant: 0, rate: 1, haves: [], runs: [run])
        // The number stands for the origin already, so it is named by the number it has.
        let number = try #require(slot.numbers.firstIndex { $0 >= 0 && other.core.origins[Int($0)].id == one.origin })
        var named = frame
        named.runs[0].number = number
        other.receive(FeedMessage.frame(named).encoded(), from: 1)
        return (other.refusals.map(\.code), other.value("b") != nil)
    }

    @Test("stamps of an origin ascend, or the frame is refused")
    func staleStamp() throws {
        let (refusals, isTaken) = try stale([])
        #expect(refusals == [.staleStamp] && !isTaken)
    }

    /// Whether an entry goes out that a crash of its writer may still take.
    private func leaves(_ defects: FeedDefects) throws -> Bool {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        one.core.defects = defects
        try one.write("a")
        one.syncs = false
        try one.write("b")
        try join(one, other)
        settle([one, other], ticks: 4)
        return other.value("b") != nil
    }

    @Test("what is not durable does not leave")
    func early() throws { #expect(try !leaves([])) }

    @Test("of a stranger nothing is taken until it is a member, then all of it, and what others wrote all the same")
    func stranger() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        let third = FeedDesk(3)
        try third.write("t")
        try join(third, one)
        settle([third, one], ticks: 2)
        other.core.admit([other.origin, third.origin])
        try one.write("a")
        try join(one, other)
        settle([one, other], ticks: 10)
        #expect(other.value("a") == nil && other.value("t") != nil)
        #expect(other.refusals.map(\.code).contains(.unregistered))
        #expect(one.refusalsByPeer.contains { $0.code == .unregistered && $0.dot?.origin == one.origin })
        let refused = other.refusals.count
        settle([one, other], ticks: 20)
        #expect(other.refusals.count - refused <= 1, "it is not offered again and again")
        other.core.admit([other.origin, third.origin, one.origin])
        settle([one, other], ticks: 3)
        #expect(other.value("a") != nil, "it comes at once")
        // An origin on its way out is taken from members alone.
        other.core.admit([other.origin, third.origin])
        other.core.fence(third.origin, through: nil, into: &other.actions)
        try third.write("late")
        settle([third, one, other], ticks: 10)
        #expect(other.value("late") == nil)
        other.core.admit([other.origin, third.origin, one.origin])
        settle([third, one, other], ticks: 3)
        #expect(other.value("late") != nil)
    }

    #if DEBUG
    @Test("test 13: a fork that is not noticed, stamps that go back, and entries that leave early are found")
    func defects() throws {
        #expect(try forks(.forkIgnored) == (false, false))
        let (refusals, isTaken) = try stale(.staleAllowed)
        #expect(refusals.isEmpty && isTaken)
        #expect(try leaves(.sentEarly))
    }
    #endif
}
