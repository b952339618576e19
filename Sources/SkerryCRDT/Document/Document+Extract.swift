/// What a store writes of a document, all of one moment.
public struct DocumentExtract: Sendable {
    /// How much of each origin the document had.
    public var version: CausalContext
    /// The largest stamp that it had issued or seen.
    public var highWater: HybridTimestamp
    /// The events that the given version lacks, as ``Document/history(since:)`` writes them; empty when there are none.
    public var history: [UInt8]
    /// The state at ``version``, as ``Document/snapshot()`` writes it, when it was asked for.
    public var snapshot: [UInt8]?
}

extension Document {
    /// Takes what a version lacks, with the version that results and the state there, under one lock: a writer on another thread is in all
    /// or none.
    ///
    /// - Throws: `notFound` when the version lacks events that this replica has no history of.
    public func extract(since known: CausalContext, withSnapshot: Bool = false) throws(DocumentError) -> DocumentExtract {
        try withCore { core throws(DocumentError) in
            var extract = DocumentExtract(version: core.version, highWater: core.clock.highWater, history: [], snapshot: nil)
            if let body = try HistoryEncoder.encode(&core, since: known) {
                var writer = ByteWriter()
                Chunk.wrap(.history, body, into: &writer)
                extract.history = writer.finish()
            }
            if withSnapshot {
                var writer = ByteWriter()
                Chunk.wrap(.snapshot, core.encodeSnapshot(), into: &writer)
                extract.snapshot = writer.finish()
            }
            return extract
        }
    }
}
