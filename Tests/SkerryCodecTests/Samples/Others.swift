import SkerryCodec

/// A small record for use in others.
struct Letter: Sample {
    var address: String
    var sent: Duration
    var pages: ClosedRange<Int8>

    static let fields = Fields(
        "Letter",
        [
            Field("address", String.self, doc: "street and house"), Field("sent", Duration.self, default: .zero),
            Field("pages", ClosedRange<Int8>.self, default: 1...1, doc: "the first and the last"),
        ], doc: "what the post brings")
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(address, 0, in: &record)
        try writer.field(sent, 1, in: &record)
        try writer.field(pages, 2, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Letter {
        var address: String?
        var sent: Duration?
        var pages: ClosedRange<Int8>?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&address, in: record)
            case 1: try reader.field(&sent, in: record)
            default: try reader.field(&pages, in: record)
            }
        }
        return Letter(address: try record.require(address, 0), sent: sent ?? .zero, pages: pages ?? 1...1)
    }

    /// The halves of a range and a duration depend on each other, which a shape does not know.
    static func random(_ seed: UInt64, size: Int) throws -> Letter {
        var generator = SplitMix(seed: seed)
        let first = Int8.random(in: -128...120, using: &generator)
        let sign: Int64 = Bool.random(using: &generator) ? 1 : -1
        return Letter(
            address: ["quay 1", "", "äöü \"7\"", "a\\b"][Int.random(in: 0..<4, using: &generator)],
            sent: Duration(
                secondsComponent: sign * .random(in: 0...Int64.max, using: &generator),
                attosecondsComponent: sign * .random(in: 0..<1_000_000_000_000_000_000, using: &generator)),
            pages: first...Int8.random(in: first...127, using: &generator))
    }
}

/// A generic record, whose description is cached.
struct Page<Item: Sample>: Sample {
    var items: [Item]
    var next: String?

    static var fields: Fields {
        .cached(for: Self.self) {
            Fields("Page<\(Item.shape.name)>", [Field("items", [Item].self), Field("next", String?.self)])
        }
    }
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(items, 0, in: &record)
        try writer.field(next, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Page<Item> {
        var items: [Item]?
        var next: String??
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&items, in: record)
            default: try reader.field(&next, in: record)
            }
        }
        return Page(items: try record.require(items, 0), next: try record.require(next, 1))
    }

    static func random(_ seed: UInt64, size: Int) throws -> Page<Item> {
        Page(items: try (0..<seed % 4).map { try Item.random(seed &* 31 &+ $0, size: 3) }, next: seed % 3 == 0 ? nil : "\(seed)")
    }
}

/// A value of no particular type.
struct Dynamic: Sample {
    var value: Value

    static var shape: Shape { .value }
    static var isNullable: Bool { true }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try value.write(to: &writer) }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Dynamic {
        Dynamic(value: try Value.read(from: &reader))
    }

    /// CBOR sorts maps, and a map is the same in any order.
    static func == (a: Dynamic, b: Dynamic) -> Bool { sorted(a.value) == sorted(b.value) }

    private static func sorted(_ value: Value) -> Value {
        switch value {
        case .list(let elements): .list(elements.map(sorted))
        case .map(let entries):
            .map(entries.map { Value.Entry($0.key, sorted($0.value)) }.sorted { "\($0.key)" < "\($1.key)" })
        default: value
        }
    }

    static func random(_ seed: UInt64, size: Int) throws -> Dynamic {
        var generator = SplitMix(seed: seed)
        return Dynamic(value: shape.randomValue(using: &generator, size: size))
    }
}

/// A record with more fields than fit a word of bits or the head of a CBOR map.
struct Wide: Sample {
    var values: [Int?]

    static let fields = Fields("Wide", (0..<100).map { Field("f\(($0 * 37) % 100)", Int?.self) })
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        for index in 0..<100 { try writer.field(values[index], index, in: &record) }
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Wide {
        var values = [Int?](repeating: nil, count: 100)
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            var slot: Int??
            try reader.field(&slot, in: record)
            values[index] = slot ?? nil
        }
        return Wide(values: values)
    }

    /// From none to all fields, so that heads of every length occur.
    static func random(_ seed: UInt64, size: Int) throws -> Wide {
        var generator = SplitMix(seed: seed)
        let share = [0, 3, 22, 24, 50, 100][Int(seed % 6)]
        return Wide(
            values: (0..<100).map { _ in
                Int.random(in: 0..<100, using: &generator) < share ? .random(in: -300...300, using: &generator) : nil
            })
    }
}

/// A record with a key that formats must escape, or cannot have.
struct Odd: Shaped, Equatable {
    var value: Int

    static let fields = Fields("Odd <é>", [Field("a \"key\"\\\n<é>", Int.self)])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(value, 0, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Odd {
        var value: Int?
        var record = try reader.beginRecord(fields)
        while try reader.nextField(&record) != nil { try reader.field(&value, in: record) }
        return Odd(value: try record.require(value, 0))
    }
}
