/// Bounds of a ``RocksDBEngine``.
public struct RocksDBConfiguration: Sendable {
    /// Bytes of blocks, filters and indexes of files kept in memory, over all families. Once used it stays in the process.
    public var blockCacheSize = 16 << 20
    /// Bytes of changes not yet flushed, over all families; past it the engine flushes by itself. 2 MiB at least.
    public var writeBufferSize = 32 << 20
    /// Table files kept open, one descriptor each.
    public var openFilesMaximum = 512
    /// Threads for flushes and compactions.
    public var backgroundThreads = 2

    public init() {}
}
