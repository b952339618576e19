import SkerryCRDT
import Testing

@testable import SkerryGossip

/// What a digest says of what it does not name, and when two nodes may call themselves equal; on links whose messages hold 512 bytes a digest of a hundred origins has seven parts.
@Suite("Digests of feeds")
struct FeedDigestTests {
    private static let origins = 100
    /// Pairs in a part: numbers 0 to 14 stand in the first.
    private static let perPart = 15

    /// Two desks, the one with an entry of each of a hundred origins, the other with those of some. Their numbers at the one are 1 to 100.
    private func desks(_ isKnown: (Int) -> Bool) throws -> (one: FeedDesk, other: FeedDesk) {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        for number in 1...Self.origins {
            let source = FeedDesk(10 + number)
            try source.write("of \(number)")
            // The other first: from the one a source takes all that it has.
            for desk in isKnown(number) ? [other, one] : [one] {
                try join(source, desk)
                settle([source, desk], ticks: 2)
                for (left, right) in [(source, desk), (desk, source)] { left.core.detach(FeedPeerID(rawValue: UInt32(right.index))) }
            }
        }
        for desk in [one, other] { desk.reports = [] }
        return (one, other)
    }

    /// Looks at both when one of them is told that they are equal.
    private func watch(_ one: FeedDesk, _ other: FeedDesk) {
        for desk in [one, other] {
            desk.hears = { [unowned one, unowned other] report in
                guard case .synchronised = report else { return }
                #expect(one.core.durable == other.core.durable, "told of equality while something lacks")
                #expect(one.unsynced.isEmpty && other.unsynced.isEmpty)
            }
        }
    }

    private func hello(_ bytes: [UInt8]) -> FeedHello? {
        guard case .hello(let hello)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }) else { return nil }
        return hello
    }

    private func frame(_ bytes: [UInt8]) -> FeedFrame? {
        guard case .frame(let frame)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }) else { return nil }
        return frame
    }

    @Test("U-04: nobody is told of equality before each part of a HELLO has come, however alike what came is")
    func lostParts() throws {
        let (one, other) = try desks { $0 <= 40 }
        watch(one, other)
        try join(one, other, ordered: false, frame: 512)
        var lost = 0
        settle([one, other], ticks: 100) { _, _, bytes in
            guard let hello = hello(bytes), hello.part > 0 else { return [bytes] }
            lost += 1
            return []
        }
        #expect(lost > 6)
        #expect(one.core.durable == other.core.durable && other.core.durable.dots.count == Self.origins, "entries do not wait for it")
        #expect(one.synchronisations == 0 && other.synchronisations == 0)
        settle([one, other], ticks: 210)
        #expect(one.synchronisations == 1 && other.synchronisations == 1, "the next digest is whole")
    }

    @Test("U-04: whatever is lost, both are told once, and only when they are equal", arguments: 1...10 as ClosedRange<UInt64>)
    func lossy(_ seed: UInt64) throws {
        let world = FeedWorld(seed: seed)
        let (one, other) = try desks { $0 <= 40 }
        watch(one, other)
        try other.write("its own")
        try join(one, other, ordered: false, frame: 512)
        settle([one, other], ticks: 3_000) { _, _, bytes in world.chance(30) ? [] : world.chance(10) ? [bytes, bytes] : [bytes] }
        #expect(one.core.durable == other.core.durable)
        #expect(one.synchronisations == 1 && other.synchronisations == 1)
    }

    @Test("U-04: parts of two digests make one, though the sender began to write between them")
    func mixedParts() throws {
        // The one that is lacking is the first of the second part.
        let (one, other) = try desks { $0 != Self.perPart }
        try join(one, other, ordered: false, frame: 512)
        var digest = 0
        /// Of the first digest all but its first part, of the next the first part alone, of frames only what the sender wrote itself.
        func pass(_ from: Int, _: Int, _ bytes: [UInt8]) -> [[UInt8]] {
            guard from == 1 else { return [bytes] }
            if let hello = hello(bytes) { return hello.echo == 0 || (hello.part == 0) == (digest > 0) ? [bytes] : [] }
            guard var frame = frame(bytes) else { return [bytes] }
            frame.haves = []
            frame.runs.removeAll { $0.number != 0 }
            return [FeedMessage.frame(frame).encoded()]
        }
        settle([one, other], ticks: 20, pass)
        digest = 1
        try one.write("its first")
        settle([one, other], ticks: 210, pass)
        #expect(other.value("its first") != nil)
        let lacking = one.core.durable.dots.filter { !other.core.durable.covers($0) }
        #expect(lacking.map(\.origin) == [one.core.origins[Self.perPart].id], "\(lacking)")
        #expect(other.synchronisations == 0, "the origin that is lacking was named")
    }

    @Test("what is not named is at 0, as soon as all parts are here and no sooner")
    func unnamed() throws {
        let (one, other) = try desks { _ in true }
        try join(one, other, ordered: false, frame: 512)
        settle([one, other], ticks: 20)
        let peer = FeedPeerID(rawValue: 1)
        #expect(other.core.backlog(of: peer) == 0)
        let frozen = one.core.origins[Self.perPart * 3].id
        one.core.freeze(frozen, into: &one.actions)
        one.perform()
        var held: [[UInt8]] = []
        func hold(_ from: Int, _: Int, _ bytes: [UInt8]) -> [[UInt8]] {
            guard from == 1, let hello = hello(bytes), hello.part > 3 else { return [bytes] }
            held.append(bytes)
            return []
        }
        settle([one, other], ticks: 210, hold)
        #expect(!held.isEmpty && other.core.backlog(of: peer) == 0, "another part may name it")
        // Its part has come already, and did not name it.
        try one.write("meanwhile")
        settle([one, other], ticks: 3, hold)
        for bytes in held { other.receive(bytes, from: 1) }
        #expect(other.core.backlog(of: peer) == 1, "what frames named stays where it is")
    }

    @Test("U-04: nobody is told of equality while something lacks or is not durable", arguments: [true, false], [0, 5, 30])
    func ordinary(_ isOrdered: Bool, _ ofTheOther: Int) throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        watch(one, other)
        for number in 0..<30 { try one.write("one \(number)", "value") }
        for number in 0..<ofTheOther { try other.write("other \(number)", "value") }
        other.syncs = false
        try join(one, other, ordered: isOrdered, frame: 512)
        settle([one, other], ticks: 30)
        #expect(other.value("one 29") != nil, "all of it came")
        #expect(one.synchronisations == 0 && other.synchronisations == 0, "but is not durable")
        other.sync()
        settle([one, other], ticks: 30)
        #expect(one.synchronisations == 1 && other.synchronisations == 1)
        try one.write("later")
        settle([one, other], ticks: 30)
        #expect(one.synchronisations == 1 && other.synchronisations == 1, "once in a session")
    }
}
