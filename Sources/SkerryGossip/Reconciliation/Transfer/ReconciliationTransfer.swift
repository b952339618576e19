public import SkerryCRDT

/// A session of reconciliation with the entries themselves: finds the difference, and moves what each side lacks to it, in bounded messages.
///
/// A value: messages in, messages out, over any ordered duplex link; `docs/formats/reconciliation.md`, "Transfer". Each side also makes a statement at the beginning, opaque here,
/// which the other is handed at the end: what the first says of its state before it was compared, such as its ``FeedMark``s, holds of the second then.
///
/// - Invariant: entries under way stay within ``TransferLimits/window`` and one entry; those that wait to be sent are keys and ranges alone.
public struct ReconciliationTransfer: Sendable {
    /// What a transfer wants done, or has to say.
    public enum Event: Sendable, Hashable {
        /// Make these durable, in the index too, then call ``ReconciliationTransfer/persisted()``.
        case take([ReconciledEntry])
        /// Both sides have and are all that the other was when the session began.
        case finished(ReconciliationReport)
    }

    private enum Kind: UInt8 {
        case frame = 1, entries, durable, done, statement
    }

    /// A range of which the peer has nothing, and of how many entries it was told.
    private struct Lacking: Sendable {
        var range: WriteRange
        var count: UInt64
    }

    private var core: ReconciliationCore
    private let statement: [UInt8]
    private var found: [ReconciliationEvent] = []
    private var report = ReconciliationReport()
    /// What the peer lacks.
    private var wishes = RangeQueue<WriteKey>()
    private var ranges = RangeQueue<Lacking>()
    /// Entries that the peer may send: asked for or offered.
    private var expected: UInt64 = 0
    private var isStatementSent = false
    private var theirStatement: [UInt8]?
    private var isDoneSent = false
    private var theirDone: UInt64?
    private var isFinished = false
    /// Charges: sent, and durable at the peer; received, durable here, and told so.
    private var sent: UInt64 = 0
    private var theirDurable: UInt64 = 0
    private var received: UInt64 = 0
    private var durable: UInt64 = 0
    private var told: UInt64 = 0

    /// - Parameters:
    ///   - core: not begun yet.
    ///   - statement: for the peer, at most ``TransferLimits/statementMaximum`` bytes: taken before the index is read for the first time.
    public init(_ core: ReconciliationCore, statement: [UInt8] = []) {
        precondition(statement.count <= TransferLimits.statementMaximum, "a statement of \(statement.count) bytes")
        self.core = core
        self.statement = statement
    }

    /// The later horizon of those known so far: no entry before it was compared.
    public var horizon: HybridTimestamp { core.horizon }

    // MARK: Receiving

    /// Takes a message of the peer.
    ///
    /// - Throws: the rule that the peer broke. The session is over then; what was taken stays.
    public mutating func receive(_ message: UnsafeRawBufferPointer, events: inout [Event]) throws(ReconciliationViolation) {
        guard message.count <= TransferLimits.messageMaximum else { throw ReconciliationViolation(.frameTooLarge) }
        guard let tag = message.first, let kind = Kind(rawValue: tag) else {
            throw ReconciliationViolation(.malformedFrame, MalformedPacket(reason: .unknown, offset: 0))
        }
        let body = UnsafeRawBufferPointer(rebasing: message[1...])
        guard theirStatement != nil || kind == .statement else { throw ReconciliationViolation(.unexpectedHello) }
        switch kind {
        case .frame:
            guard theirDone == nil else { throw ReconciliationViolation(.unaskedAnswer) }
            try core.receive(body, events: &found)
            takeFound()
        case .entries: try receiveEntries(body, &events)
        case .durable:
            let value = try integer(body)
            guard value >= theirDurable, value <= sent else { throw ReconciliationViolation(.windowOverrun) }
            theirDurable = value
        case .done:
            guard theirDone == nil, core.isComplete, try integer(body) == report.received else {
                throw ReconciliationViolation(.unaskedAnswer)
            }
            theirDone = report.received
        case .statement:
            guard theirStatement == nil, body.count <= TransferLimits.statementMaximum else {
                throw ReconciliationViolation(.unexpectedHello)
            }
            theirStatement = Array(body)
        }
        finishIfDone(&events)
    }

