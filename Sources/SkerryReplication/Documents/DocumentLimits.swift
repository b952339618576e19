internal import SkerryGossip

/// The named bounds of documents over gossip.
public enum DocumentLimits {
    // MARK: Names

    /// UTF-8 bytes of a document's name.
    public static let nameMaximum = 1024

    // MARK: Updates in a feed

    /// Bytes of an update that fit in one entry; a longer one takes several. Half of what an entry may hold, so that a frame has room for others beside it.
    public static let pieceSize = FeedLimits.bodyMaximum / 2
    /// Most bytes of one update: a chunk of history has at most 64 MiB of columns.
    public static let updateMaximum = 80 << 20
    /// Bytes at which a long history is cut into further updates, at the next boundary of its chunks.
    public static let updatePreferred = 4 << 20

    // MARK: What waits

    /// Entries of one document that wait and are known one by one: for the rest of an update, for a past that is missing, or for somebody to open the
    /// document. What is more lies on disk, and is read in pages of as many.
    public static let waitingEntries = 4_096
    /// Bytes of them: one update of the largest kind, and more beside it.
    public static let waitingBytes = 96 << 20
    /// Entries and bytes of a document that lie beside it unread; more, and it is opened to take them in.
    public static let unreadEntries = 64
    public static let unreadBytes = 64 << 10

    /// Documents beside which something lies unread; more, and they are opened too.
    public static let unreadDocuments = 65_536
    /// Documents of which it is remembered what came by a feed, until their commits are looked at.
    public static let heardDocuments = 1_024
    /// Refusals that are remembered, the latest.
    public static let refusals = 256
    /// Commits that are looked at together to be told.
    public static let commitsTold = 256

    // MARK: Exchange

    /// Bytes of a part of an update in a message, about.
    public static let partSize = 64 << 10
    /// Bytes of names and versions in a message, about.
    public static let offerSize = 32 << 10
    /// Most bytes of a message.
    public static let messageMaximum = 1 << 20
    /// Documents in one offer.
    public static let offerDocuments = 64
    /// Offers that were not answered yet.
    public static let offerWindow = 4
    /// Offers that are not settled; one that is ahead of many others waits for them.
    public static let offersMaximum = 64
    /// Documents of which a sink remembers how much the peer has.
    public static let knownDocuments = 1_024
    /// Writers in a version.
    public static let versionDots = 16_384
    /// Names and prefixes of an interest, and bytes of them all.
    public static let interestTerms = 1_024
    public static let interestBytes = 64 << 10
    /// Bytes of updates that may be sent before they are taken.
    public static let giveWindow = 1 << 20
    /// What a part costs beside its bytes, in that window.
    public static let giveOverhead = 64
    /// Documents that wait to be sent to one peer; more are looked for when these are gone.
    public static let givesMaximum = 1_024
    /// Bytes of an update that is put together from parts: what a peer can make a node keep.
    public static let giveMaximum = 256 << 20

    /// Things that an exchange has to do, and bytes that wait for the link; a peer beyond them is cut.
    public static let exchangeActions = 4_096
    public static let exchangeOutbox = 8 << 20

    // MARK: Time, milliseconds

    /// How often an exchange wants to be told the time.
    public static let tickInterval: UInt64 = 500
    /// Between statements of how far an exchange came, which also find what was lost.
    public static let statusInterval: UInt64 = 2_000
    /// Of silence, until an exchange begins anew.
    public static let silenceMaximum: UInt64 = 6_000
}
