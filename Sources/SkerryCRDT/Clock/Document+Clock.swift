extension Document {
    /// How far ahead of wall time the stamp of an imported event may be, milliseconds; at most ``HybridClock/futureBoundMaximum``.
    public var futureBound: UInt64 {
        get { withCore { $0.clock.futureBound } }
        set { withCore { $0.clock.futureBound = newValue } }
    }

    /// Takes in history that this replica wrote down itself, as ``merge(_:)`` but whatever wall time says now.
    ///
    /// Its stamps were accepted once: a clock that was ahead then and was put right since must not lock a replica out of its own
    /// documents. What
    /// is written next is stamped above them. Never for bytes from a peer.
    @discardableResult
    public func restore(_ bytes: [UInt8]) throws(DocumentError) -> ImportResult { try merge(bytes, isOwn: true) }
}
