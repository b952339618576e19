import SkerryCodec

/// A type whose values can be drawn by chance and compared.
protocol Sample: Shaped, Equatable {
    /// A value by chance; the same for the same seed.
    static func random(_ seed: UInt64, size: Int) throws -> Self
}

extension Sample {
    /// By way of the shape.
    static func random(_ seed: UInt64, size: Int) throws -> Self {
        var generator = SplitMix(seed: seed)
        return try shape.randomValue(using: &generator, size: size).decode(Self.self)
    }
}

/// The types on which every law of every format is tried.
let samples: [any Sample.Type] = [
    Numbers.self, Texts.self, Options.self, Containers.self, Tree.self, Expression.self, Letter.self, Page<Letter>.self, Dynamic.self,
    Wide.self, Empty.self, Card.self,
]

/// All formats behind one description.
let formats: [any ShapeFormat.Type] = [Bin.self, CBOR.self, JSON.self, SExpression.self, XML.self]

struct Numbers: Sample {
    var flag: Bool
    var int8: Int8
    var int16: Int16
    var int32: Int32
    var int64: Int64
    var uint8: UInt8
    var uint16: UInt16
    var uint32: UInt32
    var uint64: UInt64
    var int: Int
    var uint: UInt
    var float: Float
    var double: Double

    static let fields = Fields(
        "Numbers",
        [
            Field("flag", Bool.self), Field("int8", Int8.self), Field("int16", Int16.self), Field("int32", Int32.self),
            Field("int64", Int64.self), Field("uint8", UInt8.self), Field("uint16", UInt16.self), Field("uint32", UInt32.self),
            Field("uint64", UInt64.self), Field("int", Int.self), Field("uint", UInt.self), Field("float", Float.self),
            Field("double", Double.self),
        ])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(flag, 0, in: &record)
        try writer.field(int8, 1, in: &record)
        try writer.field(int16, 2, in: &record)
        try writer.field(int32, 3, in: &record)
        try writer.field(int64, 4, in: &record)
        try writer.field(uint8, 5, in: &record)
        try writer.field(uint16, 6, in: &record)
        try writer.field(uint32, 7, in: &record)
        try writer.field(uint64, 8, in: &record)
        try writer.field(int, 9, in: &record)
        try writer.field(uint, 10, in: &record)
        try writer.field(float, 11, in: &record)
        try writer.field(double, 12, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Numbers {
        var flag: Bool?
        var int8: Int8?
        var int16: Int16?
        var int32: Int32?
        var int64: Int64?
        var uint8: UInt8?
        var uint16: UInt16?
        var uint32: UInt32?
        var uint64: UInt64?
        var int: Int?
        var uint: UInt?
        var float: Float?
        var double: Double?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&flag, in: record)
            case 1: try reader.field(&int8, in: record)
            case 2: try reader.field(&int16, in: record)
            case 3: try reader.field(&int32, in: record)
            case 4: try reader.field(&int64, in: record)
            case 5: try reader.field(&uint8, in: record)
            case 6: try reader.field(&uint16, in: record)
            case 7: try reader.field(&uint32, in: record)
            case 8: try reader.field(&uint64, in: record)
            case 9: try reader.field(&int, in: record)
            case 10: try reader.field(&uint, in: record)
            case 11: try reader.field(&float, in: record)
            default: try reader.field(&double, in: record)
            }
        }
        return Numbers(
            flag: try record.require(flag, 0), int8: try record.require(int8, 1), int16: try record.require(int16, 2),
            int32: try record.require(int32, 3), int64: try record.require(int64, 4), uint8: try record.require(uint8, 5),
            uint16: try record.require(uint16, 6), uint32: try record.require(uint32, 7), uint64: try record.require(uint64, 8),
            int: try record.require(int, 9), uint: try record.require(uint, 10), float: try record.require(float, 11),
            double: try record.require(double, 12))
    }
}

/// Text, bytes, an enum with raw values and a foreign type.
struct Texts: Sample {
    var text: String
    var bytes: [UInt8]
    var suit: Suit
    var day: Via<Weekday>

