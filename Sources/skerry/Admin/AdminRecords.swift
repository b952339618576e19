/// A user as the admin protocol shows it.
struct UserRecord: Sendable, Hashable {
    var id: String
    var displayName: String
    var email: String
    var isRoot: Bool
}

/// An access key as the admin protocol shows it.
struct KeyRecord: Sendable, Hashable {
    var accessKey: String
    /// Present once, in the answer to its creation.
    var secretKey: String?
    var user: String
    /// Milliseconds since 1970.
    var created: UInt64
}

/// A user to be made, with a first key. Keys left out are made at random.
struct NewUser: Sendable, Hashable {
    var id: String
    var displayName: String
    var email: String
    var accessKey: String?
    var secretKey: String?
}

/// An access key to be made for a user. What is left out is made at random.
struct NewKey: Sendable, Hashable {
    var user: String
    var accessKey: String?
    var secretKey: String?
}

/// What the store holds. Counts are of versions, delete markers left out of `objects`; everything else is bytes.
struct StatisticsRecord: Sendable, Hashable {
    struct Bucket: Sendable, Hashable {
        var name: String
        var objects: UInt64
        var versions: UInt64
        var logicalBytes: UInt64
    }

    var objects: UInt64
    var versions: UInt64
    /// What clients stored, each version counted in full.
    var logicalBytes: UInt64
    /// Distinct bytes that versions and parts refer to.
    var uniqueBytes: UInt64
    /// Bytes nothing refers to, waiting for collection.
    var garbageBytes: UInt64
    /// All packs on disk.
    var packBytes: UInt64
    /// Logical bytes for each unique byte.
    var dedupRatio: Double
    var buckets: [Bucket]
}

/// What a verification found.
struct VerificationRecord: Sendable, Hashable {
    var records: UInt64
    var bytes: UInt64
    var objects: UInt64
    /// A line each; empty when all is well.
    var problems: [String]
}
