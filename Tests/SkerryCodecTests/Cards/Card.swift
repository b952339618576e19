import SkerryCodec

/// A playing card, as the three codecs of the same exercise know it.
struct Card: Sample, Hashable {
    var suit: Suit
    var rank: Rank

    /// All 56, by suit and rank: the exercise counts a one and an ace.
    static let deck = Suit.allCases.flatMap { suit in Rank.allCases.map { Card(suit: suit, rank: $0) } }

    static let fields = Fields("Card", [Field("suit", Suit.self), Field("rank", Rank.self)])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(suit, 0, in: &record)
        try writer.field(rank, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Card {
        var suit: Suit?
        var rank: Rank?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&suit, in: record)
            default: try reader.field(&rank, in: record)
            }
        }
        return Card(suit: try record.require(suit, 0), rank: try record.require(rank, 1))
    }
}

/// An enum with raw values: the protocol's own functions do.
enum Suit: String, Shaped, CaseIterable, Comparable {
    case clubs, diamonds, hearts, spades

    static func < (a: Suit, b: Suit) -> Bool { a.rawValue < b.rawValue }
}

/// An enum without: a variant of cases that carry nothing.
enum Rank: Shaped, CaseIterable {
    case one, two, three, four, five, six, seven, eight, nine, ten, jack, queen, king, ace

    static let cases = Cases(
        "Rank",
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "jack", "queen", "king", "ace"].map { Case($0) })
    static var shape: Shape { .variant(cases) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        switch self {
        case .one: try writer.variant(0, of: Self.cases)
        case .two: try writer.variant(1, of: Self.cases)
        case .three: try writer.variant(2, of: Self.cases)
        case .four: try writer.variant(3, of: Self.cases)
        case .five: try writer.variant(4, of: Self.cases)
        case .six: try writer.variant(5, of: Self.cases)
        case .seven: try writer.variant(6, of: Self.cases)
        case .eight: try writer.variant(7, of: Self.cases)
        case .nine: try writer.variant(8, of: Self.cases)
        case .ten: try writer.variant(9, of: Self.cases)
        case .jack: try writer.variant(10, of: Self.cases)
        case .queen: try writer.variant(11, of: Self.cases)
        case .king: try writer.variant(12, of: Self.cases)
        case .ace: try writer.variant(13, of: Self.cases)
        }
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Rank {
        let value: Rank
        var variant = try reader.beginVariant(cases)
        switch variant.index {
        case 0: value = .one
        case 1: value = .two
        case 2: value = .three
        case 3: value = .four
        case 4: value = .five
        case 5: value = .six
        case 6: value = .seven
        case 7: value = .eight
        case 8: value = .nine
        case 9: value = .ten
        case 10: value = .jack
        case 11: value = .queen
        case 12: value = .king
        default: value = .ace
        }
        try reader.endVariant(&variant)
        return value
    }
}
