import SkerryCodec

/// One type with everything that the text formats treat in ways of their own.
struct Library: Shaped, Equatable {
    var name: String
    var note: String?
    var books: [Book]
    var tags: [String]
    var counts: [String: Int]
    var cover: [UInt8]
    var rating: Double
    var status: Status

    struct Book: Shaped, Equatable {
        var id: Int
        var title: String

        private static let fields = Fields("Book", [Field("id", Int.self, xml: .attribute), Field("title", String.self, xml: .text)])
        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(id, 0, in: &record)
            try writer.field(title, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Book {
            var (id, title): (Int?, String?)
            var record = try reader.beginRecord(fields)
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&id, in: record)
                default: try reader.field(&title, in: record)
                }
            }
            return Book(id: try record.require(id, 0), title: try record.require(title, 1))
        }
    }

    enum Status: Shaped, Equatable {
        case open
        case closed(String)

        private static let cases = Cases("Status", [Case("Open"), Case("Closed", String.self)])
        static var shape: Shape { .variant(cases) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            switch self {
            case .open: try writer.variant(0, of: Self.cases)
            case .closed(let reason): try writer.variant(1, of: Self.cases, reason)
            }
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Status {
            var variant = try reader.beginVariant(cases)
            let status: Status =
                switch variant.index {
                case 0: .open
                default: .closed(try reader.payload(String.self, in: variant))
                }
            try reader.endVariant(&variant)
            return status
        }
    }

    private static let fields = Fields(
        "Library",
        [
            Field("Name", String.self), Field("Note", String?.self),
            Field("Book", [Book].self, default: [], xml: .flattened),
            Field("Tags", [String].self, default: [], xml: XMLHints(element: "Tag")),
            Field("Counts", [String: Int].self, default: [:]), Field("Cover", [UInt8].self, default: []),
            Field("Rating", Double.self, default: 0), Field("Status", Status.self, default: .open),
        ], xml: XMLHints(namespace: "urn:library"))
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(note, 1, in: &record)
        try writer.field(books, 2, in: &record)
        try writer.field(tags, 3, in: &record)
        try writer.field(counts, 4, in: &record)
        try writer.field(cover, 5, in: &record)
        try writer.field(rating, 6, in: &record)
        try writer.field(status, 7, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Library {
        var name: String?
        var note: String??
        var books: [Book]?
        var tags: [String]?
        var counts: [String: Int]?
        var cover: [UInt8]?
        var rating: Double?
        var status: Status?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            case 1: try reader.field(&note, in: record)
            case 2: try reader.field(&books, in: record)
            case 3: try reader.field(&tags, in: record)
            case 4: try reader.field(&counts, in: record)
            case 5: try reader.field(&cover, in: record)
            case 6: try reader.field(&rating, in: record)
            default: try reader.field(&status, in: record)
            }
        }
        return Library(
            name: try record.require(name, 0), note: try record.require(note, 1), books: books ?? [], tags: tags ?? [],
            counts: counts ?? [:], cover: cover ?? [], rating: rating ?? 0, status: status ?? .open)
    }

    static let sample = Library(
        name: "Peer & <Gynt>", note: nil, books: [Book(id: 1, title: "Brand"), Book(id: 2, title: "\"Vildanden\"\r\n")],
        tags: ["øy", ""], counts: ["a": -1, "b": 2], cover: [0, 255, 16, 1], rating: 4.5, status: .closed("storm"))
}

extension ShapeFormat {
    /// The encoding as text.
    static func text<T: Shaped>(_ value: T) throws -> String { String(decoding: try encode(value), as: UTF8.self) }

    /// The error of decoding `text`, nil when there is none.
    static func failure<T: Shaped>(_ type: T.Type, _ text: String, limits: DecodingLimits = .standard) -> ShapeError? {
        do throws(ShapeError) {
            _ = try decode(type, from: text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    /// Decodes every prefix of `bytes` and every change of one byte: an answer is a value or an error, never a trap.
    ///
    /// - Returns: how many were refused.
    static func refusals<T: Shaped>(_ type: T.Type, damaging bytes: [UInt8], replacements: [UInt8]) -> Int {
        var refused = 0
        func attempt(_ damaged: [UInt8]) {
            do throws(ShapeError) { _ = try decode(type, from: damaged) } catch { refused += 1 }
        }
        for count in bytes.indices { attempt(Array(bytes.prefix(count))) }
        for index in bytes.indices {
            for replacement in replacements {
                var damaged = bytes
                damaged[index] = replacement
                attempt(damaged)
            }
        }
        return refused
    }
}
