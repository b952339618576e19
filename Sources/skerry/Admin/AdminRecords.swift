// What travels in the admin protocol and stands in the output of `--json`. Names are promises: docs/admin.md lists them.

/// A user as the admin protocol shows it.
// @Shape
struct UserRecord: Sendable, Hashable {
    var id: String
    var displayName: String
    var email: String
    var isRoot: Bool
}

/// An access key as the admin protocol shows it.
// @Shape
struct KeyRecord: Sendable, Hashable {
    var accessKey: String
    /// Present once, in the answer to its creation.
    var secretKey: String?
    var user: String
    /// Milliseconds since 1970.
    var created: UInt64
}

/// A user to be made, with a first key. Keys left out are made at random.
// @Shape
struct NewUser: Sendable, Hashable {
    var id: String
    /// The id where there is none.
    var displayName: String?
    // @Default("")
    var email: String
    var accessKey: String?
    var secretKey: String?
}

/// An access key to be made for a user. What is left out is made at random.
// @Shape
struct NewKey: Sendable, Hashable {
    var user: String
    var accessKey: String?
    var secretKey: String?
}

/// What the store holds.
// @Shape
struct StatisticsRecord: Sendable, Hashable {
    // @Shape
    struct Bucket: Sendable, Hashable {
        var name: String
        var objects: UInt64
        var versions: UInt64
        var logicalBytes: UInt64
    }

    /// Keys with a current version that is no delete marker.
    var objects: UInt64
    /// Versions, delete markers not among them.
    var versions: UInt64
    /// What clients stored, each version counted in full.
    var logicalBytes: UInt64
    /// Distinct bytes that versions and parts refer to.
    var uniqueBytes: UInt64
    /// Bytes nothing refers to, waiting for collection.
    var garbageBytes: UInt64
    /// All packs on disk.
    var packBytes: UInt64
    /// Logical bytes for each unique byte, to three digits behind the point.
    var dedupRatio: Double
    var buckets: [Bucket]
}

/// What a verification found.
// @Shape
struct VerificationRecord: Sendable, Hashable {
    var records: UInt64
    var bytes: UInt64
    /// Versions whose bytes were looked for.
    var versions: UInt64
    /// A line each; empty when all is well.
    var problems: [String]
    /// Problems beyond those that are listed.
    var unlistedProblems: UInt64

    var isSound: Bool { problems.isEmpty && unlistedProblems == 0 }
}

/// What a collection did.
// @Shape
struct CollectionRecord: Sendable, Hashable {
    /// Chunks and manifests that nothing referred to before this run.
    var unusedBlocks: UInt64
    var removedBlocks: UInt64
    var rewrittenPacks: UInt64
    /// Bytes of the packs that went, less what was moved out of them.
    var freedBytes: Int64
}

/// A user by name.
// @Shape
struct UserName: Sendable, Hashable {
    var id: String
}

/// Whose keys are asked for: of all users where none is named.
// @Shape
struct KeyOwner: Sendable, Hashable {
    var user: String?
}

/// An access key by name.
// @Shape
struct KeyName: Sendable, Hashable {
    var accessKey: String
}

/// How far a verification is.
// @Shape
struct VerificationProgress: Sendable, Hashable {
    var records: UInt64
    var bytes: UInt64
}

/// An error as it travels.
// @Shape
struct AdminFailure: Sendable, Hashable {
    /// The name of an ``AdminError/Code``.
    var error: String
    // @Default("")
    var message: String
}

/// What the creation of a user answers.
// @Shape
struct NewUserAnswer: Sendable, Hashable {
    var user: UserRecord
    var key: KeyRecord
}
