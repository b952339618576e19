import SkerryCodec
import Testing

/// The laws that every format keeps for every shape, on values drawn by chance.
@Suite("Laws of all formats")
struct LawTests {
    static let pairs = formats.flatMap { format in samples.map { Pair(format: format, sample: $0) } }

    struct Pair: Sendable, CustomTestStringConvertible {
        var format: any ShapeFormat.Type
        var sample: any Sample.Type
        var testDescription: String { "\(format.name) of \(sample)" }
    }

    @Test("J-03, J-04: what was printed from a description parses to the same value by the same description", arguments: pairs)
    func roundTrip(_ pair: Pair) throws {
        func check<S: Sample>(_ sample: S.Type, _ format: (some ShapeFormat).Type) throws {
            var written = 0
            for seed in 0..<seeds {
                let value = try S.random(seed, size: 6)
                guard let bytes = try encoded(value, format) else { continue }
                written += 1
                #expect(try format.decode(S.self, from: bytes) == value, "seed \(seed)")
                #expect(try format.encode(format.decode(S.self, from: bytes)) == bytes, "one value has one encoding; seed \(seed)")
            }
            #expect(written > 0)
        }
        try check(pair.sample, pair.format)
    }

    @Test("what one format wrote and read, every other writes as it would have", arguments: samples.indices)
    func crossFormat(_ index: Int) throws {
        func check<S: Sample>(_ sample: S.Type) throws {
            for seed in 100..<100 + seeds / 2 {
                let value = try S.random(seed, size: 5)
                var carried = value
                for format in formats {
                    guard let bytes = try encoded(carried, format) else { continue }
                    carried = try format.decode(S.self, from: bytes)
                }
                #expect(carried == value, "seed \(seed)")
                // Equal dynamic values may differ in the order of their maps.
                if ![Dynamic.self, Options.self].contains(where: { $0 == sample }) {
                    #expect(try Bin.encode(carried) == Bin.encode(value), "seed \(seed)")
                }
            }
        }
        try check(samples[index])
    }

    @Test("the tree of a value is the value", arguments: samples.indices)
    func tree(_ index: Int) throws {
        func check<S: Sample>(_ sample: S.Type) throws {
            for seed in 0..<seeds {
                let value = try S.random(seed, size: 6)
                #expect(try Value(encoding: value).decode(S.self) == value, "seed \(seed)")
            }
        }
        try check(samples[index])
    }

    @Test("CBOR is written in the one form that its strict reader takes", arguments: samples.indices)
    func deterministic(_ index: Int) throws {
        func check<S: Sample>(_ sample: S.Type) throws {
            for seed in 0..<seeds {
                let value = try S.random(seed, size: 6)
                #expect(try CBOR.decode(S.self, from: CBOR.encode(value), options: .deterministic) == value, "seed \(seed)")
            }
        }
        try check(samples[index])
    }

    @Test("pretty JSON says the same as compact JSON", arguments: samples.indices)
    func pretty(_ index: Int) throws {
        func check<S: Sample>(_ sample: S.Type) throws {
            for seed in 0..<seeds {
                let value = try S.random(seed, size: 6)
                let text = try JSON.text(value, options: .pretty)
                let decoded = try JSON.decode(S.self, from: text)
                #expect(decoded == value, "seed \(seed)")
                let compact = try JSON.text(decoded)
                #expect(compact == (try JSON.text(value)))
            }
        }
        try check(samples[index])
    }

    @Test("encoding into a buffer appends, and leaves it alone on an error", arguments: formats.indices)
    func appends(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            var bytes: [UInt8] = [1, 2, 3]
            let card = Card(suit: .hearts, rank: .queen)
            try format.encode(card, into: &bytes)
            #expect(Array(bytes.prefix(3)) == [1, 2, 3])
            #expect(try format.decode(Card.self, from: bytes[3...]) == card)
            let before = bytes
            #expect(throws: ShapeError.self) { try format.encode(Tree.chain(80), into: &bytes) }
            #expect(bytes == before)
        }
        try check(formats[index])
    }

    @Test("a key with quotes, blanks and letters beyond ASCII is written, or refused where a format has no such name")
    func oddKey() throws {
        for format in formats {
            func check(_ format: (some ShapeFormat).Type) throws {
                guard let bytes = try encoded(Odd(value: 5), format) else {
                    #expect(format == XML.self)
                    return
                }
                #expect(try format.decode(Odd.self, from: bytes) == Odd(value: 5))
            }
            try check(format)
        }
        #expect(try JSON.text(Odd(value: 5)) == #"{"a \"key\"\\\n<é>":5}"#)
    }

    @Test("dictionaries and sets that are equal have equal bytes, however they came about", arguments: formats.indices)
    func order(_ index: Int) throws {
        let keys = (0..<200).map { "key-\($0 * 7919 % 1000)" }
        func check(_ format: (some ShapeFormat).Type) throws {
            let forwards = Dictionary(uniqueKeysWithValues: keys.map { ($0, 1) })
            var backwards: [String: Int] = Dictionary(minimumCapacity: 1_000)
            for key in keys.reversed() { backwards[key] = 1 }
            #expect(try format.encode(forwards) == format.encode(backwards))
            #expect(try format.encode(Set(keys)) == format.encode(Set(keys.reversed())))
        }
        try check(formats[index])
    }
}

/// The encoding, nil where the format has no characters for a text, as XML has none for U+0001.
func encoded<T: Shaped>(_ value: T, _ format: any ShapeFormat.Type) throws -> [UInt8]? {
    do {
        return try format.encode(value)
    } catch  where error.code == .unrepresentable {
        return nil
    }
}