    private func integer(_ body: UnsafeRawBufferPointer) throws(ReconciliationViolation) -> UInt64 {
        do throws(MalformedPacket) {
            var reader = PacketReader(body)
            let value = try reader.integer()
            guard reader.isAtEnd else { throw reader.fail(.excess) }
            return value
        } catch { throw ReconciliationViolation(.malformedFrame, error) }
    }

    private mutating func receiveEntries(_ body: UnsafeRawBufferPointer, _ events: inout [Event]) throws(ReconciliationViolation) {
        let entries: [ReconciledEntry]
        do throws(MalformedPacket) { entries = try Self.entries(body) } catch { throw ReconciliationViolation(.malformedFrame, error) }
        guard theirDone == nil, report.received + UInt64(entries.count) <= expected else { throw ReconciliationViolation(.unaskedAnswer) }
        received += entries.reduce(0) { $0 + UInt64($1.charge) }
        let bound = UInt64(TransferLimits.window + TransferLimits.contentMaximum + TransferLimits.messageMaximum)
        guard received - told <= bound else { throw ReconciliationViolation(.windowOverrun) }
        report.received += UInt64(entries.count)
        events.append(.take(entries))
    }

    private static func entries(_ body: UnsafeRawBufferPointer) throws(MalformedPacket) -> [ReconciledEntry] {
        var reader = PacketReader(body)
        var entries: [ReconciledEntry] = []
        while !reader.isAtEnd {
            let (stamp, origin) = (try reader.word(), try reader.word())
            let sequence = try reader.integer()
            guard sequence < ReconciliationTree.sequenceLimit else { throw reader.fail(.limit) }
            let key = WriteKey(stamp: HybridTimestamp(rawValue: stamp), origin: OriginID(rawValue: origin), sequence: sequence)
            entries.append(ReconciledEntry(key: key, content: try reader.blob(maximum: TransferLimits.contentMaximum)))
        }
        guard !entries.isEmpty else { throw reader.fail(.truncated) }
        return entries
    }

    /// All entries that were to be taken are durable.
    public mutating func persisted() { durable = received }

    private mutating func takeFound() {
        for event in found {
            switch event {
            case .greeted: break
            case .peerLacks(let range, let count) where count > 0: ranges.append(Lacking(range: range, count: count))
            case .peerLacks: break
            case .offered(let count): expect(count)
            case .wanted(let key): wishes.append(key)
            case .lacks: expect(1)
            case .differs(let key, _):
                if report.differing.count < TransferLimits.differingMaximum { report.differing.append(key) }
                report.differingCount += 1
            case .completed(let isEqual): report.isEqual = isEqual
            }
        }
        found.removeAll(keepingCapacity: true)
    }

    /// The peer says how many: of more than there can be, as many as can be counted.
    private mutating func expect(_ count: UInt64) {
        let (sum, isOver) = expected.addingReportingOverflow(count)
        expected = isOver ? .max : sum
    }

    // MARK: Sending

    /// Writes what this side has to say next, in place of what `message` held.
    ///
    /// - Returns: false when there is nothing to say before the peer speaks; `message` is empty then.
    /// - Throws: what the store threw. The session is over.
    public mutating func nextMessage<Store: ReconciledEntries & ~Copyable>(
        into message: inout [UInt8], from store: borrowing Store, events: inout [Event]
    ) throws(Store.Failure) -> Bool {
        message.removeAll(keepingCapacity: true)
        guard !isFinished else { return false }
        if !isStatementSent {
            isStatementSent = true
            message.append(Kind.statement.rawValue)
            message += statement
            return true
        }
        if durable - told >= UInt64(TransferLimits.window / 4) { return tellDurable(&message, &events) }
        if wishes.count + ranges.count < TransferLimits.backlogMaximum {
            var frame: [UInt8] = []
            let isThere = try core.nextFrame(into: &frame, from: store, events: &found)
            takeFound()
            if isThere {
                message.append(Kind.frame.rawValue)
                message += frame
                return true
            }
        }
        if try writeEntries(&message, store) { return true }
        if durable > told { return tellDurable(&message, &events) }
        if !isDoneSent, core.isComplete, wishes.isEmpty, ranges.isEmpty {
            isDoneSent = true
            write(.done, report.sent, &message)
            finishIfDone(&events)
            return true
        }
        return false
    }

