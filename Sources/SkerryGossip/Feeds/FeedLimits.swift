/// The named bounds of feeds. A peer that breaks one is refused with a ``FeedError`` that names it.
public enum FeedLimits {
    // MARK: Frames

    /// Most bytes of a message on a stream.
    public static let frameMaximum = 1 << 20
    /// Bytes at which a frame of entries is full, so that acknowledgements never wait long behind it.
    public static let framePreferred = 64 << 10
    /// Smallest frame that a link may take.
    public static let frameMinimum = 512
    /// Room in a frame for all that is not entries.
    static let frameOverhead = 112
    /// Most runs in a frame.
    public static let runsPerFrame = 64
    /// Most pairs of a digest in a message; what does not fit comes in the next.
    public static let pairsPerFrame = 4_096
    /// Most parts of a HELLO.
    public static let helloParts = 1_024

    // MARK: Entries

    /// Most bytes of a key.
    public static let keyMaximum = 4 << 10
    /// Most bytes of a key and its value together. Blobs never travel in a feed: an entry carries their digests.
    public static let bodyMaximum = 512 << 10
    /// What an entry costs beside its bytes, in charges.
    public static let entryOverhead = 160
    /// Bytes of an Ed25519 signature.
    public static let signatureLength = 64
    /// Largest sequence of an origin.
    public static let sequenceMaximum: UInt64 = 1 << 48

    // MARK: Tables

    /// Most origins that a node knows.
    public static let origins = 4_096
    /// Most peers at a time.
    public static let peers = 256
    /// Most prefixes of an interest filter, and bytes of them all.
    public static let filterPrefixes = 256
    public static let filterBytes = 64 << 10
    /// Most entries that an interest scan looks at before it gives way.
    public static let scanEntries = 1_024

    // MARK: Flow

    /// Charges of entries that a peer may send before they are durable here. What a peer can make a node keep is this and a frame. More than any entry.
    public static let window = 1 << 20
    /// Charges of entries that are read from the log for a frame.
    static let readCharge = 128 << 10
    /// Charges of entries that may wait to become durable; beyond it ``FeedCore/publish(_:key:value:now:into:)`` throws.
    public static let unsyncedMaximum = 4 << 20
    /// Entries that a connected peer may lack before the local write rate gives way.
    public static let backlogMaximum: UInt64 = 10_000

    /// A peer that gathers and got at least so many entries between two ticks gets what is new with the next tick, in one frame; the others get it at once.
    static let gatheredFrom = 4
    /// But so many entries do not wait.
    static let gatheredMaximum: UInt64 = 64

    // MARK: Time, milliseconds

    /// How often ``FeedCore/tick(now:into:)`` wants to be called.
    public static let tickInterval: UInt64 = 50
    /// Until a HELLO without an answer is sent again.
    public static let helloInterval: UInt64 = 500
    /// Between digests of all positions, which also find forks.
    public static let digestInterval: UInt64 = 10_000
    /// Until entries that were not acknowledged are sent again.
    public static let resendInterval: UInt64 = 400
    /// Until an origin that a peer refused is offered again.
    public static let pauseInterval: UInt64 = 5_000
    /// How long a lazy peer may find an entry elsewhere before it is sent.
    public static let lazyInterval: UInt64 = 1_000
    /// How long entries that a peer has may take to come over the tree, and how long the next peer that has them is waited for.
    public static let graftInterval: UInt64 = 500
    public static let graftNextInterval: UInt64 = 250
}
