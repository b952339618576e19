public import SkerryCRDT

/// What happened to the documents of a replica.
public enum DocumentReplicaEvent: Sendable, Hashable {
    /// Events of others are part of a document now, and on disk.
    case imported(String, [EventRange])
    /// An entry was refused: it never becomes part of a document, and holds up no other.
    case refused(DocumentFeedError)
    /// A document lacks these events, which others build on. They come with another feed, or with an exchange.
    case lacks(String, [Dot])
    /// A snapshot took the document's place: whoever holds the `Document` asks for it again.
    case replaced(String)
    /// A document was deleted, here or elsewhere: whoever holds the `Document` has one that is no longer the store's.
    case deleted(String)
    /// Something could not be done now and is tried again with the next entry or call.
    case failed(String, String)
}
