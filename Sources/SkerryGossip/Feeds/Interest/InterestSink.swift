internal import SkerryCRDT

/// The side that wants a part: keeps its cursor with what it received, and goes on from there after any pause.
public struct InterestSink: Sendable {
    /// What a sink wants done.
    public enum Action: Sendable, Hashable {
        case send([UInt8])
        /// Make the entries durable together with the cursor, then call ``InterestSink/persisted(into:)``.
        case deliver([FeedEntry], FeedCursor)
        /// The other log no longer reaches back: reconcile the ranges of the filter, then keep the cursor.
        case reconcile(FeedCursor)
    }

    public let filter: InterestFilter
    public private(set) var cursor: FeedCursor
    private let trust: FeedTrust
    private var tag: UInt32
    private var received: UInt64 = 0
    /// Charges of what was delivered and is not durable. A source that keeps to its credit stays under ``FeedLimits/window`` and a frame.
    public private(set) var undelivered: UInt64 = 0

    /// - Parameters:
    ///   - cursor: kept from before, or ``FeedCursor/start``.
    ///   - session: drawn anew for each link.
    public init(filter: InterestFilter, cursor: FeedCursor, session: UInt32, trust: FeedTrust = .members) {
        self.filter = filter
        self.cursor = cursor
        self.trust = trust
        tag = session
    }

    /// Asks for everything behind the cursor. Also after silence: what was lost comes again.
    public mutating func subscribe(into actions: inout [Action]) {
        tag &+= 1
        (received, undelivered) = (0, 0)
        ask(into: &actions)
    }

    private func ask(into actions: inout [Action]) {
        let grant = received + UInt64(FeedLimits.window) - min(UInt64(FeedLimits.window), undelivered)
        let subscription = FeedSubscription(tag: tag, filter: filter, cursor: cursor, grant: grant)
        actions.append(.send(FeedMessage.subscribe(subscription).encoded()))
    }

    /// A message of kind 6. One that does not follow the cursor is dropped.
    ///
    /// - Throws: ``FeedError``; the sink is as it was.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer, into actions: inout [Action]) throws(FeedError) {
        guard case .matches(let matches) = try FeedMessage(decoding: bytes) else { throw FeedError(.malformed, "no matches are here") }
        guard matches.tag == tag, matches.from == cursor else { return }
        for entry in matches.entries {
            guard filter.matches(entry.key) else { throw FeedError(.mismatch, "an entry was not asked for", dot: entry.dot) }
            guard let verify = trust.verify else { continue }
            guard verify(entry.signature, FeedTrust.message(entry.dot, digest: entry.digest, link: entry.link), entry.dot.origin) else {
                throw FeedError(.badSignature, "the signature is not its origin's", dot: entry.dot)
            }
        }
        guard matches.position <= received + 2 * UInt64(FeedLimits.window) else {
            throw FeedError(.creditExceeded, "more came than was granted")
        }
        cursor = matches.cursor
        received = max(received, matches.position)
        guard !matches.isReset else { return actions.append(.reconcile(cursor)) }
        undelivered += matches.entries.reduce(0) { $0 + UInt64($1.charge) }
        actions.append(.deliver(matches.entries, cursor))
    }

    /// All that was delivered is durable.
    public mutating func persisted(into actions: inout [Action]) { persisted(charge: Int(clamping: undelivered), into: &actions) }

    /// Entries of so many charges (``FeedEntry/charge``) that were delivered are durable: as much more is granted.
    public mutating func persisted(charge: Int, into actions: inout [Action]) {
        guard undelivered > 0 else { return }
        undelivered -= min(undelivered, UInt64(max(0, charge)))
        ask(into: &actions)
    }
}
