import SkerryCodec

// What the @Shape macro writes.

extension Meta: Shaped {
    static let fields = Fields(
        "Meta",
        [
            Field("bucket", String.self),
            Field("key", String.self),
            Field("size", Int.self),
            Field("etag", String.self),
            Field("contentType", String?.self),
            Field("owner", Owner.self),
            Field("tags", [String].self),
            Field("parts", [Part].self),
            Field("isLatest", Bool.self),
        ])

    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(bucket, 0, in: &record)
        try writer.field(key, 1, in: &record)
        try writer.field(size, 2, in: &record)
        try writer.field(etag, 3, in: &record)
        try writer.field(contentType, 4, in: &record)
        try writer.field(owner, 5, in: &record)
        try writer.field(tags, 6, in: &record)
        try writer.field(parts, 7, in: &record)
        try writer.field(isLatest, 8, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Meta {
        var bucket: String?
        var key: String?
        var size: Int?
        var etag: String?
        var contentType: String??
        var owner: Owner?
        var tags: [String]?
        var parts: [Part]?
        var isLatest: Bool?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&bucket, in: record)
            case 1: try reader.field(&key, in: record)
            case 2: try reader.field(&size, in: record)
            case 3: try reader.field(&etag, in: record)
            case 4: try reader.field(&contentType, in: record)
            case 5: try reader.field(&owner, in: record)
            case 6: try reader.field(&tags, in: record)
            case 7: try reader.field(&parts, in: record)
            default: try reader.field(&isLatest, in: record)
            }
        }
        return Meta(
            bucket: try record.require(bucket, 0),
            key: try record.require(key, 1),
            size: try record.require(size, 2),
            etag: try record.require(etag, 3),
            contentType: try record.require(contentType, 4),
            owner: try record.require(owner, 5),
            tags: try record.require(tags, 6),
            parts: try record.require(parts, 7),
            isLatest: try record.require(isLatest, 8))
    }
}

extension Owner: Shaped {
    static let fields = Fields("Owner", [Field("id", String.self), Field("name", String.self)])

    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(id, 0, in: &record)
        try writer.field(name, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Owner {
        var id: String?
        var name: String?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&id, in: record)
            default: try reader.field(&name, in: record)
            }
        }
        return Owner(
            id: try record.require(id, 0),
            name: try record.require(name, 1))
    }
}

extension Part: Shaped {
    static let fields = Fields("Part", [Field("number", Int.self), Field("size", Int.self), Field("etag", String.self)])

    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(number, 0, in: &record)
        try writer.field(size, 1, in: &record)
        try writer.field(etag, 2, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Part {
        var number: Int?
        var size: Int?
        var etag: String?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&number, in: record)
            case 1: try reader.field(&size, in: record)
            default: try reader.field(&etag, in: record)
            }
        }
        return Part(
            number: try record.require(number, 0),
            size: try record.require(size, 1),
            etag: try record.require(etag, 2))
    }
}
