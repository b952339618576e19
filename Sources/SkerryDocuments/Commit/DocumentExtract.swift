import SkerryCRDT

/// What a commit writes of a document.
struct DocumentExtract {
    /// What the history reaches at least. Of a change made while it was written it may hold more, which the next commit then writes again: events are
    /// taken in once, however often they come.
    var version: CausalContext
    /// The events that the given version lacks, as ``SkerryCRDT/Document/history(since:)`` writes them; empty when there are none.
    var history: [UInt8]
    /// The state at exactly ``version``, when it was asked for: then the history reaches exactly so far too.
    var snapshot: [UInt8]?

    /// Looks at a document that others may be changing.
    init(of document: Document, since known: CausalContext) throws(DocumentError) {
        version = document.version
        history = version == known ? [] : try document.history(since: known)
    }

    /// How often a document that changes meanwhile is looked at anew.
    static let attemptsMaximum = 8

    /// The same with the state; nil when the document does not stand still for it.
    init?(foldOf document: Document, since known: CausalContext) throws(DocumentError) {
        for _ in 0..<DocumentExtract.attemptsMaximum {
            try self.init(of: document, since: known)
            snapshot = document.snapshot()
            if document.version == version { return }
        }
        return nil
    }
}