    private mutating func tellDurable(_ message: inout [UInt8], _ events: inout [Event]) -> Bool {
        told = durable
        write(.durable, durable, &message)
        finishIfDone(&events)
        return true
    }

    private func write(_ kind: Kind, _ value: UInt64, _ message: inout [UInt8]) {
        var writer = PacketWriter()
        writer.byte(kind.rawValue)
        writer.integer(value)
        message = writer.bytes
    }

    /// As many entries as fit into a message and the window.
    private mutating func writeEntries<Store: ReconciledEntries & ~Copyable>(
        _ message: inout [UInt8], _ store: borrowing Store
    ) throws(Store.Failure) -> Bool {
        var writer = PacketWriter()
        writer.byte(Kind.entries.rawValue)
        let empty = writer.bytes.count
        var room = TransferLimits.messagePreferred
        while room > 0, sent - theirDurable < UInt64(TransferLimits.window), let key = try nextKey(store) {
            guard let content = try store.content(of: key) else {
                settle(key)
                continue
            }
            let entry = ReconciledEntry(key: key, content: content)
            guard entry.charge <= room || writer.bytes.count == empty else { break }
            settle(key)
            writer.word(key.stamp.rawValue)
            writer.word(key.origin.rawValue)
            writer.integer(key.sequence)
            writer.blob(content)
            room -= entry.charge
            sent += UInt64(entry.charge)
            report.sent += 1
        }
        guard writer.bytes.count > empty else { return false }
        message = writer.bytes
        return true
    }

    /// The entry to send next: of those asked for, then of the ranges of which the peer has nothing.
    private mutating func nextKey<Store: ReconciledEntries & ~Copyable>(_ store: borrowing Store) throws(Store.Failure) -> WriteKey? {
        if let key = wishes.first { return key }
        while let lacking = ranges.first {
            var key: WriteKey?
            // Entries that came since then are not counted: no more are sent than the peer was told of.
            if lacking.count > 0 {
                try store.visit(lacking.range) { entry in
                    key = entry.key
                    return false
                }
            }
            if let key { return key }
            ranges.removeFirst()
        }
        return nil
    }

    /// A key was sent, or is gone.
    private mutating func settle(_ key: WriteKey) {
        guard wishes.first == nil else { return wishes.removeFirst() }
        guard var lacking = ranges.first else { return }
        lacking.range.lower = key.successor
        lacking.count -= 1
        ranges.replaceFirst(lacking)
    }

    private mutating func finishIfDone(_ events: inout [Event]) {
        // Nobody says that all is well before what was sent is durable over there, and the peer was told of what is durable here.
        guard !isFinished, isDoneSent, theirDone != nil, theirDurable == sent, told == received, let theirStatement else { return }
        isFinished = true
        report.statement = theirStatement
        events.append(.finished(report))
    }
}

/// What came of a session.
public struct ReconciliationReport: Sendable, Hashable {
    /// Nothing differed.
    public var isEqual = false
    /// Entries that the peer lacked and was sent.
    public var sent: UInt64 = 0
    /// Entries that came and were taken.
    public var received: UInt64 = 0
    /// Keys under which both sides hold different contents, the first of them: one is damaged, or an origin has two histories.
    public var differing: [WriteKey] = []
    public var differingCount: UInt64 = 0
    /// What the peer said of its state before it was compared.
    public var statement: [UInt8] = []

    public init() {}
}
