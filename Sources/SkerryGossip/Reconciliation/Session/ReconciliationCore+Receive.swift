internal import SkerryCRDT

/// The kinds of section in a frame.
enum ReconciliationSection: UInt8 {
    case hello = 1, ranges, listAnswers
}

/// What a range of a section is.
enum RangeMode: UInt8 {
    case end, skip, fingerprint, list
}

/// What an answer to lists says of one entry.
enum ListAnswer: UInt8 {
    case end, wanted, differs
}

extension ReconciliationCore {
    static let version: UInt8 = 1

    /// Takes a frame of the peer. What it asks is worked out by the next ``nextFrame(into:from:events:)``.
    ///
    /// - Throws: the rule that the peer broke. The session is over then.
    public mutating func receive(_ frame: UnsafeRawBufferPointer, events: inout [ReconciliationEvent]) throws(ReconciliationViolation) {
        guard frame.count <= ReconciliationLimits.frameBytesRange.upperBound else { throw ReconciliationViolation(.frameTooLarge) }
        var reader = PacketReader(frame)
        while !reader.isAtEnd {
            let tag = try parsing { () throws(MalformedPacket) in try reader.byte() }
            guard let section = ReconciliationSection(rawValue: tag) else { throw malformed(reader.fail(.unknown)) }
            guard isHelloReceived != (section == .hello) else { throw ReconciliationViolation(.unexpectedHello) }
            switch section {
            case .hello: try receiveHello(&reader, &events)
            case .ranges: try receiveRanges(&reader)
            case .listAnswers: try receiveListAnswers(&reader, &events)
            }
        }
        completeIfDone(&events)
    }

    public mutating func receive(_ frame: [UInt8], events: inout [ReconciliationEvent]) throws(ReconciliationViolation) {
        let result = frame.withUnsafeBytes { bytes -> Result<Void, ReconciliationViolation> in
            do throws(ReconciliationViolation) { return .success(try receive(bytes, events: &events)) } catch { return .failure(error) }
        }
        try result.get()
    }

    private func malformed(_ packet: MalformedPacket) -> ReconciliationViolation { ReconciliationViolation(.malformedFrame, packet) }

    private func parsing<R>(_ body: () throws(MalformedPacket) -> R) throws(ReconciliationViolation) -> R {
        do { return try body() } catch { throw malformed(error) }
    }

    // MARK: Hello

    private mutating func receiveHello(_ reader: inout PacketReader, _ events: inout [ReconciliationEvent]) throws(ReconciliationViolation)
    {
        let (version, nonce, theirs) = try parsing { () throws(MalformedPacket) in
            let version = try reader.byte()
            let nonce = ReconciliationNonce(low: try reader.word(), high: try reader.word())
            return (version, nonce, HybridTimestamp(rawValue: try reader.word()))
        }
        guard version == Self.version else { throw ReconciliationViolation(.version) }
        isHelloReceived = true
        if !isInitiator { key = FingerprintKey(secret: secret, nonce: nonce) }
        horizon = max(horizon, theirs)
        events.append(.greeted(horizon: theirs))
    }

    // MARK: Ranges

    private mutating func receiveRanges(_ reader: inout PacketReader) throws(ReconciliationViolation) {
        let depth = try parsing { () throws(MalformedPacket) in try reader.integer() }
        guard depth <= UInt64(ReconciliationLimits.depthMaximum), depth > 0 || !isInitiator else {
            throw ReconciliationViolation(.tooManyRanges)
        }
        let level = Int(depth)
        prepare(level)
        keyReader.beginSection()
        let ranges = try receiveItems(&reader, level)
        let answered = try parsing { () throws(MalformedPacket) in try reader.integer() }
        if level == 0 {
            guard answered <= 1 else { throw ReconciliationViolation(.unaskedAnswer) }
            isInitialReceived = answered == 1
        } else {
            guard answered <= UInt64(outstanding[level - 1].count) else { throw ReconciliationViolation(.unaskedAnswer) }
            guard ranges <= Int(answered) * ReconciliationLimits.fanOut else { throw ReconciliationViolation(.tooManyRanges) }
            outstanding[level - 1].removeFirst(Int(answered))
        }
        if ranges > 0 { depthReached = max(depthReached, level) }
    }

