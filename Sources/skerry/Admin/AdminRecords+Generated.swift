// Printed by skerry-generate from AdminRecords.swift: change that and run it again.
// swift-format-ignore-file

import SkerryCodec

extension UserRecord: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "UserRecord",
        [
            .init("id", String.self),
            .init("displayName", String.self),
            .init("email", String.self),
            .init("isRoot", Bool.self),
        ], doc: "A user as the admin protocol shows it.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(id, 0, in: &record)
        try writer.field(displayName, 1, in: &record)
        try writer.field(email, 2, in: &record)
        try writer.field(isRoot, 3, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var id: String?
        var displayName: String?
        var email: String?
        var isRoot: Bool?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&id, in: record)
            case 1: try reader.field(&displayName, in: record)
            case 2: try reader.field(&email, in: record)
            default: try reader.field(&isRoot, in: record)
            }
        }
        return try Self(
            id: record.require(id, 0), displayName: record.require(displayName, 1), email: record.require(email, 2),
            isRoot: record.require(isRoot, 3))
    }
}

extension KeyRecord: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "KeyRecord",
        [
            .init("accessKey", String.self),
            .init("secretKey", String?.self, doc: "Present once, in the answer to its creation."),
            .init("user", String.self),
            .init("created", UInt64.self, doc: "Milliseconds since 1970."),
        ], doc: "An access key as the admin protocol shows it.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(accessKey, 0, in: &record)
        try writer.field(secretKey, 1, in: &record)
        try writer.field(user, 2, in: &record)
        try writer.field(created, 3, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var accessKey: String?
        var secretKey: String??
        var user: String?
        var created: UInt64?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&accessKey, in: record)
            case 1: try reader.field(&secretKey, in: record)
            case 2: try reader.field(&user, in: record)
            default: try reader.field(&created, in: record)
            }
        }
        return try Self(
            accessKey: record.require(accessKey, 0), secretKey: record.require(secretKey, 1), user: record.require(user, 2),
            created: record.require(created, 3))
    }
}

extension NewUser: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "NewUser",
        [
            .init("id", String.self),
            .init("displayName", String?.self, doc: "The id where there is none."),
            .init("email", String.self, default: ""),
            .init("accessKey", String?.self),
            .init("secretKey", String?.self),
        ], doc: "A user to be made, with a first key. Keys left out are made at random.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(id, 0, in: &record)
        try writer.field(displayName, 1, in: &record)
        try writer.field(email, 2, in: &record)
        try writer.field(accessKey, 3, in: &record)
        try writer.field(secretKey, 4, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var id: String?
        var displayName: String??
        var email: String?
        var accessKey: String??
        var secretKey: String??
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&id, in: record)
            case 1: try reader.field(&displayName, in: record)
            case 2: try reader.field(&email, in: record)
            case 3: try reader.field(&accessKey, in: record)
            default: try reader.field(&secretKey, in: record)
            }
        }
        return try Self(
            id: record.require(id, 0), displayName: record.require(displayName, 1), email: email ?? "",
            accessKey: record.require(accessKey, 3), secretKey: record.require(secretKey, 4))
    }
}

extension NewKey: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "NewKey",
        [
            .init("user", String.self),
            .init("accessKey", String?.self),
            .init("secretKey", String?.self),
        ], doc: "An access key to be made for a user. What is left out is made at random.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(user, 0, in: &record)
        try writer.field(accessKey, 1, in: &record)
        try writer.field(secretKey, 2, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var user: String?
        var accessKey: String??
        var secretKey: String??
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&user, in: record)
            case 1: try reader.field(&accessKey, in: record)
            default: try reader.field(&secretKey, in: record)
            }
        }
        return try Self(
            user: record.require(user, 0), accessKey: record.require(accessKey, 1), secretKey: record.require(secretKey, 2))
    }
}

