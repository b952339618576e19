/// What waits in a document for events that are missing.
public struct PendingSummary: Sendable, Hashable {
    public var events: Int
    /// As ``PendingLimits/bytes`` counts them.
    public var bytes: Int
    /// The missing events, ascending, each once: what to ask a peer for.
    public var missing: [Dot]
}
