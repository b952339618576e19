import SkerryCodec
import Testing

@Suite("bin")
struct BinTests {
    @Test("integers are zigzag and seven bits a byte, those of eight bits one byte")
    func integers() throws {
        let signed: [(Int64, String)] = [
            (0, "00"), (-1, "01"), (1, "02"), (-64, "7f"), (64, "8001"), (-65, "8101"), (300, "d804"), (.max, "feffffffffffffffff01"),
            (.min, "ffffffffffffffffff01"),
        ]
        for (value, digits) in signed {
            #expect(try Bin.encode(value) == hex(digits))
            #expect(try Bin.decode(Int64.self, from: hex(digits)) == value)
        }
        let unsigned: [(UInt64, String)] = [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (.max, "ffffffffffffffffff01")]
        for (value, digits) in unsigned {
            #expect(try Bin.encode(value) == hex(digits))
            #expect(try Bin.decode(UInt64.self, from: hex(digits)) == value)
        }
        #expect(try Bin.encode(Int8(-2)) == [0xfe])
        #expect(try Bin.decode(UInt8.self, from: [0xfe]) == 254)
    }

    @Test(
        "a number that is longer than it needs to be, or than its type, is refused",
        arguments: [
            "8000", "ff00", "80808080808080808080", "ffffffffffffffffff02", "8080808080808080808001", "ffffffffffffffffffff01", "80", "",
        ])
    func longIntegers(_ digits: String) {
        #expect(throws: ShapeError.self) { try Bin.decode(UInt64.self, from: hex(digits)) }
        #expect(throws: ShapeError.self) { try Bin.decode(Int64.self, from: hex(digits)) }
    }

    @Test("what does not fit a narrow type is refused")
    func narrow() throws {
        #expect(Bin.failure(Int16.self, try Bin.encode(40_000))?.code == .outOfRange)
        #expect(Bin.failure(UInt32.self, try Bin.encode(UInt64(1) << 32))?.code == .outOfRange)
        #expect(Bin.failure(Bool.self, [2])?.code == .syntax)
        #expect(Bin.failure(Int?.self, [2, 0])?.code == .syntax)
        #expect(Bin.failure(Expression.self, [4])?.code == .unknownCase)
        #expect(Bin.failure(Value.self, hex("0305"))?.code == .syntax)
    }

    @Test("each shape has the bytes that the grammar gives it")
    func grammar() throws {
        #expect(try Bin.encode(true) == [1])
        #expect(try Bin.encode(1.5) == hex("000000000000f83f"))
        #expect(try Bin.encode(Float(1.5)) == hex("0000c03f"))
        #expect(try Bin.encode("é") == hex("02c3a9"))
        #expect(try Bin.encode([1, 2] as [UInt8]) == hex("020102"))
        #expect(try Bin.encode([1, 2] as [UInt16]) == hex("020102"))
        #expect(try Bin.encode(nil as Int?) == hex("00"))
        #expect(try Bin.encode(5 as Int?) == hex("010a"))
        #expect(try Bin.encode(.some(nil) as Int??) == hex("0100"))
        #expect(try Bin.encode(["b": false, "a": true]) == hex("02 0161 01 0162 00"))
        #expect(try Bin.encode(Expression.negative(.number(3))) == hex("020106"))
        #expect(try Bin.encode(Expression.sum(left: .zero, right: .zero, note: "x")) == hex("03 00 00 01 0178"))
        #expect(try Bin.encode(Value.list([.null, "a"])) == hex("07 02 00 05 0161"))
        #expect(try Bin.encode(Empty()) == [])
        #expect(try Bin.encode([Empty(), Empty()]) == [2])
        #expect(
            try Bin.decode(Double.self, from: Bin.encode(Double(bitPattern: 0x7ff8_0000_0000_0005))).bitPattern == 0x7ff8_0000_0000_0005)
    }

    @Test("a seal is the magic, the version and the digest, as the worked example has it")
    func seal() throws {
        let bytes = hex("536b4201 6f7063a4877c7d2b 06686561727473 0b")
        #expect(try Bin.seal(Card(suit: .hearts, rank: .queen)) == bytes)
        #expect(try Bin.open(Card.self, from: bytes) == Card(suit: .hearts, rank: .queen))
    }

    @Test("a writer and a reader can be used by hand, with a buffer that is kept")
    func byHand() throws {
        var writer = BinWriter(ByteSink(capacity: 16))
        try "a text that is longer than the first capacity".write(to: &writer)
        try 7.write(to: &writer)
        var sink = writer.finish()
        let bytes = sink.bytes
        #expect(sink.count == bytes.count)
        try bytes.withUnsafeBytes { buffer in
            var reader = BinReader(buffer)
            #expect(try String.read(from: &reader) == "a text that is longer than the first capacity")
            #expect(try Int.read(from: &reader) == 7)
            try reader.finish()
        }
        sink.removeAll()
        #expect(sink.count == 0)
    }
}
