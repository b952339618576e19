internal import SkerryCRDT

/// The side that wants a part: keeps its cursor with what it received, and goes on from there after any pause.
///
/// What a source says of an entry is checked; that it leaves none out is not, and cannot be here: which entries lie between two cursors only the source's log says. Whoever does not trust a source with that takes
/// the part from several, or compares it with them by reconciliation.
public struct InterestSink: Sendable {
    /// What a sink wants done.
    public enum Action: Sendable, Hashable {
        case send([UInt8])
        /// Make the entries durable together with the cursor, then call ``InterestSink/persisted(into:)``.
        case deliver([FeedEntry], FeedCursor)
        /// The other log no longer reaches back: reconcile the ranges of the filter, then keep the cursor.
        case reconcile(FeedCursor)
    }

    /// What is asked for.
    public let filter: InterestFilter
    /// How far all was delivered, durable or not: what to keep is the cursor that came with ``Action/deliver(_:_:)``.
    public private(set) var cursor: FeedCursor
    private let trust: FeedTrust
    private let refusesExcess: Bool
    private var tag: UInt32
    /// Charges of what came since the subscription, counted here, and how many were granted in all.
    private var received: UInt64 = 0
    private var granted: UInt64 = 0
    /// Charges of what was delivered and is not durable. A source that keeps to its credit stays under ``FeedLimits/window`` and a message.
    public private(set) var undelivered: UInt64 = 0

    /// - Parameters:
    ///   - cursor: kept from before, or ``FeedCursor/start``.
    ///   - session: drawn anew for each link.
    ///   - refusesExcess: whether what comes without credit is refused. Without it whoever owns the sink bounds ``undelivered``: where the source hears no grants, as on a stream that goes one way, it is
    ///     held back by not being read.
    public init(
        filter: InterestFilter, cursor: FeedCursor, session: UInt32, trust: FeedTrust = .members, refusesExcess: Bool = false
    ) {
        self.filter = filter
        self.cursor = cursor
        self.trust = trust
        self.refusesExcess = refusesExcess
        tag = session
    }

    /// Asks for everything behind the cursor. Also after silence: what was lost comes again.
    public mutating func subscribe(into actions: inout [Action]) {
        tag &+= 1
        (received, granted, undelivered) = (0, 0, 0)
        ask(into: &actions)
    }

    private mutating func ask(into actions: inout [Action]) {
        granted = max(granted, received + UInt64(FeedLimits.window) - min(UInt64(FeedLimits.window), undelivered))
        let subscription = FeedSubscription(tag: tag, filter: filter, cursor: cursor, grant: granted)
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
        let charge = matches.entries.reduce(0) { $0 + UInt64($1.charge) }
        // A source spends its last credit on a whole message.
        guard charge == 0 || received < granted || !refusesExcess else {
            throw FeedError(.creditExceeded, "\(charge) came when all \(granted) that were granted were spent")
        }
        // Messages of a subscription follow each other, so both sides count the same. Were the source believed, its count would buy it credit, or hide what it sent.
        guard matches.position == received + charge else {
            throw FeedError(.malformed, "\(matches.position) are said to have been sent, and \(received + charge) came")
        }
        cursor = matches.cursor
        received = matches.position
        guard !matches.isReset else { return actions.append(.reconcile(cursor)) }
        undelivered += charge
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
