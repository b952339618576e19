/// How much may wait in a document for events that are missing.
public struct PendingLimits: Sendable, Hashable {
    public var events: Int
    /// What the waiting events take in memory, bytes, names and bookkeeping included.
    public var bytes: Int

    /// A million events, 8 MiB.
    public static let standard = PendingLimits(events: 1 << 20, bytes: 8 << 20)

    public init(events: Int, bytes: Int) {
        self.events = events
        self.bytes = bytes
    }
}
