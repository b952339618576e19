internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryMerge

/// Sends a history: entries in frames under the receiver's credit (messages 5 and 6 of docs/formats/gossip.md), then the positions they lead to.
struct HistoryTransfer: Sendable {
    private var source: InterestSource
    /// What was not sent yet, from `sent` on; and the rest, as far as only the store has it. Nil while it reads, and when there is none.
    private var entries: [FeedEntry]
    private var sent = 0
    private var reader: HistoryReader?
    private(set) var isReading = false
    private let marks: [FeedMark]
    let tag: UInt32
    private let log: UInt64
    /// Goes before everything.
    private var preamble: [[UInt8]]
    private var scan: (cursor: FeedCursor, limit: Int)?
    private var isSubscribed = false
    private(set) var isFinished = false

    /// - Parameters:
    ///   - reader: reads what comes behind these entries.
    ///   - tag: of the subscription that is served.
    ///   - preamble: messages that go before everything.
    init(
        entries: [FeedEntry], reader: HistoryReader? = nil, marks: [FeedMark], tag: UInt32, preamble: [[UInt8]] = []
    ) {
        self.preamble = preamble
        // The last entry of an origin may be a statement.
        source = InterestSource(sendsStatements: true)
        self.entries = entries
        self.reader = reader
        self.marks = marks
        self.tag = tag
        log = UInt64(tag) | 1 << 32
    }

    /// Which history a subscription is about; nil for bytes that are none.
    static func tag(of subscription: [UInt8]) -> UInt32? {
        guard subscription.count >= 5 else { return nil }
        return subscription[1..<5].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Takes a subscription, or more credit.
    mutating func receive(_ subscription: UnsafeRawBufferPointer) throws(FeedError) {
        var actions: [InterestSource.Action] = []
        try source.receive(subscription, into: &actions)
        isSubscribed = true
        _ = take(actions)
    }

    /// Lets everything go, for a stream on which nobody answers.
    mutating func grantAll() {
        var writer = FieldWriter()
        writer.byte(5)
        writer.half(tag)
        writer.word(0)
        writer.integer(0)
        writer.integer(1 << 62)
        writer.count(1)
        writer.string([UInt8]())
        // Our own bytes: they are of the grammar.
        try? writer.bytes.withBytes { bytes throws(FeedError) in try receive(bytes) }
    }

    /// The next messages; none while there is no credit, while the store reads or has to (``nextReading()``), or at the end.
    mutating func next() -> [[UInt8]] {
        guard let scan, !isFinished, !isReading else { return [] }
        guard preamble.isEmpty else {
            defer { preamble = [] }
            return preamble
        }
        let start = scan.cursor.log == log ? Int(clamping: scan.cursor.offset) : 0
        if reader != nil {
            // What was sent goes, half of it at least, while more is to come.
            let gone = min(max(0, start - sent), entries.count)
            if gone * 2 >= entries.count {
                entries.removeFirst(gone)
                sent += gone
            }
        }
        let place = max(0, start - sent)
        guard place < entries.count else {
            guard reader == nil else { return [] }
            self.scan = nil
            isFinished = true
            return markMessages
        }
        self.scan = nil
        let end = min(entries.count, place + scan.limit)
        let arrivals = (place..<end).map { place in
            FeedScan.Arrival(entry: entries[place], next: FeedCursor(log: log, offset: UInt64(sent + place) + 1))
        }
        var actions: [InterestSource.Action] = []
        source.supply(FeedScan(arrivals: arrivals, next: FeedCursor(log: log, offset: UInt64(sent + end))), into: &actions)
        return take(actions)
    }

    /// What the store has to read before anything more can be sent; it goes with ``supply(_:_:)``.
    mutating func nextReading() -> HistoryReader? {
        guard scan != nil, !isFinished, entries.isEmpty, let reader else { return nil }
        self.reader = nil
        isReading = true
        return reader
    }

    /// What the store has read, and where it goes on.
    mutating func supply(_ more: [FeedEntry], _ reader: HistoryReader) {
        isReading = false
        entries += more
        self.reader = reader.isAtEnd ? nil : reader
    }

    private mutating func take(_ actions: [InterestSource.Action]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for action in actions {
            switch action {
            case .send(let bytes): messages.append(bytes)
            case .scan(let cursor, let limit): scan = (cursor, limit)
            }
        }
        return messages
    }

    /// The positions, in as many messages as it takes; the last one says so.
    private var markMessages: [[UInt8]] {
        let perMessage = max(1, min(ReplicaMessage.marksMaximum, (FeedLimits.framePreferred - 16) / 54))
        let parts = stride(from: 0, to: max(1, marks.count), by: perMessage).map { start in
            Array(marks[min(start, marks.count)..<min(marks.count, start + perMessage)])
        }
        return parts.enumerated().map { place, part in
            ReplicaMessage.marks(tag: tag, isLast: place == parts.count - 1, part).encoded
        }
    }
}

/// Takes a history.
struct HistoryReception: Sendable {
    private var sink: InterestSink
    let tag: UInt32
    /// The last entry of each origin that came. A mark that no entry stands for is not believed.
    private(set) var heads: [OriginID: FeedEntry] = [:]
    private(set) var count = 0
    /// Whether the peer was granted what it sends.
    private var isAsked = true

