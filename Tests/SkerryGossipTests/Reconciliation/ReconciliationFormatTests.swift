import Foundation
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Golden files of `docs/formats/reconciliation.md` and `docs/formats/membership.md`: a change of their bytes is a change of the format.
enum GoldenBytes {
    static func file(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Golden/\(name)", withExtension: "hex"), "no file for \(name)")
        let digits = try String(contentsOf: url, encoding: .utf8).compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Compares, or writes the file when `SKERRY_GOLDEN` names the directory for it.
    static func check(_ name: String, _ bytes: [UInt8]) throws {
        if let directory = ProcessInfo.processInfo.environment["SKERRY_GOLDEN"] {
            var text = ""
            for (index, byte) in bytes.enumerated() {
                text += (byte < 16 ? "0" : "") + String(byte, radix: 16) + (index % 32 == 31 && index < bytes.count - 1 ? "\n" : "")
            }
            return try (text + "\n").write(toFile: "\(directory)/\(name).hex", atomically: true, encoding: .utf8)
        }
        #expect(try bytes == file(name), "\(name)")
    }
}

@Suite("Bytes of reconciliation")
struct ReconciliationFormatTests {
    /// 200 entries of two origins; the right side lacks one, has one more, and holds another content of a third.
    private static func sides() -> ([WriteKey: EntryDigest], [WriteKey: EntryDigest]) {
        var left: [WriteKey: EntryDigest] = [:]
        for index in 0..<200 as Range<UInt64> {
            let stamp = HybridTimestamp(milliseconds: 1_700_000_000_000 + index * 10, count: UInt16(index % 3))
            let key = WriteKey(stamp: stamp, origin: OriginID(rawValue: 0xA0 + index % 2), sequence: index / 2 + 1)
            left[key] = EntryDigest(key: key, content: [UInt8(index)])
        }
        var right = left
        let keys = left.keys.sorted()
        right[keys[190]] = nil
        left[keys[191]] = nil
        right[keys[192]] = EntryDigest(key: keys[192], content: [0xFF])
        return (left, right)
    }

    @Test("a conversation has the bytes of the specification")
    func golden() throws {
        let (left, right) = Self.sides()
        let tree = SetPair.tree(left)
        let other = SetPair.tree(right)
        var initiator = ReconciliationCore(
            initiator: ReconciliationNonce(low: 1, high: 2), secret: [7], horizon: HybridTimestamp(rawValue: 5))
        var responder = ReconciliationCore(responder: [7], horizon: .zero)
        var events: [ReconciliationEvent] = []
        var frame: [UInt8] = []
        for step in 1...10 {
            if step % 2 == 1 {
                guard initiator.nextFrame(into: &frame, from: tree, events: &events) else { break }
                try responder.receive(frame, events: &events)
            } else {
                guard responder.nextFrame(into: &frame, from: other, events: &events) else { break }
                try initiator.receive(frame, events: &events)
            }
            try GoldenBytes.check("reconciliation-\(step)", frame)
        }
        #expect(initiator.isComplete && responder.isComplete)
    }

