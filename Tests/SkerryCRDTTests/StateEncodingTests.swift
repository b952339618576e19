import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Encodings of states")
struct StateEncodingTests {
    /// One state of each type, by name.
    static func samples() throws -> [(name: String, bytes: [UInt8], isRead: Bool)] {
        let one = OriginID(rawValue: 0x1111_2222_3333_4444), two = OriginID(rawValue: 0xAAAA_0000_0000_0001)
        func stamp(_ count: UInt16) -> HybridTimestamp { HybridTimestamp(milliseconds: 1_700_000_000_000, count: count) }
        func sample<State: DeltaState & StateCodable>(_ name: String, _ state: State) throws -> (String, [UInt8], Bool) {
            let bytes = state.encoded()
            return (name, bytes, try State(decoding: bytes) == state)
        }
        var grown = GCounter(), counter = PNCounter()
        try grown.add(300, by: one)
        try counter.add(5, by: one)
        try counter.add(-700, by: two)
        var register = LWWRegister<String>(), words = LWWMap<String, Int64>()
        register.write("é", stamp: stamp(1), origin: one)
        words.write(-3, for: "k", stamp: stamp(2), origin: one)
        words.write(nil, for: "l", stamp: stamp(3), origin: two)
        var length = CausalLengthSet<DocumentValue>()
        length.insert("x")
        length.insert("x")
        length.insert(7)
        length.remove(7)
        var values = MVRegister<DocumentValue>(), others = values
        values.write(.bytes([1, 2]), by: one)
        others.write(0.5, by: two)
        values.join(others)
        var set = AddWinsSet<String>()
        set.insert("a", by: one)
        set.insert("b", by: one)
        set.remove("a")
        var flag = EnableWinsFlag()
        flag.enable(by: two)
        var map = ORMap<String, DotMap<Int64, DotSet>>()
        map.update("m") { $0.insert(1, by: one) }
        map.update("n") { $0.insert(-1, by: two) }
        map.removeKey("m")
        var dots = DotSet(Dot(origin: one, sequence: 2))
        dots.insert(Dot(origin: one, sequence: 300))
        dots.insert(Dot(origin: two, sequence: 1))
        return [
            try sample("Maximum", Maximum<UInt64>(300)), try sample("Minimum", Minimum<Int64>(-300)), try sample("GCounter", grown),
            try sample("PNCounter", counter), try sample("LWWRegister", register), try sample("LWWMap", words),
            try sample("CausalLengthSet", length), try sample("MVRegister", values), try sample("AddWinsSet", set),
            try sample("EnableWinsFlag", flag), try sample("ORMap", map), try sample("DotSet", dots),
            try sample("CausalContext", CausalContext(covering: [Dot(origin: two, sequence: 9), Dot(origin: one, sequence: 300)])),
        ]
    }

    @Test("of every type are written as before and read from before")
    func golden() throws {
        let samples = try Self.samples()
        for (name, bytes, isRead) in samples {
            #expect(bytes.hex == StateGolden.states[name], "\(name): \(bytes.hex)")
            #expect(isRead, "\(name)")
        }
        #expect(samples.count == StateGolden.states.count)
    }

    @Test("of the same state are the same, whatever way it came about")
    func canonical() throws {
        var random = CheckRandom(seed: 5)
        for _ in 0..<200 {
            var states = [AddWinsSet<String>(), AddWinsSet<String>()], deltas: [AddWinsSet<String>] = []
            for _ in 0..<12 {
                let who = random.below(2), member = ["a", "b", "c"][random.below(3)]
                deltas.append(
                    random.chance(70) ? states[who].insert(member, by: OriginID(rawValue: UInt64(who))) : states[who].remove(member))
            }
            var whole = states[0].joined(with: states[1]), parts = AddWinsSet<String>()
            for delta in deltas.shuffled(using: &random) { parts.join(try AddWinsSet(decoding: delta.encoded())) }
            #expect(parts.encoded() == whole.encoded())
            whole.join(parts)
            #expect(parts == whole)
        }
    }

