/// Who may own buckets. A user is a tenant: what users store is deduplicated among their own objects, never across users.
public struct User: Sendable, Hashable {
    /// What S3 answers as the owner's `ID`.
    public let id: String
    public var displayName: String
    public var email: String
    public let tenant: TenantID
    /// Root may do everything with every bucket.
    public var isRoot: Bool
}

/// A pair of keys that signs requests in the name of a user.
public struct AccessKey: Sendable, Hashable {
    public let id: String
    public let secret: String
    public let user: String
    /// Milliseconds since 1970.
    public let created: UInt64
}
