import SkerryCRDT

/// How a store of documents is set up.
public struct DocumentStoreOptions: Sendable {
    /// Bytes that open documents take in memory before those that nobody uses are let go, by estimate.
    public var memoryBudget = 32 << 20
    /// Bytes, by estimate, that documents in use may take; above it no further one is opened.
    public var memoryMaximum = 512 << 20

    /// What is different when the data is a copy: the identity of the machine and the inode of the directory or file, say. A store that
    /// wakes up in another place than it went to sleep in was copied or restored, and begins an epoch of its own. Empty: not asked.
    public var place: [UInt8] = []
    /// Says that the data was restored from a backup, or is a copy whose original lives on: begins an epoch.
    public var isRestored = false

    /// Wall time in milliseconds since 1970.
    public var now: @Sendable () -> UInt64 = WallClock.milliseconds
    /// Names of origins and writers are drawn from it: 64 bits that nobody draws twice.
    public var randomIdentifier: @Sendable () -> UInt64 = { UInt64.random(in: 1 ... .max) }

    public init() {}
}
