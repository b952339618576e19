import Crypto
import Foundation
import SkerryCRDT
import Testing

@testable import SkerryGossip

private func decode(_ bytes: [UInt8]) -> FeedMessage? { bytes.withUnsafeBytes { try? FeedMessage(decoding: $0) } }

/// `docs/formats/gossip.md` takes its examples from the files in `Golden`. A change of their bytes is a change of the format.
@Suite("Messages of feeds")
struct FeedWireTests {
    static let origin = OriginID(rawValue: 0x0102_0304_0506_0708)

    static func entry(_ sequence: UInt64, _ kind: FeedEntry.Kind = .write, signed: Bool = false) -> FeedEntry {
        let body = Array("notes/today\(kind == .write ? "hello" : "")".utf8)
        let dot = Dot(origin: origin, sequence: sequence)
        let stamp = HybridTimestamp(milliseconds: 1_700_000_000_000 + sequence, count: 2)
        let digest = body.withUnsafeBytes { FeedHash.digest(stamp: stamp, dot: dot, kind: kind, keyLength: 11, body: $0) }
        return FeedEntry(
            dot: dot, stamp: stamp, kind: kind, body: body, keyLength: 11, digest: digest,
            link: FeedHash.link(after: .zero, digest: digest),
            signature: signed ? [UInt8](repeating: 0x5A, count: 64) : [])
    }

    static func bare(_ entry: FeedEntry) -> FeedEntry {
        var bare = entry
        (bare.dot, bare.digest, bare.link) = (Dot(origin: OriginID(rawValue: 0), sequence: 0), .zero, .zero)
        return bare
    }

    static let filter: InterestFilter = {
        guard let filter = try? InterestFilter(prefixes: [Array("notes/".utf8), Array("tasks/".utf8)]) else {
            fatalError("two prefixes are few")
        }
        return filter
    }()

    struct Named {
        var name: String
        var message: FeedMessage

        init(_ name: String, _ message: FeedMessage) { (self.name, self.message) = (name, message) }
    }

    static let messages: [Named] = [
        hello, frame, signedFrame, shortFrame, prune, graft, acknowledgement, refusal, trimmed, subscribe, matches,
    ]

    static let hello = Named(
        "hello",
        .hello(
            FeedHello(
                session: 0xAABB_CCDD, echo: 0, identity: FeedIdentity(cluster: 7, site: 42, origin: origin, epoch: 3),
                horizon: HybridTimestamp(milliseconds: 1_700_000_000_000, count: 0), rate: 1_000_000, grant: 1 << 20, part: 0, parts: 1,
                pairs: [FeedPair(number: 0, origin: origin, sequence: 17, tag: 0x1122_3344_5566_7788)])))

    static let frame: Named = {
        let run = FeedRun(
            number: 0, definition: origin, first: 18, tag: 0x99, isSigned: false, entries: [bare(entry(18)), bare(entry(19, .removal))])
        let have = FeedHave(number: 1, definition: OriginID(rawValue: 9), rewinds: true, sequence: 300)
        return Named(
            "frame", .frame(FeedFrame(tag: 0x0BAD_CAFE, position: 512, grant: 1 << 20, rate: 1_000_000, haves: [have], runs: [run])))
    }()

    static let signedFrame: Named = {
        let run = FeedRun(number: 0, definition: nil, first: 1, tag: nil, isSigned: true, entries: [bare(entry(1, signed: true))])
        return Named("frame-signed", .frame(FeedFrame(tag: 1, position: 0, grant: 0, rate: 0, runs: [run])))
    }()

    static let shortFrame: Named = {
        let have = FeedHave(number: 1, definition: nil, rewinds: false, sequence: 300)
        return Named("frame-short", .frame(FeedFrame(tag: 0x0BAD_CAFE, haves: [have])))
    }()

    static let prune = Named("frame-prune", .frame(FeedFrame(tag: 0x0BAD_CAFE, edge: .prune)))

    static let graft = Named("frame-graft", .frame(FeedFrame(tag: 0x0BAD_CAFE, edge: .graft)))

    static let acknowledgement: Named = {
        let have = FeedHave(number: 0, definition: nil, rewinds: false, sequence: 19)
        return Named("acknowledgement", .frame(FeedFrame(tag: 1, position: 512, grant: 1 << 20, rate: 500, haves: [have])))
    }()

    static let refusal = Named(
        "refusal",
        .refusal(FeedRefusal(tag: 1, code: .futureStamp, dot: Dot(origin: origin, sequence: 20), amount: 3_540_000, horizon: .zero)))

    static let trimmed = Named("trimmed", .trimmed(FeedTrimmed(tag: 1, floors: [Dot(origin: origin, sequence: 16)])))

    static let subscribe = Named(
        "subscribe",
        .subscribe(FeedSubscription(tag: 5, filter: filter, cursor: FeedCursor(log: 3, offset: 1_000), grant: 1 << 20)))

    static let matches = Named(
        "matches",
        .matches(
            FeedMatches(
                tag: 5, position: 180, from: FeedCursor(log: 3, offset: 1_000), cursor: FeedCursor(log: 3, offset: 1_017), isReset: false,
                entries: [entry(18), entry(19, signed: true)])))

    static let context = CausalContext(covering: [Dot(origin: origin, sequence: 19), Dot(origin: OriginID(rawValue: 9), sequence: 300)])

    static let statements: [(name: String, change: RegistryChange)] = [
        ("register", .register(origin: origin, site: 42, epoch: 3)), ("acknowledge", .acknowledge(context)),
        ("retire", .retire(origin: OriginID(rawValue: 9), isForced: false)),
    ]

