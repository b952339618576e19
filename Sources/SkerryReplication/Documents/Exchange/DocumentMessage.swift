internal import SkerryCRDT

/// What two sides say to each other about documents of interest (`docs/formats/document-feed.md`).
struct DocumentMessage: Sendable, Hashable {
    /// Begun by each `want`; messages of another are of a conversation that is over.
    var tag: UInt32
    /// Counts the messages of the sender under the tag, from 1.
    var number: UInt64
    var body: Body

    enum Body: Sendable, Hashable {
        case want(ExchangeWant)
        case offer(ExchangeOffer)
        case ask(ExchangeAsk)
        case give(ExchangePart)
        case status(ExchangeStatus)
        case query([String])
        case refuse(ExchangeRefusal)
    }
}

/// The subscriber wants these documents from here on.
struct ExchangeWant: Sendable, Hashable {
    var interest: DocumentInterest
    var cursor: ExchangeCursor
    var granted: UInt64
}

/// The source has these, at these versions.
struct ExchangeOffer: Sendable, Hashable {
    /// Counts offers of the tag from 1; 0 answers a query.
    var serial: UInt64
    /// Where the subscriber is when it has them.
    var cursor: ExchangeCursor
    var documents: [ExchangeVersion]
}

/// A document and how much of it there is.
struct ExchangeVersion: Sendable, Hashable {
    var name: String
    var version: CausalContext
}

/// The subscriber lacks something of these of an offer, and has this much of them.
struct ExchangeAsk: Sendable, Hashable {
    var serial: UInt64
    /// Whether nothing more is asked of the offer.
    var isLast: Bool
    var documents: [ExchangeVersion]
}

/// A part of an update or a snapshot.
struct ExchangePart: Sendable, Hashable {
    enum Form: UInt8, Sendable, Hashable {
        /// The other side has it all.
        case nothing = 0
        case history = 1
        case snapshot = 2
        /// The history here was cut behind what the other side has, and its own events would be lost with a snapshot.
        case diverged = 3
    }

    var form: Form
    var name: String
    /// What whoever takes it has then at least.
    var version: CausalContext
    var offset: Int
    var total: Int
    var bytes: [UInt8]
}

struct ExchangeStatus: Sendable, Hashable {
    /// Whether the other side is to answer.
    var wantsAnswer: Bool
    /// Of the sender's window, what the receiver may send in all.
    var granted: UInt64
    /// How many of the receiver's updates the sender has made durable.
    var taken: UInt64
}

struct ExchangeRefusal: Sendable, Hashable {
    var code: UInt8
    /// Empty where it is about no document.
    var name: String
}