    private func error<State: StateCodable>(_ type: State.Type, _ bytes: [UInt8]) -> DocumentError.Code? {
        do throws(DocumentError) {
            _ = try State(decoding: bytes)
            return nil
        } catch { return error.code }
    }

    private func framed(_ body: [UInt8]) -> [UInt8] { StateFrame.wrap(body) }

    @Test("damage is told apart: not ours, cut short, flipped, newer, of another type, too large")
    func damage() throws {
        let good = Maximum<UInt64>(300).encoded()
        #expect(error(Maximum<UInt64>.self, good) == nil)
        #expect(error(Maximum<UInt64>.self, Array("GIF89a and something more".utf8)) == .corrupt)
        #expect(error(Maximum<UInt64>.self, []) == .corrupt)
        #expect(error(Maximum<UInt64>.self, Array(good.dropLast())) == .corrupt)
        #expect(error(Maximum<UInt64>.self, good + [0]) == .corrupt)
        for byte in good.indices where byte != 8 && byte != 9 && byte != 10 && byte != 11 {
            var flipped = good
            flipped[byte] ^= 4
            #expect(error(Maximum<UInt64>.self, flipped) == .corrupt, "byte \(byte)")
        }
        #expect(error(Minimum<UInt64>.self, good) == .mismatch)
        #expect(error(Maximum<Int64>.self, good) == .mismatch)
        var newer = framed(Array(good[16...]))
        newer[4] = 2
        let checksum = newer[16...].withUnsafeBufferPointer { body in
            CRC32C.checksum(body, after: newer[..<12].withUnsafeBufferPointer { CRC32C.checksum($0) })
        }
        for byte in 0..<4 { newer[12 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(byte * 8)) }
        #expect(error(Maximum<UInt64>.self, newer) == .unsupportedVersion)
        var large = good
        large[11] = 0x7F
        #expect(error(Maximum<UInt64>.self, large) == .limitExceeded)
    }

    @Test("what is not canonical or cannot be is refused")
    func refused() {
        let one: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0], two: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0]
        // Out of order, twice, nothing said, a number too long, more promised than there is.
        #expect(error(GCounter.self, framed([0x24, 2] + one + [5] + two + [5])) == nil)
        for body: [UInt8] in [
            [2] + two + [5] + one + [5], [2] + one + [5] + one + [5], [1] + one + [0], [1] + one + [0x85, 0],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x0F] + one + [5],
        ] { #expect(error(GCounter.self, framed([0x24] + body)) == .corrupt) }
        let set = AddWinsSet<UInt64>.self
        // A dot in the store that the context lacks; runs that touch; a sequence of zero; an element without dots.
        #expect(error(set, framed(set.stateType + [1] + one + [1, 0] + [1, 7] + [1] + one + [1, 0])) == nil)
        #expect(error(set, framed(set.stateType + [1] + one + [1, 0] + [1, 7] + [1] + one + [2, 0])) == .corrupt)
        #expect(error(set, framed(set.stateType + [2] + one + [1, 0] + one + [2, 0] + [0])) == .corrupt)
        #expect(error(set, framed(set.stateType + [1] + one + [0, 0] + [0])) == .corrupt)
        #expect(error(set, framed(set.stateType + [1] + one + [1, 0] + [1, 7, 0])) == .corrupt)
        #expect(error(CausalLengthSet<UInt64>.self, framed([0x26, 0x01, 1, 7, 0])) == .corrupt)
        #expect(error(Maximum<String>.self, framed([0x21, 0x03, 1, 1, 0xFF])) == .corrupt)
        #expect(error(Maximum<String>.self, framed([0x21, 0x03, 2])) == .corrupt)
        // Four million elements are too many, however small they are.
        let many = framed([0x26, 0x06] + [0x81, 0x80, 0x80, 0x02] + Array(repeating: 0, count: 9 << 20))
        #expect(error(CausalLengthSet<DocumentValue>.self, many) == .limitExceeded)
    }
}
