import SkerryCodec
import Testing

/// Bytes from a peer that lies. Nothing traps, and nothing is kept that the limits did not allow.
@Suite("Hostile bytes")
struct HostileTests {
    /// Small enough that every claim beyond them is noticed.
    static let limits = DecodingLimits(depth: 12, elements: 200, bytes: 2_000)

    @Test("no prefix of a value is a value", arguments: LawTests.pairs)
    func truncations(_ pair: LawTests.Pair) throws {
        func check<S: Sample>(_ sample: S.Type, _ format: (some ShapeFormat).Type) throws {
            for seed in 0..<UInt64(isSoaking ? 100 : 4) {
                let value = try S.random(seed, size: 4)
                guard let bytes = try encoded(value, format) else { continue }
                for count in 0..<bytes.count {
                    let copy = try? format.decode(S.self, from: bytes[..<count])
                    // `12` begins with `1`: only records and binary values know their ends.
                    let isNumber = sample == Dynamic.self && format == JSON.self
                    #expect(copy == nil || isNumber, "seed \(seed), \(count) of \(bytes.count) bytes")
                }
            }
        }
        try check(pair.sample, pair.format)
    }

    @Test("a byte behind a value is refused", arguments: LawTests.pairs)
    func trailing(_ pair: LawTests.Pair) throws {
        func check<S: Sample>(_ sample: S.Type, _ format: (some ShapeFormat).Type) throws {
            let value = try S.random(3, size: 3)
            guard let bytes = try encoded(value, format) else { return }
            for extra in [UInt8(ascii: "x"), 0x00, UInt8(ascii: "}"), 0xff] {
                #expect(throws: ShapeError.self, "\(extra)") { try format.decode(S.self, from: bytes + [extra]) }
            }
        }
        try check(pair.sample, pair.format)
    }

    @Test("a value with one byte changed is refused or is another value within the limits", arguments: LawTests.pairs)
    func mutations(_ pair: LawTests.Pair) throws {
        func check<S: Sample>(_ sample: S.Type, _ format: (some ShapeFormat).Type) throws {
            for seed in 0..<UInt64(isSoaking ? 20 : 2) {
                let value = try S.random(seed &+ 7, size: 4)
                guard let bytes = try encoded(value, format), bytes.count < 2_000 else { continue }
                for place in bytes.indices {
                    for byte in replacements(of: bytes[place]) {
                        var changed = bytes
                        changed[place] = byte
                        guard let copy = try? format.decode(S.self, from: changed, limits: Self.limits) else { continue }
                        var scale = Scale()
                        try copy.write(to: &scale)
                        #expect(scale.elements <= Self.limits.elements && scale.bytes <= Self.limits.bytes)
                    }
                }
            }
        }
        try check(pair.sample, pair.format)
    }

