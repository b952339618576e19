public import SkerryCRDT

/// One side of a session that finds the difference of two sets of entries and tells both sides what to send.
///
/// Range-based set reconciliation (Meyer, 2023): the initiator sends fingerprints of sixteen ranges, finer ones where entries are new; whoever finds one that differs from its own
/// splits that range into sixteen of equal count, or, where it holds at most 32 entries there, lists them. Whoever gets a list compares: it asks for
/// what it lacks and sends what the list lacks. A million entries with differences that lie together take five such steps and one message of wishes.
///
/// A value: frames in, frames out, over any ordered duplex link, with the store as an argument. Both sides pull whenever the link can take more, so
/// frames of both directions are under way at once; each answers what it has, deepest ranges first. Nothing needs to be kept between sessions: a
/// run that broke off goes on with ``openRanges``.
///
/// ```swift
/// var core = ReconciliationCore(initiator: nonce, secret: secret, horizon: horizon)
/// while try core.nextFrame(into: &frame, from: tree, events: &events) { link.send(frame) }
/// // for each frame that comes: try core.receive(frame, events: &events), then pull again
/// ```
///
/// - Invariant: memory stays under about 32 MiB whatever the peer sends: ranges and listed entries under way are bounded by
///   ``ReconciliationLimits``, and a peer that exceeds them is dropped.
/// - Note: entries may come and go while a session runs. They show as differences or do not, as chance has it; applying an entry twice must be
///   harmless.
public struct ReconciliationCore: Sendable {
    struct Pending: Sendable {
        var range: WriteRange
        var fingerprint: RangeFingerprint
    }

    struct ListedEntry: Sendable {
        var key: WriteKey
        var prefix: DigestPrefix
    }

    struct PendingList: Sendable {
        var range: WriteRange
        var entries: [ListedEntry]
    }

    struct SentList: Sendable {
        var range: WriteRange
        var count: Int
    }

    /// Whether this side sends first.
    public let isInitiator: Bool
    /// What this side keeps to.
    public let limits: ReconciliationLimits
    /// The later horizon of those known so far: no entry before it is compared.
    public internal(set) var horizon: HybridTimestamp
    /// The deepest ranges sent or received. A session of depth d took d + 1 messages one way or the other until the last list, and one more for the
    /// wishes, where frames and windows were large enough.
    public internal(set) var depthReached = 0

    let secret: [UInt8]
    let nonce: ReconciliationNonce?
    var key: FingerprintKey?
    var isHelloSent = false
    var isHelloReceived = false
    /// The initiator's ranges that were not sent yet, and whether they are whole splits of one.
    var initial: RangeQueue<WriteRange>
    var splitsInitial: Bool
    /// The responder's knowledge that the initiator has sent all of them.
    var isInitialReceived = false
    /// By depth: sent and not answered, received and not answered.
    var outstanding: [RangeQueue<WriteRange>] = []
    var pending: [RangeQueue<Pending>] = []
    var sentLists = RangeQueue<SentList>()
    var listedOutstanding = 0
    var pendingLists = RangeQueue<PendingList>()
    var listedPending = 0
    var keyWriter = KeyWriter()
    var keyReader = KeyReader()
    var foundDifference = false
    var isCompleted = false

    #if DEBUG
    var defects: ReconciliationDefects = []
    #endif

    /// The side that begins.
    ///
    /// - Parameters:
    ///   - nonce: new for every session.
    ///   - secret: what the two replicas share (``FingerprintKey``).
    ///   - horizon: the stamp before which this side has forgotten deleted entries.
    ///   - ranges: what to compare: everything, or what ``openRanges`` of a session that broke off said. In order, without overlap.
    public init(
        initiator nonce: ReconciliationNonce, secret: [UInt8], horizon: HybridTimestamp = .zero, over ranges: [WriteRange] = [.all],
        limits: ReconciliationLimits = ReconciliationLimits()
    ) {
        isInitiator = true
        self.nonce = nonce
        self.secret = secret
        self.horizon = horizon
        self.limits = limits
        key = FingerprintKey(secret: secret, nonce: nonce)
        initial = RangeQueue()
        for range in ranges where !range.isEmpty { initial.append(range) }
        splitsInitial = initial.count == 1
    }

    /// The side that answers.
    public init(responder secret: [UInt8], horizon: HybridTimestamp = .zero, limits: ReconciliationLimits = ReconciliationLimits()) {
        isInitiator = false
        nonce = nil
        self.secret = secret
        self.horizon = horizon
        self.limits = limits
        initial = RangeQueue()
        splitsInitial = false
    }

    /// Nothing is open any more on this side, nor will the peer send anything.
    public var isComplete: Bool {
        isHelloSent && isHelloReceived && initial.isEmpty && (isInitiator || isInitialReceived)
            && outstanding.allSatisfy(\.isEmpty) && pending.allSatisfy(\.isEmpty) && sentLists.isEmpty && pendingLists.isEmpty
    }

    /// What is not settled yet, in order and joined: give it to the initiator of the next session when this one breaks off.
    ///
    /// Entries that were asked for and did not come are the caller's to add, each as the range from its key to ``WriteKey/successor``.
    public var openRanges: [WriteRange] {
        var open = Array(initial.all)
        for queue in outstanding { open += queue.all }
        for queue in pending { open += queue.all.map(\.range) }
        open += sentLists.all.map(\.range)
        open += pendingLists.all.map(\.range)
        return WriteRange.joined(open)
    }

    /// The part of a range that both sides can compare.
    func clipped(_ range: WriteRange) -> WriteRange {
        #if DEBUG
        if defects.contains(.horizonIgnored) { return range }
        #endif
        return WriteRange(lower: max(range.lower, WriteKey(startOf: horizon)), upper: range.upper)
    }

    mutating func completeIfDone(_ events: inout [ReconciliationEvent]) {
        guard !isCompleted, isComplete else { return }
        isCompleted = true
        events.append(.completed(isEqual: !foundDifference))
    }
}

extension WriteRange {
    /// The same keys as few ranges in order.
    public static func joined(_ ranges: [WriteRange]) -> [WriteRange] {
        var result: [WriteRange] = []
        for range in ranges.filter({ !$0.isEmpty }).sorted(by: { $0.lower < $1.lower }) {
            guard let last = result.last, last.upper.map({ range.lower <= $0 }) ?? true else {
                result.append(range)
                continue
            }
            guard let upper = last.upper else { break }
            result[result.count - 1].upper = range.upper.map { max($0, upper) }
        }
        return result
    }
}
