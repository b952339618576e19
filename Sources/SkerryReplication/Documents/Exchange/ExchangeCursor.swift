/// How far a peer's documents of interest were taken. Keep it with what was taken, and go on from it after any pause.
public struct ExchangeCursor: Sendable, Hashable {
    /// Names the peer's log of commits: new for each data directory and each restore. 0 for none yet.
    public var log: UInt64
    /// Commits of the peer up to this one were looked at.
    public var offset: UInt64
    /// What of the interest is still to be listed by name.
    public var unlisted: DocumentInterest
    /// The last name that was listed; empty before the first.
    public var lastName: String

    public init(log: UInt64 = 0, offset: UInt64 = 0, unlisted: DocumentInterest, lastName: String = "") {
        self.log = log
        self.offset = offset
        self.unlisted = unlisted
        self.lastName = lastName
    }

    /// Before anything was taken.
    public static func start(_ interest: DocumentInterest) -> ExchangeCursor { ExchangeCursor(unlisted: interest) }

    /// The cursor for an interest that took the place of another: what is new in it is listed, the rest goes on.
    public func moved(from old: DocumentInterest, to new: DocumentInterest) throws(DocumentFeedError) -> ExchangeCursor {
        var cursor = self
        cursor.unlisted = unlisted.intersection(new)
        // Listing is in the order of names, so something new begins it again; versions make that cheap.
        let added = new.subtracting(old)
        if !added.isEmpty {
            cursor.unlisted = try added.union(cursor.unlisted)
            cursor.lastName = ""
        }
        return cursor
    }
}
