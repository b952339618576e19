/// A change of a document, as its watchers learn of it.
public struct DocumentChange: Sendable, Hashable {
    /// Where it came from.
    public enum Source: Sendable, Hashable {
        case local
        case remote
        case undo
        /// Several changes that were joined because their watcher was behind.
        case several
    }

    public var source: Source
    /// The replicas whose events it is made of, sorted.
    public var origins: [OriginID] = []
    /// In order.
    public var deltas: [ContainerDelta]
}