extension StatisticsRecord: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "StatisticsRecord",
        [
            .init("objects", UInt64.self, doc: "Keys with a current version that is no delete marker."),
            .init("versions", UInt64.self, doc: "Versions, delete markers not among them."),
            .init("logicalBytes", UInt64.self, doc: "What clients stored, each version counted in full."),
            .init("uniqueBytes", UInt64.self, doc: "Distinct bytes that versions and parts refer to."),
            .init("garbageBytes", UInt64.self, doc: "Bytes nothing refers to, waiting for collection."),
            .init("packBytes", UInt64.self, doc: "All packs on disk."),
            .init("dedupRatio", Double.self, doc: "Logical bytes for each unique byte, to three digits behind the point."),
            .init("buckets", [Bucket].self),
        ], doc: "What the store holds.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(objects, 0, in: &record)
        try writer.field(versions, 1, in: &record)
        try writer.field(logicalBytes, 2, in: &record)
        try writer.field(uniqueBytes, 3, in: &record)
        try writer.field(garbageBytes, 4, in: &record)
        try writer.field(packBytes, 5, in: &record)
        try writer.field(dedupRatio, 6, in: &record)
        try writer.field(buckets, 7, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var objects: UInt64?
        var versions: UInt64?
        var logicalBytes: UInt64?
        var uniqueBytes: UInt64?
        var garbageBytes: UInt64?
        var packBytes: UInt64?
        var dedupRatio: Double?
        var buckets: [Bucket]?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&objects, in: record)
            case 1: try reader.field(&versions, in: record)
            case 2: try reader.field(&logicalBytes, in: record)
            case 3: try reader.field(&uniqueBytes, in: record)
            case 4: try reader.field(&garbageBytes, in: record)
            case 5: try reader.field(&packBytes, in: record)
            case 6: try reader.field(&dedupRatio, in: record)
            default: try reader.field(&buckets, in: record)
            }
        }
        return try Self(
            objects: record.require(objects, 0), versions: record.require(versions, 1),
            logicalBytes: record.require(logicalBytes, 2), uniqueBytes: record.require(uniqueBytes, 3),
            garbageBytes: record.require(garbageBytes, 4), packBytes: record.require(packBytes, 5),
            dedupRatio: record.require(dedupRatio, 6), buckets: record.require(buckets, 7))
    }
}

extension StatisticsRecord.Bucket: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "Bucket",
        [
            .init("name", String.self),
            .init("objects", UInt64.self),
            .init("versions", UInt64.self),
            .init("logicalBytes", UInt64.self),
        ])

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(objects, 1, in: &record)
        try writer.field(versions, 2, in: &record)
        try writer.field(logicalBytes, 3, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var name: String?
        var objects: UInt64?
        var versions: UInt64?
        var logicalBytes: UInt64?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            case 1: try reader.field(&objects, in: record)
            case 2: try reader.field(&versions, in: record)
            default: try reader.field(&logicalBytes, in: record)
            }
        }
        return try Self(
            name: record.require(name, 0), objects: record.require(objects, 1), versions: record.require(versions, 2),
            logicalBytes: record.require(logicalBytes, 3))
    }
}

extension VerificationRecord: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "VerificationRecord",
        [
            .init("records", UInt64.self),
            .init("bytes", UInt64.self),
            .init("versions", UInt64.self, doc: "Versions whose bytes were looked for."),
            .init("problems", [String].self, doc: "A line each; empty when all is well."),
            .init("unlistedProblems", UInt64.self, doc: "Problems beyond those that are listed."),
        ], doc: "What a verification found.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(records, 0, in: &record)
        try writer.field(bytes, 1, in: &record)
        try writer.field(versions, 2, in: &record)
        try writer.field(problems, 3, in: &record)
        try writer.field(unlistedProblems, 4, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var records: UInt64?
        var bytes: UInt64?
        var versions: UInt64?
        var problems: [String]?
        var unlistedProblems: UInt64?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&records, in: record)
            case 1: try reader.field(&bytes, in: record)
            case 2: try reader.field(&versions, in: record)
            case 3: try reader.field(&problems, in: record)
            default: try reader.field(&unlistedProblems, in: record)
            }
        }
        return try Self(
            records: record.require(records, 0), bytes: record.require(bytes, 1), versions: record.require(versions, 2),
            problems: record.require(problems, 3), unlistedProblems: record.require(unlistedProblems, 4))
    }
}

