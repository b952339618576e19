public import SkerryMacros

// Types as users declare them, with every feature of `@Shape`.

/// A part of an upload.
///
/// With a second paragraph, and "quotes".
@Shape public struct Part: Equatable, Sendable {
    /// The number, from 1.
    @Key("PartNumber") public var number: Int
    @Attribute public var etag: String?
    @Flattened public var tags: [String] = []
    public let size: UInt64

    public init(number: Int, etag: String? = nil, tags: [String] = [], size: UInt64) {
        self.number = number
        self.etag = etag
        self.tags = tags
        self.size = size
    }
}

/// Names that the expansion uses itself.
@Shape struct Awkward: Equatable, Sendable {
    var reader: Int
    var writer, record: String
    var index: Bool
    var fields: [Int]
    var index_: Int
    var `default`: Int
    var shape: Double
    var error: String
    var optional: Optional<Int>
    var nested: Int??
}

enum Outer {
    struct Sibling: Equatable {
        var x: Int
    }

    /// Refers to its neighbour by the short name.
    @Shape struct Inner: Equatable, Sendable {
        var sibling: Point
        var list: [Point] = []
        var kind: Kind = .plain

        @Shape enum Kind: String, Sendable {
            case plain
            /// Bent.
            case bent = "BENT"
        }
    }

    @Shape struct Point: Equatable, Sendable {
        var x: Int
        var y: Int
    }
}

@Shape struct Tree: Equatable, Sendable {
    var name: String
    var children: [Tree] = []
}

@Shape indirect enum Expression: Equatable, Sendable {
    case number(Int)
    /// Adds.
    case sum(Expression, Expression)
    case negated(of: Expression)
    @Key("var") case variable(name: String, index: Int = 0)
    case many([Expression])
    case nothing
}

@Shape enum Level: Int, Equatable, Sendable {
    case low = -1
    case middle
    case high = 10
}

@Shape struct Box<Content: Shaped & Equatable>: Equatable, Sendable {
    var content: Content
    var others: [Content] = []
}

@Shape enum Either<Left: Shaped & Equatable, Right: Shaped & Equatable>: Equatable, Sendable {
    case left(Left)
    case right(value: Right)
    case both(left: Left, right: Right)
}

/// A generic type around others.
struct Shelf<Tag>: Sendable {
    @Shape("Shelf.Slot") struct Slot: Equatable, Sendable {
        var index: Int
        var label: Label = .none

        @Shape("Shelf.Label") enum Label: Equatable, Sendable {
            case none
            case text(String)
            case range(from: Int, to: Int)
            case list(first: String, rest: [String])
        }
    }
}

extension Shelf {
    /// The constraint stands in the clause behind.
    @Shape("Shelf.Pair") struct Pair<First, Second>: Equatable, Sendable
    where First: Shaped & Equatable, Second: Shaped, Second: Equatable {
        var first: First
        var second: Second
    }
}

extension Outer {
    /// Declared in an extension.
    @Shape struct Levelled: Equatable, Sendable {
        var x: Int
    }
}

/// A type whose tag does not travel.
@Shape struct ID<Tag>: Equatable, Sendable {
    var raw: UInt64
}

/// A point in time that knows nothing of shapes.
struct Instant: Equatable, Sendable {
    var seconds: Int
}

enum EpochSeconds: Isomorphism {
    static let name = "EpochSeconds"
    static func encode(_ value: Instant) throws(ShapeError) -> Int { value.seconds }
    static func decode(_ carrier: Int) throws(ShapeError) -> Instant {
        guard carrier >= 0 else { throw ShapeError(.invalidValue, "before the epoch") }
        return Instant(seconds: carrier)
    }
}

@Shape struct Visit: Equatable, Sendable {
    @Via(EpochSeconds.self) var from: Instant
    @Via(EpochSeconds.self) var to: Instant?
    @Via(EpochSeconds.self) @Default(Instant(seconds: 7)) var seen: Instant
    @Via(EpochSeconds.self) @Default(nil) var paid: Instant?
    @Default([]) var notes: [String]
    @Default([:]) var counts: [String: Int]
    @Default(Level.middle) var level: Level
}

/// Every mark for XML.
@Namespace("urn:upload") @Shape struct Upload: Equatable, Sendable {
    @Attribute var id: String
    @Key("Part") @Flattened var parts: [Part]
    @Element("owner") var owners: [String]
    var note: Note
}

@Shape struct Note: Equatable, Sendable {
    @Attribute var lang: String
    @Text var text: String
}

@Shape package struct Empty: Equatable, Sendable {}

@Shape("renamed.v2") struct Renamed: Equatable, Sendable {
    var x: Int
}
