import SkerryCodec
import Testing

@Suite("CBOR")
struct CBORTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var value: Value
        var bytes: [UInt8]
        var testDescription: String { hex(bytes) }

        init(_ value: Value, _ digits: String) {
            self.value = value
            bytes = hex(digits)
        }
    }

    private static func map(_ entries: (Value, Value)...) -> Value { .map(entries.map { Value.Entry($0.0, $0.1) }) }
    private static let oneToTwentyFive = Value.list((1...25).map { .int($0) })

    /// RFC 8949 appendix A, those in the deterministic encoding.
    static let deterministic: [Example] = [
        Example(0, "00"), Example(1, "01"), Example(10, "0a"), Example(23, "17"), Example(24, "1818"), Example(25, "1819"),
        Example(100, "1864"), Example(1000, "1903e8"), Example(1_000_000, "1a000f4240"), Example(1_000_000_000_000, "1b000000e8d4a51000"),
        Example(.uint(18_446_744_073_709_551_615), "1bffffffffffffffff"), Example(-1, "20"), Example(-10, "29"), Example(-100, "3863"),
        Example(-1000, "3903e7"),
        Example(0.0, "f90000"), Example(.double(-0.0), "f98000"), Example(1.0, "f93c00"), Example(1.1, "fb3ff199999999999a"),
        Example(1.5, "f93e00"), Example(65504.0, "f97bff"), Example(100000.0, "fa47c35000"),
        Example(3.4028234663852886e+38, "fa7f7fffff"), Example(1.0e+300, "fb7e37e43c8800759c"),
        Example(5.960464477539063e-8, "f90001"), Example(0.00006103515625, "f90400"), Example(-4.0, "f9c400"),
        Example(-4.1, "fbc010666666666666"), Example(.double(.infinity), "f97c00"), Example(.double(-.infinity), "f9fc00"),
        Example(false, "f4"), Example(true, "f5"), Example(.null, "f6"),
        Example(.bytes([]), "40"), Example(.bytes([1, 2, 3, 4]), "4401020304"),
        Example("", "60"), Example("a", "6161"), Example("IETF", "6449455446"), Example("\"\\", "62225c"), Example("\u{fc}", "62c3bc"),
        Example("\u{6c34}", "63e6b0b4"), Example("\u{10151}", "64f0908591"),
        Example([], "80"), Example([1, 2, 3], "83010203"), Example([1, [2, 3], [4, 5]], "8301820203820405"),
        Example(oneToTwentyFive, "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
        Example([:], "a0"), Example(map((1, 2), (3, 4)), "a201020304"), Example(["a": 1, "b": [2, 3]], "a26161016162820203"),
        Example(["a", ["b": "c"]], "826161a161626163"),
        Example(["a": "A", "b": "B", "c": "C", "d": "D", "e": "E"], "a56161614161626142616361436164614461656145"),
    ]

    /// The rest: other lengths of the same floats, indefinite lengths, and tags, which mean nothing to us.
    static let lenient: [Example] = [
        Example(.double(.infinity), "fa7f800000"), Example(.double(-.infinity), "faff800000"),
        Example(.double(.infinity), "fb7ff0000000000000"), Example(.double(-.infinity), "fbfff0000000000000"),
        Example(.null, "f7"),
        Example(.bytes([1, 0, 0, 0, 0, 0, 0, 0, 0]), "c249010000000000000000"),
        Example(.bytes([1, 0, 0, 0, 0, 0, 0, 0, 0]), "c349010000000000000000"),
        Example("2013-03-21T20:04:00Z", "c074323031332d30332d32315432303a30343a30305a"), Example(1_363_896_240, "c11a514b67b0"),
        Example(1363896240.5, "c1fb41d452d9ec200000"), Example(.bytes([1, 2, 3, 4]), "d74401020304"),
        Example(.bytes([0x64, 0x49, 0x45, 0x54, 0x46]), "d818456449455446"),
        Example("http://www.example.com", "d82076687474703a2f2f7777772e6578616d706c652e636f6d"),
        Example(.bytes([1, 2, 3, 4, 5]), "5f42010243030405ff"), Example("streaming", "7f657374726561646d696e67ff"),
        Example([], "9fff"), Example([1, [2, 3], [4, 5]], "9f018202039f0405ffff"), Example([1, [2, 3], [4, 5]], "9f01820203820405ff"),
        Example([1, [2, 3], [4, 5]], "83018202039f0405ff"), Example([1, [2, 3], [4, 5]], "83019f0203ff820405"),
        Example(oneToTwentyFive, "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff"),
        Example(["a": 1, "b": [2, 3]], "bf61610161629f0203ffff"), Example(["a", ["b": "c"]], "826161bf61626163ff"),
        Example(["Fun": true, "Amt": -2], "bf6346756ef563416d7421ff"),
    ]

    @Test("RFC 8949 appendix A: what is deterministic is read and written so", arguments: deterministic)
    func example(_ example: Example) throws {
        #expect(try CBOR.decode(Value.self, from: example.bytes) == example.value)
        #expect(try CBOR.decode(Value.self, from: example.bytes, options: .deterministic) == example.value)
        #expect(try CBOR.encode(example.value) == example.bytes)
    }

    @Test("RFC 8949 appendix A: what is not deterministic is read, and refused by the strict reader", arguments: lenient)
    func lenientExample(_ example: Example) throws {
        #expect(try CBOR.decode(Value.self, from: example.bytes) == example.value)
        #expect(throws: ShapeError.self) { try CBOR.decode(Value.self, from: example.bytes, options: .deterministic) }
    }

    @Test("RFC 8949 appendix A: NaN, and what has no place in 64 bits")
    func restOfAppendix() throws {
        for digits in ["f97e00", "fa7fc00000", "fb7ff8000000000000"] {
            #expect(try CBOR.decode(Double.self, from: hex(digits)).isNaN)
        }
        #expect(try CBOR.encode(Double(nan: 5, signaling: false)) == hex("f97e00"))
        #expect(try CBOR.encode(Float.nan) == hex("f97e00"))
        #expect(CBOR.failure(Value.self, hex("3bffffffffffffffff"))?.code == .outOfRange)
        #expect(CBOR.failure(Value.self, hex("3bffffffffffffffff"))?.message.contains("-18446744073709551616") == true)
        // simple(16) and simple(255) mean nothing to us, but are well formed where nobody asks for them.
        for digits in ["f0", "f8ff"] {
            #expect(CBOR.failure(Value.self, hex(digits))?.code == .typeMismatch)
            #expect(try CBOR.decode(Empty.self, from: hex("a16178") + hex(digits)) == Empty())
        }
    }

    @Test(
        "not well formed",
        arguments: [
            "", "18", "1900", "1a000000", "1b00000000000000", "1c", "1d", "1e", "1f", "3f", "5c", "61", "5f", "5f4101", "5f6161ff",
            "5f5f4101ffff",
            "7f4101ff", "81", "9f01", "a1", "a101", "bf01ff", "bf0102", "c1", "df", "f8", "f800", "f81f", "f9", "f900", "fa0000",
            "fb000000", "fc", "fd",
            "fe", "ff", "81ff", "61ff", "62c0af", "63eda080", "64f4908080", "7f61c361bcff",
        ])
    func malformed(_ digits: String) {
        #expect(throws: ShapeError.self) { try CBOR.decode(Value.self, from: hex(digits)) }
        // The same where it is read over: as the value of a field nobody knows.
        #expect(throws: ShapeError.self) { try CBOR.decode(Empty.self, from: hex("a16178") + hex(digits)) }
        #expect(throws: ShapeError.self) { try CBOR.decode(Value.self, from: hex(digits), options: .deterministic) }
    }

    @Test(
        "the strict reader takes one encoding of each value",
        arguments: [
            ("1800", "a head that could be shorter"), ("190018", "a head that could be shorter"),
            ("1a00001000", "a head that could be shorter"),
            ("1b0000000000000001", "a head that could be shorter"), ("fa3f800000", "a float that half precision holds"),
            ("fb3ff8000000000000", "a double that half precision holds"), ("fb47efffffe0000000", "a double that single precision holds"),
            ("fa7fc00000", "a long NaN"), ("f97e01", "a NaN with a payload"), ("9f01ff", "an indefinite list"),
            ("bf0102ff", "an indefinite map"),
            ("5f4101ff", "indefinite bytes"), ("7f6161ff", "indefinite text"), ("a2030401 02", "keys out of order"),
            ("a26162016161 02", "keys out of order"), ("a3016132026133036131ff", "a byte behind"), ("a2010201 02", "a key twice"),
            ("580161", "a length that could be shorter"),
        ])
    func strict(_ digits: String, _ what: String) {
        #expect(throws: ShapeError.self, "\(what)") { try CBOR.decode(Value.self, from: hex(digits), options: .deterministic) }
        #expect(throws: ShapeError.self, "\(what)") {
            try CBOR.decode(Empty.self, from: hex("a16178") + hex(digits), options: .deterministic)
        }
    }

    @Test("the strict reader takes no tag and no undefined, except where nobody looks")
    func strictKinds() throws {
        for digits in ["d9d9f700", "f7"] {
            #expect(throws: ShapeError.self) { try CBOR.decode(Value.self, from: hex(digits), options: .deterministic) }
            #expect(throws: ShapeError.self) { try CBOR.decode(Int?.self, from: hex(digits), options: .deterministic) }
            #expect(try CBOR.decode(Empty.self, from: hex("a16178") + hex(digits), options: .deterministic) == Empty())
        }
    }

    @Test("half precision: every bit pattern is read, written back in two bytes, and agrees with the definition")
    func half() throws {
        for bits in UInt16.min ... .max {
            let bytes = [0xf9, UInt8(bits >> 8), UInt8(bits & 0xff)]
            let value = try CBOR.decode(Double.self, from: bytes)
            let fraction = Double(bits & 0x3ff)
            let exponent = Int(bits >> 10 & 0x1f)
            let sign: Double = bits >> 15 == 0 ? 1 : -1
            switch exponent {
            case 0: #expect(value == sign * fraction / 16_777_216)
            case 31: #expect(fraction == 0 ? value == sign * .infinity : value.isNaN)
            default:
                #expect(
                    value == sign * (1 + fraction / 1024)
                        * (exponent < 15 ? 1 / Double(1 << (15 - exponent)) : Double(1 << (exponent - 15))))
            }
            if !value.isNaN { #expect(try CBOR.encode(value) == bytes) }
        }
    }

    @Test("records are found whatever the order of their keys, strictly only in the deterministic one")
    func keyOrder() throws {
        let sorted = hex("a2 6472616e6b 64 6b696e67 6473756974 66 686561727473")
        let unsorted = hex("a2 6473756974 66 686561727473 6472616e6b 64 6b696e67")
        #expect(try CBOR.encode(Card(suit: .hearts, rank: .king)) == sorted)
        #expect(try CBOR.decode(Card.self, from: sorted) == CBOR.decode(Card.self, from: unsorted))
        #expect(try CBOR.decode(Card.self, from: sorted, options: .deterministic) == Card(suit: .hearts, rank: .king))
        #expect(throws: ShapeError.self) { try CBOR.decode(Card.self, from: unsorted, options: .deterministic) }
    }

    @Test("whole numbers are doubles in lenient reading; a float takes what it holds")
    func numbers() throws {
        #expect(try CBOR.decode(Double.self, from: hex("1864")) == 100)
        #expect(try CBOR.decode(Double.self, from: hex("3863")) == -100)
        #expect(throws: ShapeError.self) { try CBOR.decode(Double.self, from: hex("1864"), options: .deterministic) }
        #expect(try CBOR.decode(Float.self, from: hex("fb3ff8000000000000")) == 1.5)
        #expect(CBOR.failure(Float.self, hex("fb3ff199999999999a"))?.code == .outOfRange)
        #expect(CBOR.failure(UInt8.self, hex("20"))?.code == .outOfRange)
        #expect(CBOR.failure(Int8.self, hex("1880"))?.code == .outOfRange)
        #expect(try CBOR.decode(Int8.self, from: hex("387f")) == -128)
        #expect(CBOR.failure(Int8.self, hex("3880"))?.code == .outOfRange)
        #expect(try CBOR.decode(Int64.self, from: hex("3b7fffffffffffffff")) == .min)
    }
}