    static func hex(_ bytes: [UInt8]) -> String {
        var text = ""
        for (place, byte) in bytes.enumerated() {
            if place > 0 { text += place % 32 == 0 ? "\n" : " " }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text + "\n"
    }

    private func compare(_ name: String, _ bytes: [UInt8]) throws {
        // Writes them anew instead: for a new version of the format.
        if let folder = ProcessInfo.processInfo.environment["SKERRY_GOLDEN"] {
            return try Self.hex(bytes).write(toFile: "\(folder)/\(name).hex", atomically: true, encoding: .utf8)
        }
        let file = try #require(Bundle.module.url(forResource: name, withExtension: "hex", subdirectory: "Golden"), "\(name)")
        #expect(try String(contentsOf: file, encoding: .utf8) == Self.hex(bytes), "\(name)")
    }

    @Test("U-18: every message is written as its golden file says, and read back as it was")
    func golden() throws {
        for (name, message) in Self.messages.map({ ($0.name, $0.message) }) {
            let bytes = message.encoded()
            #expect(decode(bytes) == message, "\(name)")
            try compare("feed-\(name)", bytes)
        }
        for (name, change) in Self.statements {
            let read = try RegistryChange(decoding: change.encoded)
            #expect(read == change)
            try compare("registry-\(name)", change.encoded)
        }
    }

    @Test("a digest and a link are what any SHA-256 gives")
    func hashes() {
        let entry = Self.entry(18)
        var content: [UInt8] = []
        for value in [entry.stamp.rawValue, entry.dot.origin.rawValue, entry.dot.sequence] {
            for shift in stride(from: 56, through: 0, by: -8) { content.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
        }
        content += [0, 0, 0, 0, 11] + entry.body
        #expect(Array(SHA256.hash(data: content)) == entry.digest.bytes)
        #expect(Array(SHA256.hash(data: [UInt8](repeating: 0, count: 32) + entry.digest.bytes)) == entry.link.bytes)
        #expect(FeedHash(bytes: entry.digest.bytes) == entry.digest)
        #expect(FeedHash(bytes: [1, 2, 3]) == nil)
        var other = Self.entry(18)
        other.keyLength = 10
        let changed = other.body.withUnsafeBytes {
            FeedHash.digest(stamp: other.stamp, dot: other.dot, kind: other.kind, keyLength: other.keyLength, body: $0)
        }
        #expect(changed != entry.digest, "where the key ends is part of the content")
    }

    @Test("what is cut short is refused, wherever it is cut")
    func truncated() {
        for (name, message) in Self.messages.map({ ($0.name, $0.message) }) {
            let bytes = message.encoded()
            for length in 0..<bytes.count {
                let part = decode(Array(bytes[..<length]))
                // A frame may end behind any of its runs.
                #expect(part == nil || part?.encoded() == Array(bytes[..<length]), "\(name) cut at \(length)")
            }
        }
    }

    @Test("U-07: hostile bytes never trap, and what is read is what would be written", arguments: 1...8 as ClosedRange<UInt64>)
    func fuzz(_ seed: UInt64) throws {
        let world = FeedWorld(seed: seed)
        let rounds = Int(FeedSimulationTests.number("SKERRY_FUZZ") ?? 4_000)
        var read = 0
        let (friend, victim) = (FeedDesk(1), FeedDesk(2))
        try join(friend, victim)
        carry([friend, victim])
        for _ in 0..<rounds {
            var bytes = Self.messages[world.below(Self.messages.count)].message.encoded()
            for _ in 0...world.below(4) {
                switch world.below(4) {
                case 0: bytes[world.below(bytes.count)] = UInt8(truncatingIfNeeded: world.next())
                case 1: bytes[world.below(bytes.count)] ^= 1 << UInt8(world.below(8))
                case 2: bytes.insert(UInt8(truncatingIfNeeded: world.next()), at: world.below(bytes.count))
                default: if bytes.count > 1 { bytes.remove(at: world.below(bytes.count)) }
                }
            }
            if let message = decode(bytes) {
                read += 1
                #expect(message.encoded() == bytes, "the encoding is canonical")
            }
            // In the victim's session, as far as the tag goes.
            if bytes.count > 5, bytes[0] == 2, let slot = victim.core.peers.first {
                withUnsafeBytes(of: slot.tag.littleEndian) { tag in for place in 0..<4 { bytes[place + 1] = tag[place] } }
            }
            victim.receive(bytes, from: 1)
            victim.outbox = []
            victim.reports = []
            #expect(victim.core.unsyncedCharge == 0)
        }
        #expect(read > 10)
        #expect(victim.core.origins.count <= FeedLimits.origins)
    }

    @Test("statements about members are canonical, and hostile ones are refused", arguments: 1...4 as ClosedRange<UInt64>)
    func statementFuzz(_ seed: UInt64) {
        let world = FeedWorld(seed: seed)
        for _ in 0..<2_000 {
            var bytes = Self.statements[world.below(3)].change.encoded
            bytes[world.below(bytes.count)] = UInt8(truncatingIfNeeded: world.next())
            if let change = try? RegistryChange(decoding: bytes) { #expect(change.encoded == bytes) }
        }
    }

    static let broken: [[UInt8]] = [
        [2, 1, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F], [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0x7F],
        [4, 1, 0, 0, 0, 0xFF, 0xFF, 0x7F], [1, 0], [0], [9], [],
    ]

    @Test("bounds are checked before anything is allocated", arguments: broken)
    func promises(_ bytes: [UInt8]) {
        #expect(decode(bytes) == nil)
    }
}
