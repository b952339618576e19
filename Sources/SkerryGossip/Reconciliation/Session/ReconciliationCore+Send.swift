internal import SkerryCRDT

extension ReconciliationCore {
    /// The most bytes that one range, one split and one list with all it brings take.
    private static let rangeBytesMaximum = 64
    private static let splitBytesMaximum = ReconciliationLimits.fanOut * rangeBytesMaximum
    private static let listBytesMaximum = ReconciliationLimits.leafMaximum * 64 + rangeBytesMaximum

    /// Writes what this side has to say next, in place of what `frame` held.
    ///
    /// - Parameter events: gets what comparing lists found.
    /// - Returns: false when there is nothing to say before the peer speaks; `frame` is empty then.
    /// - Throws: what the store threw. The session is over; ``openRanges`` still says what was not settled.
    public mutating func nextFrame<Store: RangeSummaryStore & ~Copyable>(
        into frame: inout [UInt8], from store: borrowing Store, events: inout [ReconciliationEvent]
    ) throws(Store.Failure) -> Bool {
        var taken: [UInt8] = []
        swap(&frame, &taken)
        taken.removeAll(keepingCapacity: true)
        var writer = PacketWriter(appendingTo: taken)
        taken = []
        if isInitiator || isHelloReceived {
            if !isHelloSent { sendHello(&writer) }
            try answerLists(&writer, store, &events)
            try sendInitial(&writer, store)
            // Deepest first: what is nearest to its end leaves the queues before more comes in.
            for level in pending.indices.reversed() { try answerRanges(of: level, &writer, store) }
        }
        frame = writer.bytes
        completeIfDone(&events)
        return !frame.isEmpty
    }

    private mutating func sendHello(_ writer: inout PacketWriter) {
        isHelloSent = true
        writer.byte(ReconciliationSection.hello.rawValue)
        writer.byte(Self.version)
        writer.word(nonce?.low ?? 0)
        writer.word(nonce?.high ?? 0)
        writer.word(horizon.rawValue)
    }

    private func hasRoom(for bytes: Int, _ writer: borrowing PacketWriter) -> Bool { writer.count + bytes + 32 <= limits.frameBytes }

    // MARK: Lists

    /// Compares the lists that came with what this side has.
    private mutating func answerLists<Store: RangeSummaryStore & ~Copyable>(
        _ writer: inout PacketWriter, _ store: borrowing Store, _ events: inout [ReconciliationEvent]
    ) throws(Store.Failure) {
        guard !pendingLists.isEmpty, hasRoom(for: Self.listBytesMaximum, writer) else { return }
        writer.byte(ReconciliationSection.listAnswers.rawValue)
        keyWriter.beginSection()
        var (offered, answered): (UInt64, Int) = (0, 0)
        while let list = pendingLists.first, hasRoom(for: Self.listBytesMaximum, writer) {
            offered += try compare(list, &writer, store, &events)
            pendingLists.removeFirst()
            listedPending -= list.entries.count + 1
            answered += 1
        }
        writer.byte(ListAnswer.end.rawValue)
        writer.integer(offered)
        writer.integer(answered)
    }

    /// Writes what is asked for and reports what the list lacks; returns how many entries that is.
    private mutating func compare<Store: RangeSummaryStore & ~Copyable>(
        _ list: PendingList, _ writer: inout PacketWriter, _ store: borrowing Store, _ events: inout [ReconciliationEvent]
    ) throws(Store.Failure) -> UInt64 {
        let range = clipped(list.range)
        var (position, offered): (WriteKey, UInt64) = (range.lower, 0)
        for entry in list.entries where range.contains(entry.key) {
            offered += try offer(WriteRange(lower: position, upper: entry.key), store, &events)
            position = entry.key.successor
            guard let own = try store.digest(of: entry.key) else {
                want(entry.key, &writer, &events)
                continue
            }
            if !isSame(own.prefix, entry.prefix) { report(entry, own.prefix, &writer, &events) }
        }
        #if DEBUG
        if defects.contains(.lastGapForgotten) { return offered }
        #endif
        return offered + (try offer(WriteRange(lower: position, upper: range.upper), store, &events))
    }

    private func isSame(_ own: DigestPrefix, _ theirs: DigestPrefix) -> Bool {
        #if DEBUG
        if defects.contains(.digestsIgnored) { return true }
        #endif
        return own == theirs
    }

    private mutating func want(_ key: WriteKey, _ writer: inout PacketWriter, _ events: inout [ReconciliationEvent]) {
        foundDifference = true
        events.append(.lacks(key))
        #if DEBUG
        if defects.contains(.wishesDropped) { return }
        #endif
        writer.byte(ListAnswer.wanted.rawValue)
        keyWriter.key(key, to: &writer)
    }

