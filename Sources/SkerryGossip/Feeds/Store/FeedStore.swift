public import SkerryCRDT

/// Where entries and positions are kept: the seam between feeds and storage.
///
/// A batch becomes durable as a whole or not at all, its entries and the positions that they lead to together: a position without its entries would be a
/// gap that nobody ever fills. Whoever applies entries to a state of their own writes that state in the same commit.
///
/// A store that threw from ``append(_:)``, ``sync()``, ``trim(_:through:)`` or ``adopt(_:)`` and the core above it no longer tell the same story. It takes no
/// further changes; drop both, and begin again with what a new store finds.
///
/// ``MemoryFeedStore`` keeps feeds in memory, SkerryReplication's `EngineFeedStore` in a metadata engine. One suite tests both.
public protocol FeedStore {
    associatedtype Failure: Error

    /// Adds entries, in order, with what they change. Durable after ``sync()``, perhaps before.
    mutating func append(_ batch: FeedBatch) throws(Failure)
    /// Makes everything that was appended durable.
    mutating func sync() throws(Failure)
    /// Entries of one origin from a sequence on, in order and without a gap, as many as fit in `charge` bytes but at least one. Not all need be durable.
    /// Empty where the log does not hold `first`.
    func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(Failure) -> [FeedEntry]
    /// Durable entries in the order of their arrival, from a place of the log on; nil where the log no longer holds all that arrived behind it.
    ///
    /// Only durable ones: a place behind entries that a crash takes would be given to others, and whoever keeps it would miss those.
    func scan(from cursor: FeedCursor, limit: Int) throws(Failure) -> FeedScan?
    /// The place behind the last durable arrival.
    var end: FeedCursor { get }
    /// Drops the entries of an origin up to a sequence. The position stays. Places before the last of them are given up.
    mutating func trim(_ origin: OriginID, through sequence: UInt64) throws(Failure)
    /// Takes an origin's position from a replica whose whole state was taken over: the entries before it never come. All places are given up, for the
    /// same reason.
    mutating func adopt(_ mark: FeedMark) throws(Failure)
    /// What a core begins with.
    var state: FeedState { get }
}

/// A piece of a log.
public struct FeedScan: Sendable, Hashable {
    /// An entry, and the place behind it.
    public struct Arrival: Sendable, Hashable {
        /// As it was appended.
        public var entry: FeedEntry
        /// Where to go on behind it.
        public var next: FeedCursor

        public init(entry: FeedEntry, next: FeedCursor) {
            self.entry = entry
            self.next = next
        }
    }

    /// In the order in which they arrived.
    public var arrivals: [Arrival]
    /// Where the next scan begins; the place itself at the end of the log.
    public var next: FeedCursor

    public init(arrivals: [Arrival], next: FeedCursor) {
        self.arrivals = arrivals
        self.next = next
    }
}

/// What becomes durable at once.
public struct FeedBatch: Sendable, Hashable {
    /// Handed back to ``FeedCore/persisted(_:now:into:)``; ascending.
    public var ticket: UInt64
    /// In the order in which they were taken: of one origin ascending and without a gap. Empty where only an origin was frozen.
    public var entries: [FeedEntry]
    /// Where the origins of the entries stand behind them.
    public var marks: [FeedMark]
    /// The clock's largest stamp.
    public var highWater: HybridTimestamp
    /// Origins that were found to have forked.
    public var frozen: [OriginID]

    public init(ticket: UInt64, entries: [FeedEntry], marks: [FeedMark], highWater: HybridTimestamp, frozen: [OriginID] = []) {
        self.ticket = ticket
        self.entries = entries
        self.marks = marks
        self.highWater = highWater
        self.frozen = frozen
    }

    /// Of nothing.
    public static let empty = FeedBatch(ticket: 0, entries: [], marks: [], highWater: .zero)
}

/// What a store knows of feeds when it is opened.
public struct FeedState: Sendable, Hashable {
    /// Ascending by origin.
    public var marks: [FeedMark] = []
    /// What was dropped from the front, by origin.
    public var floors: [Dot] = []
    /// The largest stamp that the clock ever gave or saw.
    public var highWater: HybridTimestamp = .zero
    /// Origins that were found to have forked.
    public var frozen: [OriginID] = []
    /// Names the log in cursors.
    public var log: UInt64 = 0

    public init() {}
}