    /// - Parameter tag: drawn anew, or the one that the header says.
    init?(tag: UInt32, trust: FeedTrust) {
        guard let everything = try? InterestFilter(prefixes: [[]]) else { return nil }
        self.tag = tag
        sink = InterestSink(filter: everything, cursor: .start, session: tag &- 1, trust: trust)
    }

    /// For what comes though nobody asked: as if the subscription had been sent.
    init?(unaskedWith tag: UInt32, trust: FeedTrust) {
        self.init(tag: tag, trust: trust)
        isAsked = false
        _ = subscribe()
    }

    /// The subscription, to be sent where somebody answers.
    mutating func subscribe() -> [[UInt8]] {
        var actions: [InterestSink.Action] = []
        sink.subscribe(into: &actions)
        return messages(actions)
    }

    /// A message of kind 6.
    ///
    /// - Returns: the entries, whose signatures were checked.
    mutating func receive(_ message: [UInt8]) throws(FeedError) -> [FeedEntry] {
        var actions: [InterestSink.Action] = []
        try message.withBytes { bytes throws(FeedError) in try sink.receive(bytes, into: &actions) }
        var entries: [FeedEntry] = []
        for case .deliver(let some, _) in actions { entries += some }
        guard !isAsked || sink.undelivered <= UInt64(FeedLimits.window + FeedLimits.frameMaximum) else {
            throw FeedError(.creditExceeded, "\(sink.undelivered) bytes of a history would wait to become durable")
        }
        for entry in entries where entry.dot.sequence > (heads[entry.dot.origin]?.dot.sequence ?? 0) { heads[entry.dot.origin] = entry }
        count += entries.count
        return entries
    }

    /// Of what was handed out so much is durable: more credit.
    mutating func persisted(charge: Int) -> [[UInt8]] {
        var actions: [InterestSink.Action] = []
        sink.persisted(charge: charge, into: &actions)
        return messages(actions)
    }

    /// Origins of whose entries nothing was taken.
    mutating func forget(_ origins: Set<OriginID>) { for origin in origins { heads[origin] = nil } }

    /// The marks that an entry stands for.
    func believed(_ marks: [FeedMark]) -> [FeedMark] { marks.filter { heads[$0.origin].map(FeedMark.init(of:)) == $0 } }

    private func messages(_ actions: [InterestSink.Action]) -> [[UInt8]] {
        actions.compactMap { if case .send(let bytes) = $0 { bytes } else { nil } }
    }
}

extension FeedMark {
    /// The position that an entry leads to.
    init(of entry: FeedEntry) {
        self.init(
            origin: entry.dot.origin, position: FeedPosition(sequence: entry.dot.sequence, link: entry.link, stamp: entry.stamp))
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` with a typed error.
    func withBytes<Value, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Value) throws(Failure) -> Value {
        let result: Result<Value, Failure> = withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
