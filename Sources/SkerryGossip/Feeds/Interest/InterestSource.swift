internal import SkerryCRDT

/// Serves one peer that wants a part: walks the node's log from the peer's cursor on and sends what matches.
///
/// It keeps a filter and a place, nothing for each entry: the log itself is the queue. A value: events in, actions out.
public struct InterestSource: Sendable {
    /// What a source wants done.
    public enum Action: Sendable, Hashable {
        case send([UInt8])
        /// Read the log (``FeedStore/scan(from:limit:)``) and hand the answer to ``InterestSource/supply(_:into:)`` or ``InterestSource/supplyReset(to:into:)``.
        case scan(FeedCursor, limit: Int)
    }

    private var tag: UInt32 = 0
    /// What the peer asked for last; nil until it did.
    public private(set) var filter: InterestFilter?
    /// Where the next scan begins.
    public private(set) var cursor = FeedCursor.start
    private var position: UInt64 = 0
    private var granted: UInt64 = 0
    private var isScanning = false
    private var isAtEnd = false
    private let frameMaximum: Int
    private let sendsStatements: Bool

    /// - Parameter sendsStatements: whether statements about members go too. Whoever wants a part of the keys has no use for them.
    public init(frameMaximum: Int = FeedLimits.framePreferred, sendsStatements: Bool = false) {
        self.frameMaximum = min(frameMaximum, FeedLimits.frameMaximum)
        self.sendsStatements = sendsStatements
    }

    /// A message of kind 5 from the peer.
    ///
    /// - Throws: ``FeedError``; the source is as it was.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer, into actions: inout [Action]) throws(FeedError) {
        guard case .subscribe(let subscription) = try FeedMessage(decoding: bytes) else {
            throw FeedError(.malformed, "only a subscription can be served")
        }
        if subscription.tag != tag || filter == nil {
            tag = subscription.tag
            filter = subscription.filter
            cursor = subscription.cursor
            (position, granted, isScanning, isAtEnd) = (0, 0, false, false)
        }
        granted = max(granted, subscription.grant)
        scan(into: &actions)
    }

    /// The log has grown.
    public mutating func logGrew(into actions: inout [Action]) {
        isAtEnd = false
        scan(into: &actions)
    }

    private mutating func scan(into actions: inout [Action]) {
        guard filter != nil, !isScanning, !isAtEnd, position < granted else { return }
        isScanning = true
        actions.append(.scan(cursor, limit: FeedLimits.scanEntries))
    }

    /// The answer to ``Action/scan(_:limit:)``.
    public mutating func supply(_ scan: FeedScan, into actions: inout [Action]) {
        guard isScanning, let filter else { return }
        isScanning = false
        isAtEnd = scan.next == cursor
        guard !isAtEnd else { return }
        var matched: [FeedEntry] = []
        var room = frameMaximum - Self.overhead
        var from = cursor
        for arrival in scan.arrivals {
            let isWanted = (sendsStatements || arrival.entry.kind != .registry) && filter.matches(arrival.entry.key)
            let size = FeedWriter.sizeMaximum(arrival.entry) + Self.entryOverhead
            if isWanted, size > room, !matched.isEmpty {
                send(matched, from: from, to: cursor, isReset: false, into: &actions)
                (matched, room, from) = ([], frameMaximum - Self.overhead, cursor)
                // The rest of the scan is read again when there is credit.
                guard position < granted else { return }
            }
            if isWanted {
                matched.append(arrival.entry)
                room -= size
            }
            cursor = arrival.next
        }
        cursor = scan.next
        send(matched, from: from, to: cursor, isReset: false, into: &actions)
        self.scan(into: &actions)
    }

    /// Most bytes of a message beside its entries, and of an entry beside those of a run's.
    private static let overhead = 64
    private static let entryOverhead = 48

    /// The log no longer reaches back to the cursor, or is another log: the peer reconciles, and goes on from `end`.
    public mutating func supplyReset(to end: FeedCursor, into actions: inout [Action]) {
        guard isScanning else { return }
        isScanning = false
        send([], from: cursor, to: end, isReset: true, into: &actions)
        cursor = end
        scan(into: &actions)
    }

    private mutating func send(_ entries: [FeedEntry], from: FeedCursor, to: FeedCursor, isReset: Bool, into actions: inout [Action]) {
        position += entries.reduce(0) { $0 + UInt64($1.charge) }
        let matches = FeedMatches(tag: tag, position: position, from: from, cursor: to, isReset: isReset, entries: entries)
        actions.append(.send(FeedMessage.matches(matches).encoded()))
    }
}