    /// The ranges of a section up to its end mark; returns how many there were.
    private mutating func receiveItems(_ reader: inout PacketReader, _ level: Int) throws(ReconciliationViolation) -> Int {
        var (position, ranges): (WriteKey?, Int) = (.first, 0)
        while true {
            let tag = try parsing { () throws(MalformedPacket) in try reader.byte() }
            guard let mode = RangeMode(rawValue: tag) else { throw malformed(reader.fail(.unknown)) }
            guard mode != .end else { return ranges }
            let upper = try parsing { () throws(MalformedPacket) in try keyReader.bound(from: &reader) }
            guard let lower = position, upper.map({ $0 > lower }) ?? true else { throw malformed(reader.fail(.order)) }
            let range = WriteRange(lower: lower, upper: upper)
            position = upper
            switch mode {
            case .end, .skip: continue
            case .fingerprint: try receiveFingerprint(range, &reader, level)
            case .list: try receiveList(range, &reader)
            }
            ranges += 1
        }
    }

    private mutating func receiveFingerprint(
        _ range: WriteRange, _ reader: inout PacketReader, _ level: Int
    ) throws(ReconciliationViolation) {
        let fingerprint = try parsing { () throws(MalformedPacket) in
            RangeFingerprint(low: try reader.word(), high: try reader.word())
        }
        guard pending[level].count < ReconciliationLimits.rangesOutstandingMaximum else { throw ReconciliationViolation(.windowOverrun) }
        pending[level].append(Pending(range: range, fingerprint: fingerprint))
    }

    private mutating func receiveList(_ range: WriteRange, _ reader: inout PacketReader) throws(ReconciliationViolation) {
        let entries = try parsing { () throws(MalformedPacket) in try listedEntries(range, &reader) }
        listedPending += entries.count + 1
        guard listedPending <= ReconciliationLimits.listedOutstandingMaximum else { throw ReconciliationViolation(.windowOverrun) }
        pendingLists.append(PendingList(range: range, entries: entries))
    }

    private mutating func listedEntries(_ range: WriteRange, _ reader: inout PacketReader) throws(MalformedPacket) -> [ListedEntry] {
        let count = try reader.count(maximum: ReconciliationLimits.leafMaximum, eachAtLeast: 20)
        var entries: [ListedEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let key = try keyReader.key(from: &reader)
            guard range.contains(key), entries.last.map({ $0.key < key }) ?? true else { throw reader.fail(.order) }
            entries.append(ListedEntry(key: key, prefix: DigestPrefix(low: try reader.word(), high: try reader.word())))
        }
        return entries
    }

    // MARK: Answers to lists

    private mutating func receiveListAnswers(
        _ reader: inout PacketReader, _ events: inout [ReconciliationEvent]
    ) throws(ReconciliationViolation) {
        keyReader.beginSection()
        let before = events.count
        try parsing { () throws(MalformedPacket) in try receiveWishes(&reader, &events) }
        let (offered, answered) = try parsing { () throws(MalformedPacket) in (try reader.integer(), try reader.integer()) }
        // Entries are offered in answer to lists alone.
        guard answered <= UInt64(sentLists.count), answered > 0 || offered == 0 else { throw ReconciliationViolation(.unaskedAnswer) }
        var listed = 0
        for list in sentLists.all.prefix(Int(answered)) { listed += list.count }
        sentLists.removeFirst(Int(answered))
        listedOutstanding -= listed + Int(answered)
        guard events.count - before <= listed else { throw ReconciliationViolation(.unaskedAnswer) }
        if offered > 0 { events.append(.offered(count: offered)) }
        if events.count > before { foundDifference = true }
    }

    private mutating func receiveWishes(_ reader: inout PacketReader, _ events: inout [ReconciliationEvent]) throws(MalformedPacket) {
        while true {
            guard let answer = ListAnswer(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
            switch answer {
            case .end: return
            case .wanted: events.append(.wanted(try keyReader.key(from: &reader)))
            case .differs:
                let key = try keyReader.key(from: &reader)
                events.append(.differs(key, theirs: DigestPrefix(low: try reader.word(), high: try reader.word())))
            }
        }
    }

    /// Makes room for ranges of this depth and the next.
    mutating func prepare(_ level: Int) {
        while outstanding.count <= level + 1 {
            outstanding.append(RangeQueue())
            pending.append(RangeQueue())
        }
    }
}