    @Test("entries that are offered in answer to no list end the session, and no number of them is too large to be refused")
    func unaskedOffers() throws {
        let (left, _) = Self.sides()
        var initiator = ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 2), secret: [7], horizon: .zero)
        var frame: [UInt8] = []
        var events: [ReconciliationEvent] = []
        let isThere = initiator.nextFrame(into: &frame, from: SetPair.tree(left), events: &events)
        #expect(isThere)
        let most: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]
        // Behind the first frame answers to no lists, without wishes: once, and so often that their sum cannot be counted.
        for offers in [[[1]], [most], [most, most, [1]]] as [[[UInt8]]] {
            var transfer = ReconciliationTransfer(ReconciliationCore(responder: [7], horizon: .zero))
            var taken: [ReconciliationTransfer.Event] = []
            try Self.receive([5], into: &transfer, &taken)
            #expect { try Self.receive([1] + frame + offers.flatMap { [3, 0] + $0 + [0] }, into: &transfer, &taken) } throws: {
                ($0 as? ReconciliationViolation)?.rule == .unaskedAnswer
            }
            #expect(taken.isEmpty)
        }
    }

    private static func receive(
        _ message: [UInt8], into transfer: inout ReconciliationTransfer, _ events: inout [ReconciliationTransfer.Event]
    ) throws {
        let failure = message.withUnsafeBytes { bytes -> ReconciliationViolation? in
            do throws(ReconciliationViolation) {
                try transfer.receive(bytes, events: &events)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    @Test("fingerprints are those of the specification")
    func fingerprints() throws {
        let key = FingerprintKey(secret: [7], nonce: ReconciliationNonce(low: 1, high: 2))
        var summary = RangeSummary()
        summary.insert(EntryDigest(limbs: Limbs(.max, .max, .max, .max)))
        summary.insert(EntryDigest(limbs: Limbs(2, 0, 0, 1 << 63)))
        #expect(summary.sumBytes == [1] + Array(repeating: 0, count: 30) + [0x80])
        let print = key.fingerprint(of: summary)
        var bytes: [UInt8] = []
        for word in [print.low, print.high] { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
        try GoldenBytes.check("reconciliation-fingerprint", bytes)
    }

    @Test("keys and bounds of every kind come back as they went", arguments: 1...30 as ClosedRange<UInt64>)
    func keys(_ seed: UInt64) throws {
        var draws = Draws(seed)
        var (writer, reader) = (KeyWriter(), KeyReader())
        for _ in 0..<3 {
            var packet = PacketWriter()
            writer.beginSection()
            reader.beginSection()
            var keys = (0..<40).map { _ in draws.key(span: 100_000, origins: 6, sequences: 1 << 40) }.sorted()
            keys.append(WriteKey(startOf: HybridTimestamp(milliseconds: (1 << 48) - 1, count: .max)))
            keys.append(WriteKey(stamp: HybridTimestamp(rawValue: .max), origin: OriginID(rawValue: .max), sequence: .max))
            for key in keys { writer.bound(key, to: &packet) }
            writer.bound(nil, to: &packet)
            for key in keys.reversed() { writer.key(key, to: &packet) }
            let (bounds, back) = try packet.bytes.withUnsafeBytes { bytes in
                var source = PacketReader(bytes)
                var (bounds, back): ([WriteKey?], [WriteKey]) = ([], [])
                for _ in 0...keys.count { bounds.append(try reader.bound(from: &source)) }
                for _ in keys { back.append(try reader.key(from: &source)) }
                #expect(source.isAtEnd)
                return (bounds, back)
            }
            #expect(bounds == keys.map { $0 } + [nil])
            #expect(back == keys.reversed())
        }
    }

    @Test("separators lie behind the one key and not behind the other, and are short where times differ")
    func separators() {
        var draws = Draws(4)
        for _ in 0..<2_000 {
            let keys = [draws.key(span: 30, origins: 3, sequences: 4), draws.key(span: 30, origins: 3, sequences: 4)].sorted()
            guard keys[0] < keys[1] else { continue }
            let bound = WriteKey.separator(behind: keys[0], upTo: keys[1])
            #expect(bound > keys[0] && bound <= keys[1])
            if keys[0].stamp != keys[1].stamp { #expect(bound.origin.rawValue == 0 && bound.sequence == 0) }
        }
    }

    @Test("frames that anybody may have sent do no harm: none stops the process, none is remembered beyond the bounds")
    func fuzz() {
        let (left, right) = Self.sides()
        let tree = SetPair.tree(left)
        let other = SetPair.tree(right)
        // The frames of a true conversation, to mutate.
        var (corpus, frame, events): ([[UInt8]], [UInt8], [ReconciliationEvent]) = ([], [], [])
        var initiator = ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 2), secret: [7])
        var responder = ReconciliationCore(responder: [7])
        for step in 0..<8 {
            if step % 2 == 0 {
                guard initiator.nextFrame(into: &frame, from: tree, events: &events) else { break }
                #expect(throws: Never.self) { try responder.receive(frame, events: &events) }
            } else {
                guard responder.nextFrame(into: &frame, from: other, events: &events) else { break }
                #expect(throws: Never.self) { try initiator.receive(frame, events: &events) }
            }
            corpus.append(frame)
        }
        var draws = Draws(9)
        var refused = 0
        for _ in 0..<(ReconciliationTests.isSoak ? 300_000 : 6_000) {
            var victim =
                draws.chance(50)
                ? ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 2), secret: [7]) : ReconciliationCore(responder: [7])
            events = []
            do throws(ReconciliationViolation) {
                for index in 0..<4 {
                    if victim.isInitiator || index > 0 { _ = victim.nextFrame(into: &frame, from: tree, events: &events) }
                    let start = victim.isInitiator ? 1 : 0
                    try victim.receive(Mutation.mutated(corpus[min(start + 2 * index, corpus.count - 1)], &draws), events: &events)
                }
            } catch {
                refused += 1
            }
            #expect(victim.pending.allSatisfy { $0.count <= ReconciliationLimits.rangesOutstandingMaximum })
        }
        #expect(refused > 1_000)
    }

    @Test("each rule has its violation")
    func violations() {
        func rule(_ core: ReconciliationCore, _ frames: [UInt8]...) -> ReconciliationViolation.Rule? {
            var (core, events) = (core, [ReconciliationEvent]())
            for frame in frames {
                do throws(ReconciliationViolation) { try core.receive(frame, events: &events) } catch { return error.rule }
            }
            return nil
        }
        let responder = ReconciliationCore(responder: [7])
        let initiator = ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 2), secret: [7])
        let hello: [UInt8] = [1, 1] + Array(repeating: 0, count: 24)
        #expect(rule(responder, hello) == nil)
        #expect(rule(responder, [9]) == .malformedFrame)
        #expect(rule(responder, [1, 2] + Array(repeating: 0, count: 24)) == .version)
        #expect(rule(responder, hello, hello) == .unexpectedHello)
        #expect(rule(responder, [2, 0, 0, 1]) == .unexpectedHello)
        #expect(rule(responder, Array(repeating: 0, count: 1 << 20 + 1)) == .frameTooLarge)
        #expect(rule(responder, hello, [2, 1, 0, 1]) == .unaskedAnswer)
        #expect(rule(responder, hello, [2, 25, 0, 0]) == .tooManyRanges)
        #expect(rule(initiator, hello, [2, 0, 0, 1]) == .tooManyRanges)
        #expect(rule(responder, hello, [3, 0, 0, 1]) == .unaskedAnswer)
        // Ranges of depth 1 that answer nothing.
        #expect(rule(responder, hello, [2, 1, 2, 0] + Array(repeating: 0, count: 16) + [0, 0]) == .tooManyRanges)
        // A bound at or before the one before it.
        #expect(rule(responder, hello, [2, 0, 1, 1, 0, 1]) == .malformedFrame)
    }
}

/// Changes to bytes such as a bad line, an old version or an enemy makes.
enum Mutation {
    static func mutated(_ bytes: [UInt8], _ draws: inout Draws) -> [UInt8] {
        var bytes = bytes
        for _ in 0...draws.below(3) {
            guard !bytes.isEmpty else { return bytes }
            let index = draws.below(bytes.count)
            switch draws.below(7) {
            case 0: bytes[index] ^= 1 << UInt8(draws.below(8))
            case 1: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF][draws.below(5)]
            case 2: bytes.removeSubrange(index...)
            case 3: bytes.remove(at: index)
            case 4: bytes.insert(UInt8(draws.below(256)), at: index)
            case 5: bytes.insert(contentsOf: Array(repeating: 0xFF, count: 9) + [1], at: index)
            default: break
            }
        }
        return bytes
    }
}