    private mutating func report(
        _ entry: ListedEntry, _ own: DigestPrefix, _ writer: inout PacketWriter, _ events: inout [ReconciliationEvent]
    ) {
        foundDifference = true
        events.append(.differs(entry.key, theirs: entry.prefix))
        writer.byte(ListAnswer.differs.rawValue)
        keyWriter.key(entry.key, to: &writer)
        writer.word(own.low)
        writer.word(own.high)
    }

    /// Reports the entries of a range of which the peer has none.
    private mutating func offer<Store: RangeSummaryStore & ~Copyable>(
        _ range: WriteRange, _ store: borrowing Store, _ events: inout [ReconciliationEvent]
    ) throws(Store.Failure) -> UInt64 {
        let count = range.isEmpty ? 0 : try store.summary(of: range).count
        guard count > 0 else { return 0 }
        foundDifference = true
        events.append(.peerLacks(range, count: count))
        return count
    }

    // MARK: Ranges

    private mutating func sendInitial<Store: RangeSummaryStore & ~Copyable>(
        _ writer: inout PacketWriter, _ store: borrowing Store
    ) throws(Store.Failure) {
        guard isInitiator, !initial.isEmpty else { return }
        prepare(0)
        var section = RangesSection(depth: 0)
        while let range = initial.first, hasRoomForAnswer(at: 0, writer) {
            let part = clipped(range)
            if !part.isEmpty {
                let own = try store.summary(of: part)
                if own.count <= UInt64(ReconciliationLimits.leafMaximum) {
                    try sendList(part, &section, &writer, store)
                } else if splitsInitial {
                    try split(part, Self.firstRanks(own.count), &section, &writer, store)
                } else {
                    send(part, own, &section, &writer)
                }
            }
            initial.removeFirst()
        }
        section.begin(&writer, &keyWriter)
        section.end(answered: initial.isEmpty ? 1 : 0, &writer)
    }

    /// Answers ranges of one depth with ranges of the next.
    private mutating func answerRanges<Store: RangeSummaryStore & ~Copyable>(
        of level: Int, _ writer: inout PacketWriter, _ store: borrowing Store
    ) throws(Store.Failure) {
        guard !pending[level].isEmpty else { return }
        prepare(level + 1)
        var section = RangesSection(depth: level + 1)
        var answered = 0
        while let asked = pending[level].first, hasRoomForAnswer(at: level + 1, writer) {
            try answer(asked, &section, &writer, store)
            pending[level].removeFirst()
            answered += 1
        }
        guard answered > 0 else { return }
        section.begin(&writer, &keyWriter)
        section.end(answered: answered, &writer)
    }

    /// Whether any answer fits: the longest list or split into the frame, its ranges into the window, its entries among those under way.
    private func hasRoomForAnswer(at level: Int, _ writer: borrowing PacketWriter) -> Bool {
        guard hasRoom(for: max(Self.listBytesMaximum, Self.splitBytesMaximum), writer) else { return false }
        #if DEBUG
        if defects.contains(.windowIgnored) { return true }
        #endif
        return outstanding[level].count + ReconciliationLimits.fanOut <= ReconciliationLimits.rangesOutstandingMaximum
            && listedOutstanding + ReconciliationLimits.leafMaximum < ReconciliationLimits.listedOutstandingMaximum
    }

    private mutating func answer<Store: RangeSummaryStore & ~Copyable>(
        _ asked: Pending, _ section: inout RangesSection, _ writer: inout PacketWriter, _ store: borrowing Store
    ) throws(Store.Failure) {
        let range = clipped(asked.range)
        guard !range.isEmpty else { return }
        let own = try store.summary(of: range)
        // A range that reaches below the horizon was summed over other entries; only its parts can be compared.
        if range == asked.range, fingerprint(own) == asked.fingerprint, !neverEqual { return }
        let isList = own.count <= UInt64(ReconciliationLimits.leafMaximum)
        if isList || section.depth >= ReconciliationLimits.depthMaximum {
            try sendList(range, &section, &writer, store)
        } else {
            try split(range, Self.evenRanks(own.count), &section, &writer, store)
        }
    }

    private var neverEqual: Bool {
        #if DEBUG
        return defects.contains(.neverEqual)
        #else
        return false
        #endif
    }

    private func fingerprint(_ summary: RangeSummary) -> RangeFingerprint {
        guard let key else { preconditionFailure("a fingerprint before the hello") }
        #if DEBUG
        if defects.contains(.fingerprintWithoutCount) { return key.fingerprint(of: RangeSummary(count: 0, limbs: summary.limbs)) }
        #endif
        return key.fingerprint(of: summary)
    }

