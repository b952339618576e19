public import SkerryCRDT

/// What an exchange wants done. Actions are done in the order in which they were given.
public enum DocumentExchangeAction: Sendable, Hashable {
    /// A message for the peer. It may be lost, never changed.
    case send([UInt8])
    /// Find documents by name behind `after`, at most `limit`; answer with ``DocumentSource/supply(listing:isEnd:into:)``.
    case list(DocumentInterest, after: String, limit: Int)
    /// Look at own commits behind an offset; answer with ``DocumentSource/supply(changes:end:into:)`` or ``DocumentSource/supplyReset(into:)``.
    case follow(after: UInt64, limit: Int)
    /// How much there is of these; answer with ``DocumentSource/supply(found:into:)``.
    case look([String])
    /// How much there is here of the documents of an offer; answer with ``DocumentSink/supply(versions:of:into:)``.
    case compare(offer: UInt64, [String])
    /// Which documents changed here behind a commit; answer with ``DocumentSink/supply(ownChanges:end:into:)``.
    case followOwn(after: UInt64, limit: Int)
    /// What a document has behind a version; answer with `supply(material:into:)`.
    case read(String, since: CausalContext)
    /// Make this part of the document and durable, then say `taken(_:into:)`.
    case take(DocumentGift)
    /// Keep this place in the documents of an interest: what leads to it is durable here.
    case keep(ExchangeCursor, DocumentInterest)
    /// Keep this: own commits up to it are durable with the peer.
    case keepPushed(UInt64)
    /// Something that somebody should know.
    case report(DocumentFeedError)
}

/// What one side has of a document and the other lacks.
public struct DocumentMaterial: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        /// The other side has it all, or there is no such document.
        case nothing
        /// Chunks of history.
        case history([UInt8])
        /// The whole state, where the history that the other side lacks was cut.
        case snapshot([UInt8])
        /// The history was cut, and the other side has events that the state does not know.
        case diverged
    }

    public var content: Content
    /// What whoever takes it has then at least.
    public var version: CausalContext

    public init(_ content: Content, version: CausalContext) {
        self.content = content
        self.version = version
    }

    /// What a document has for somebody who has `known` of it: history where it reaches back that far, else the state.
    public init(of document: Document, since known: CausalContext) throws(DocumentError) {
        let version = document.version
        guard !known.covers(version) else {
            self.init(.nothing, version: version)
            return
        }
        do throws(DocumentError) {
            self.init(.history(try document.history(since: known)), version: version)
        } catch {
            guard error.code == .notFound else { throw error }
            self.init(version.covers(known) ? .snapshot(document.snapshot()) : .diverged, version: version)
        }
    }
}

/// An update or a snapshot that came whole from a peer.
public struct DocumentGift: Sendable, Hashable {
    public var name: String
    public var material: DocumentMaterial
}

/// A document, how much there is of it, and the last commit that changed it.
public struct DocumentStanding: Sendable, Hashable {
    public var name: String
    public var version: CausalContext
    public var offset: UInt64

    public init(name: String, version: CausalContext, offset: UInt64 = 0) {
        self.name = name
        self.version = version
        self.offset = offset
    }
}
