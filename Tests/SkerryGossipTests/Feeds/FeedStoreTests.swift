import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("What stores keep of feeds")
struct FeedStoreTests {
    @Test("an entry comes back from its row as it was, and bytes that are none are refused", arguments: [true, false])
    func stored(_ isSigned: Bool) throws {
        let trust = isSigned ? FeedTrust.custom(sign: { _ in [UInt8](repeating: 9, count: 64) }, verify: { _, _, _ in true }) : .members
        let desk = FeedDesk(1, trust: trust)
        let world = FeedWorld(seed: 11)
        var previous = FeedHash.zero
        for number in 0..<60 {
            let entry = try desk.write("k\(number)", String(repeating: "v", count: world.below(200)), kind: .allCases[number % 3])
            let row = entry.stored
            let again = try row.withUnsafeBytes { try FeedEntry(dot: entry.dot, stored: $0) }
            #expect(again == entry)
            #expect(again.follows(previous))
            previous = entry.link
            for length in 0..<min(row.count, 60) {
                #expect(throws: FeedError.self) { try row[..<length].withUnsafeBytes { try FeedEntry(dot: entry.dot, stored: $0) } }
            }
            // Whatever is changed, nothing traps, and what is read does not follow any more.
            var changed = row
            changed[world.below(row.count)] ^= UInt8(1 << world.below(8))
            let other = try? changed.withUnsafeBytes { try FeedEntry(dot: entry.dot, stored: $0) }
            #expect(other.map { $0.follows(desk.store.state.marks.isEmpty ? .zero : $0.link) } != true)
            #expect(other != entry)
        }
    }

    @Test("what a crash may still take is given to nobody")
    func unsynced() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        carry([one, other])
        other.core.detach(FeedPeerID(rawValue: 1))
        try one.write("a")
        one.syncs = false
        try one.write("b")
        // The first is durable and is sent; the store has the second too.
        try one.attach(other, session: 91)
        try other.attach(one, session: 92)
        settle([one, other], ticks: 4)
        #expect(other.value("a") != nil)
        #expect(other.value("b") == nil, "an entry that is not durable was sent")
        one.sync()
        settle([one, other], ticks: 4)
        #expect(other.value("b") != nil)
    }

    @Test("places before an entry that was trimmed, or of a time before a state was taken over, are given up")
    func places() throws {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        for number in 0..<6 {
            try one.write("a\(number)")
            try other.write("b\(number)")
            carry([one, other])
        }
        let log = one.store.end.log
        #expect(one.store.end.offset == 12)
        // The third entry of the other arrived in the middle: whoever stands before it would miss it.
        one.store.trim(other.origin, through: 3)
        let gone = FeedCursor(log: log, offset: 4)
        #expect(one.store.scan(from: gone, limit: 20) == nil)
        let place = FeedCursor(log: log, offset: 6)
        #expect(one.store.scan(from: place, limit: 20)?.arrivals.count == 6)
        let end = one.store.end
        one.store.adopt(
            FeedMark(origin: OriginID(rawValue: 99), position: FeedPosition(sequence: 5, link: .zero, stamp: HybridTimestamp(rawValue: 1))))
        #expect(one.store.scan(from: end, limit: 20) == nil)
        #expect(one.store.scan(from: one.store.end, limit: 20)?.arrivals.isEmpty == true)
    }

    @Test("places lead to durable entries alone")
    func durablePlaces() throws {
        let desk = FeedDesk(1)
        try desk.write("a")
        desk.syncs = false
        try desk.write("b")
        #expect(desk.store.end.offset == 1)
        #expect(desk.store.scan(from: FeedCursor(log: 2, offset: 0), limit: 9)?.arrivals.count == 1)
        desk.sync()
        #expect(desk.store.scan(from: FeedCursor(log: 2, offset: 0), limit: 9)?.arrivals.count == 2)
    }
}