extension CollectionRecord: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "CollectionRecord",
        [
            .init("unusedBlocks", UInt64.self, doc: "Chunks and manifests that nothing referred to before this run."),
            .init("removedBlocks", UInt64.self),
            .init("rewrittenPacks", UInt64.self),
            .init("freedBytes", Int64.self, doc: "Bytes of the packs that went, less what was moved out of them."),
        ], doc: "What a collection did.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(unusedBlocks, 0, in: &record)
        try writer.field(removedBlocks, 1, in: &record)
        try writer.field(rewrittenPacks, 2, in: &record)
        try writer.field(freedBytes, 3, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var unusedBlocks: UInt64?
        var removedBlocks: UInt64?
        var rewrittenPacks: UInt64?
        var freedBytes: Int64?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&unusedBlocks, in: record)
            case 1: try reader.field(&removedBlocks, in: record)
            case 2: try reader.field(&rewrittenPacks, in: record)
            default: try reader.field(&freedBytes, in: record)
            }
        }
        return try Self(
            unusedBlocks: record.require(unusedBlocks, 0), removedBlocks: record.require(removedBlocks, 1),
            rewrittenPacks: record.require(rewrittenPacks, 2), freedBytes: record.require(freedBytes, 3))
    }
}

extension UserName: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields("UserName", [.init("id", String.self)], doc: "A user by name.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(id, 0, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var id: String?
        while let index = try reader.nextField(&record) {
            switch index {
            default: try reader.field(&id, in: record)
            }
        }
        return try Self(id: record.require(id, 0))
    }
}

extension KeyOwner: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "KeyOwner",
        [
            .init("user", String?.self),
        ], doc: "Whose keys are asked for: of all users where none is named.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(user, 0, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var user: String??
        while let index = try reader.nextField(&record) {
            switch index {
            default: try reader.field(&user, in: record)
            }
        }
        return try Self(user: record.require(user, 0))
    }
}

extension KeyName: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields("KeyName", [.init("accessKey", String.self)], doc: "An access key by name.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(accessKey, 0, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var accessKey: String?
        while let index = try reader.nextField(&record) {
            switch index {
            default: try reader.field(&accessKey, in: record)
            }
        }
        return try Self(accessKey: record.require(accessKey, 0))
    }
}

extension VerificationProgress: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "VerificationProgress",
        [
            .init("records", UInt64.self),
            .init("bytes", UInt64.self),
        ], doc: "How far a verification is.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(records, 0, in: &record)
        try writer.field(bytes, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var records: UInt64?
        var bytes: UInt64?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&records, in: record)
            default: try reader.field(&bytes, in: record)
            }
        }
        return try Self(records: record.require(records, 0), bytes: record.require(bytes, 1))
    }
}

extension AdminFailure: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "AdminFailure",
        [
            .init("error", String.self, doc: "The name of an ``AdminError/Code``."),
            .init("message", String.self, default: ""),
        ], doc: "An error as it travels.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(error, 0, in: &record)
        try writer.field(message, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var error: String?
        var message: String?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&error, in: record)
            default: try reader.field(&message, in: record)
            }
        }
        return try Self(error: record.require(error, 0), message: message ?? "")
    }
}

extension NewUserAnswer: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "NewUserAnswer",
        [
            .init("user", UserRecord.self),
            .init("key", KeyRecord.self),
        ], doc: "What the creation of a user answers.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(user, 0, in: &record)
        try writer.field(key, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var user: UserRecord?
        var key: KeyRecord?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&user, in: record)
            default: try reader.field(&key, in: record)
            }
        }
        return try Self(user: record.require(user, 0), key: record.require(key, 1))
    }
}