    private func replacements(of byte: UInt8) -> [UInt8] {
        if isSoaking { return Array(0...255) }
        return [byte ^ 1, byte ^ 0x80, byte &+ 1, 0, 0xff, 0x9f, 0x5b, UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "9")]
    }

    @Test("chance bytes never trap", arguments: LawTests.pairs)
    func noise(_ pair: LawTests.Pair) {
        var generator = SplitMix(seed: 42)
        func check<S: Sample>(_ sample: S.Type, _ format: (some ShapeFormat).Type) {
            for _ in 0..<(isSoaking ? 20_000 : 300) {
                let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
                _ = try? format.decode(S.self, from: bytes, limits: Self.limits)
            }
        }
        check(pair.sample, pair.format)
    }

    @Test("a claim of more elements or bytes than there are costs nothing")
    func claims() {
        // 2⁴⁰ elements, then none.
        #expect(Bin.failure([Empty].self, hex("808080808020"))?.code == .limitExceeded)
        #expect(Bin.failure(String.self, hex("808080808020"))?.code == .truncated)
        #expect(CBOR.failure([Int].self, hex("9b0000010000000000"))?.code == .truncated)
        #expect(CBOR.failure([UInt8].self, hex("5b0000010000000000"))?.code == .truncated)
        #expect(CBOR.failure([UInt8].self, hex("5bffffffffffffffff"))?.code == .truncated)
        #expect(CBOR.failure([Int].self, hex("9bffffffffffffffff"))?.code == .truncated)
        #expect(CBOR.failure(Value.self, hex("bb8000000000000000"))?.code == .truncated)
    }

    @Test("what a list reserves before its elements arrive is bounded")
    func reservation() {
        let frame = SequenceFrame(remaining: 1 << 40)
        #expect(frame.reservation(for: Meter.self) * MemoryLayout<Meter>.stride <= 64 << 10)
        #expect(SequenceFrame(remaining: -1).reservation(for: Int.self) == 0)
        #expect(SequenceFrame(remaining: 3).reservation(for: Int.self) == 3)
    }

    private struct Meter {
        var a, b, c, d, e, f, g, h, i: Int
    }

    @Test("each limit has its error", arguments: formats.indices)
    func limits(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            let numbers = try format.encode(Array(0..<100))
            #expect(try format.decode([Int].self, from: numbers, limits: DecodingLimits(elements: 100)).count == 100)
            #expect(format.failure([Int].self, numbers, DecodingLimits(elements: 99))?.code == .limitExceeded)
            let text = try format.encode([String](repeating: "0123456789", count: 10))
            #expect(try format.decode([String].self, from: text, limits: DecodingLimits(bytes: 200)).count == 10)
            #expect(format.failure([String].self, text, DecodingLimits(bytes: 99))?.code == .limitExceeded)
            let tree = try format.encode(Tree.chain(20))
            #expect(try format.decode(Tree.self, from: tree, limits: DecodingLimits(depth: 60)) == .chain(20))
            #expect(format.failure(Tree.self, tree, DecodingLimits(depth: 19))?.code == .limitExceeded)
        }
        try check(formats[index])
    }

    @Test("a value deeper than readers go is not written", arguments: formats.indices)
    func depth(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            // A level of the tree is a record and a list, and in S-expressions the pair of a field, too.
            let deepest = format == SExpression.self ? 16 : 32
            #expect(try format.decode(Tree.self, from: format.encode(Tree.chain(deepest))) == .chain(deepest))
            let error = #expect(throws: ShapeError.self) { try format.encode(Tree.chain(33)) }
            #expect(error?.code == .limitExceeded)
            #expect(error?.path.description.hasPrefix("children[0].children[0]") == true)
        }
        try check(formats[index])
    }

    @Test("depth also counts where nobody looks")
    func skippedDepth() {
        let nested = String(repeating: "[", count: 100_000)
        #expect(JSON.failure(Empty.self, Array("{\"x\":\(nested)".utf8))?.code == .limitExceeded)
        #expect(CBOR.failure(Empty.self, hex("a16178") + [UInt8](repeating: 0x81, count: 100_000))?.code == .limitExceeded)
        #expect(CBOR.failure(Empty.self, hex("a16178") + [UInt8](repeating: 0xc1, count: 100_000))?.code == .limitExceeded)
        #expect(CBOR.failure(Value.self, [UInt8](repeating: 0xa1, count: 100_000))?.code == .limitExceeded)
        #expect(JSON.failure(Value.self, Array(nested.utf8))?.code == .limitExceeded)
    }

    @Test("keys inside of keys do not make strict CBOR slow")
    func nestedKeys() throws {
        // {{{…: 0}: 0}: 0}, sixty deep: read twice a level it would take 2⁶⁰ steps.
        let bytes = [UInt8](repeating: 0xa1, count: 60) + hex("a0") + [UInt8](repeating: 0, count: 60)
        let value = try CBOR.decode(Value.self, from: bytes, options: .deterministic)
        #expect(try CBOR.encode(value) == bytes)
        #expect(throws: ShapeError.self) { try CBOR.decode(Empty.self, from: hex("a1") + bytes + hex("00"), options: .deterministic) }
    }
}

extension ShapeFormat {
    /// The error that reading the bytes gives, nil when they are a value.
    static func failure<T: Shaped>(_ type: T.Type, _ bytes: [UInt8], _ limits: DecodingLimits = .standard) -> ShapeError? {
        do throws(ShapeError) {
            _ = try decode(type, from: bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }
}
