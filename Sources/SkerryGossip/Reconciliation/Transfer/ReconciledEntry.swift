/// An entry with what reconciliation moves of it.
public struct ReconciledEntry: Sendable, Hashable {
    /// Where it stands in write-time order.
    public var key: WriteKey
    /// Whatever the two replicas know an entry by. Its digest follows from it and the key.
    public var content: [UInt8]

    public init(key: WriteKey, content: [UInt8]) {
        self.key = key
        self.content = content
    }

    /// What it takes of a window: its bytes and what surrounds them.
    var charge: Int { content.count + TransferLimits.entryOverhead }
}

/// A store whose entries can be given to a peer.
public protocol ReconciledEntries: RangeSummaryStore, ~Copyable {
    /// What an entry holds, at most ``TransferLimits/contentMaximum`` bytes; nil when it is gone meanwhile.
    func content(of key: WriteKey) throws(Failure) -> [UInt8]?
}

/// The named bounds of a transfer.
public enum TransferLimits {
    /// Most bytes of a message: a frame of the core, or one entry with a large content.
    public static let messageMaximum = 1 << 20 + 4 << 10
    /// Bytes at which a message of entries is full.
    public static let messagePreferred = 32 << 10
    /// Most bytes of what an entry holds.
    public static let contentMaximum = 1 << 20
    /// What an entry costs beside its content, in charges.
    static let entryOverhead = 40
    /// Charges of entries that may be under way.
    public static let window = 1 << 20
    /// Most bytes of a statement.
    public static let statementMaximum = 512 << 10
    /// Keys and ranges that wait to be sent, above which no further differences are looked for.
    static let backlogMaximum = 65_536
    /// Keys of entries that differ which a report names; the rest is counted.
    public static let differingMaximum = 1_024
}