    private mutating func send(
        _ range: WriteRange, _ summary: RangeSummary, _ section: inout RangesSection, _ writer: inout PacketWriter
    ) {
        section.range(.fingerprint, range, &writer, &keyWriter)
        let print = fingerprint(summary)
        writer.word(print.low)
        writer.word(print.high)
        outstanding[section.depth].append(range)
        depthReached = max(depthReached, section.depth)
    }

    /// Where the parts of a range begin, counted in its entries: sixteen of equal count.
    private static func evenRanks(_ count: UInt64) -> [UInt64] {
        let parts = UInt64(ReconciliationLimits.fanOut)
        return (1..<parts).map { count / parts * $0 + count % parts * $0 / parts }
    }

    /// The same for all entries at once: seven eighths in equal parts, and the newest eighth in parts of which each is a quarter of the one before it,
    /// because what differs was mostly written lately. That saves a step or two there and costs none elsewhere, as a rule.
    private static func firstRanks(_ count: UInt64) -> [UInt64] {
        let eighths = UInt64(ReconciliationLimits.fanOut / 2)
        var ranks = (1..<eighths).map { count / eighths * $0 + count % eighths * $0 / eighths }
        var newest = count - (ranks.last ?? 0)
        while ranks.count < ReconciliationLimits.fanOut - 1, newest / 4 > 0 {
            newest /= 4
            ranks.append(count - newest)
        }
        return ranks
    }

    private mutating func split<Store: RangeSummaryStore & ~Copyable>(
        _ range: WriteRange, _ ranks: [UInt64], _ section: inout RangesSection, _ writer: inout PacketWriter, _ store: borrowing Store
    ) throws(Store.Failure) {
        let before = try store.summary(of: WriteRange(lower: .first, upper: range.lower)).count
        var lower = range.lower
        for rank in ranks {
            guard let last = try store.key(at: before + rank - 1), let next = try store.key(at: before + rank) else { break }
            let upper = WriteKey.separator(behind: last, upTo: next)
            let piece = WriteRange(lower: lower, upper: upper)
            send(piece, try store.summary(of: piece), &section, &writer)
            lower = upper
        }
        let rest = WriteRange(lower: lower, upper: range.upper)
        send(rest, try store.summary(of: rest), &section, &writer)
    }

    private mutating func sendList<Store: RangeSummaryStore & ~Copyable>(
        _ range: WriteRange, _ section: inout RangesSection, _ writer: inout PacketWriter, _ store: borrowing Store
    ) throws(Store.Failure) {
        var entries: [ListedEntry] = []
        try store.visit(listed(range)) { entry in
            guard entries.count < ReconciliationLimits.leafMaximum else { return false }
            entries.append(ListedEntry(key: entry.key, prefix: entry.digest.prefix))
            return true
        }
        #if DEBUG
        if defects.contains(.leafOffByOne), entries.count > 1 { entries.removeLast() }
        #endif
        section.range(.list, range, &writer, &keyWriter)
        writer.integer(entries.count)
        for entry in entries {
            keyWriter.key(entry.key, to: &writer)
            writer.word(entry.prefix.low)
            writer.word(entry.prefix.high)
        }
        sentLists.append(SentList(range: range, count: entries.count))
        listedOutstanding += entries.count + 1
        depthReached = max(depthReached, section.depth)
    }
}

extension ReconciliationCore {
    private func listed(_ range: WriteRange) -> WriteRange {
        #if DEBUG
        if defects.contains(.upperIncluded) { return WriteRange(lower: range.lower, upper: range.upper?.successor) }
        #endif
        return range
    }
}

/// A section of ranges while it is written: each range begins where the last one ended, or behind a skip.
struct RangesSection {
    let depth: Int
    private var position: WriteKey? = .first
    private var hasBegun = false

    init(depth: Int) { self.depth = depth }

    mutating func begin(_ writer: inout PacketWriter, _ keys: inout KeyWriter) {
        guard !hasBegun else { return }
        hasBegun = true
        keys.beginSection()
        writer.byte(ReconciliationSection.ranges.rawValue)
        writer.integer(depth)
    }

    mutating func range(_ mode: RangeMode, _ range: WriteRange, _ writer: inout PacketWriter, _ keys: inout KeyWriter) {
        begin(&writer, &keys)
        if position != range.lower {
            writer.byte(RangeMode.skip.rawValue)
            keys.bound(range.lower, to: &writer)
        }
        writer.byte(mode.rawValue)
        keys.bound(range.upper, to: &writer)
        position = range.upper
    }

    func end(answered: Int, _ writer: inout PacketWriter) {
        writer.byte(RangeMode.end.rawValue)
        writer.integer(answered)
    }
}