    static let fields = Fields(
        "Texts",
        [Field("text", String.self), Field("bytes", [UInt8].self), Field("suit", Suit.self), Field("day", Via<Weekday>.self)])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(text, 0, in: &record)
        try writer.field(bytes, 1, in: &record)
        try writer.field(suit, 2, in: &record)
        try writer.field(day, 3, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Texts {
        var text: String?
        var bytes: [UInt8]?
        var suit: Suit?
        var day: Via<Weekday>?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&text, in: record)
            case 1: try reader.field(&bytes, in: record)
            case 2: try reader.field(&suit, in: record)
            default: try reader.field(&day, in: record)
            }
        }
        return Texts(
            text: try record.require(text, 0), bytes: try record.require(bytes, 1), suit: try record.require(suit, 2),
            day: try record.require(day, 3))
    }
}

/// A foreign type that knows nothing of shapes: days counted from Monday travel as numbers.
enum Weekday: Isomorphism {
    struct Day: Hashable, Sendable {
        var text: String
    }

    static var name: String { "Weekday" }
    static func encode(_ value: Day) throws(ShapeError) -> Bool { value.text == "sunday" }
    static func decode(_ carrier: Bool) throws(ShapeError) -> Day { Day(text: carrier ? "sunday" : "monday") }
}

struct Options: Sample {
    var number: Int?
    var nested: Int??
    var deep: Int???
    var list: [String?]
    var value: Dynamic?
    var tags: [String]

    static let fields = Fields(
        "Options",
        [
            Field("number", Int?.self), Field("nested", Int??.self), Field("deep", Int???.self), Field("list", [String?].self),
            Field("value", Dynamic?.self), Field("tags", [String].self, default: ["none"]),
        ])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(number, 0, in: &record)
        try writer.field(nested, 1, in: &record)
        try writer.field(deep, 2, in: &record)
        try writer.field(list, 3, in: &record)
        try writer.field(value, 4, in: &record)
        try writer.field(tags, 5, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Options {
        var number: Int??
        var nested: Int???
        var deep: Int????
        var list: [String?]?
        var value: Dynamic??
        var tags: [String]?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&number, in: record)
            case 1: try reader.field(&nested, in: record)
            case 2: try reader.field(&deep, in: record)
            case 3: try reader.field(&list, in: record)
            case 4: try reader.field(&value, in: record)
            default: try reader.field(&tags, in: record)
            }
        }
        return Options(
            number: try record.require(number, 0), nested: try record.require(nested, 1), deep: try record.require(deep, 2),
            list: try record.require(list, 3), value: try record.require(value, 4), tags: tags ?? ["none"])
    }
}

struct Containers: Sample {
    var matrix: [[Int16]]
    var set: Set<String>
    var byText: [String: Int]
    var byNumber: [Int32: String]
    var bySuit: [Suit: Bool]
    var empties: [Empty]

    static let fields = Fields(
        "Containers",
        [
            Field("matrix", [[Int16]].self), Field("set", Set<String>.self), Field("byText", [String: Int].self),
            Field("byNumber", [Int32: String].self), Field("bySuit", [Suit: Bool].self), Field("empties", [Empty].self),
        ])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(matrix, 0, in: &record)
        try writer.field(set, 1, in: &record)
        try writer.field(byText, 2, in: &record)
        try writer.field(byNumber, 3, in: &record)
        try writer.field(bySuit, 4, in: &record)
        try writer.field(empties, 5, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Containers {
        var matrix: [[Int16]]?
        var set: Set<String>?
        var byText: [String: Int]?
        var byNumber: [Int32: String]?
        var bySuit: [Suit: Bool]?
        var empties: [Empty]?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&matrix, in: record)
            case 1: try reader.field(&set, in: record)
            case 2: try reader.field(&byText, in: record)
            case 3: try reader.field(&byNumber, in: record)
            case 4: try reader.field(&bySuit, in: record)
            default: try reader.field(&empties, in: record)
            }
        }
        return Containers(
            matrix: try record.require(matrix, 0), set: try record.require(set, 1), byText: try record.require(byText, 2),
            byNumber: try record.require(byNumber, 3), bySuit: try record.require(bySuit, 4), empties: try record.require(empties, 5))
    }
}

/// A record without fields.
struct Empty: Sample {
    static let fields = Fields("Empty", [])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Empty {
        var record = try reader.beginRecord(fields)
        while try reader.nextField(&record) != nil {}
        return Empty()
    }
}
