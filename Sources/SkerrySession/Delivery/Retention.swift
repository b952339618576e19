/// The bodies of sent packets that the peer has not confirmed, and what is known of each.
///
/// Bodies are kept rather than packets, because a packet that is sent again bears a fresh acknowledgement.
struct Retention: ~Copyable {
    struct Record: Sendable {
        /// Where the body begins, counted from the first byte ever kept.
        var start: UInt64
        var count: Int
        /// The link's how-manieth packet it was when last sent; 0 when it must be sent (again).
        var order: UInt64 = 0
        var sentAt = Moment.zero
        /// The peer has it, although it lacks an earlier one.
        var isConfirmed = false
        /// Sent more than once: its round trip says nothing (Karn).
        var wasResent = false
    }

    private var bodies = ByteQueue()
    private var removed: UInt64 = 0
    private(set) var records = Fifo<Record>()
    /// The number of the first record.
    private(set) var firstSequence: UInt64 = 1
    /// Records with order 0, which are to be sent.
    private(set) var unsent = 0
    /// Records that are under way: neither confirmed nor to be sent.
    var underWay: Int { records.count - unsent - confirmed }
    private var confirmed = 0
    /// No record before this number is to be sent, so that sending all again takes one walk.
    private var firstUnsent: UInt64 = 1

    init() {}

    var byteCount: Int { bodies.count }
    var isEmpty: Bool { records.isEmpty }

    /// Keeps the body of the packet with the next number, which is being sent.
    mutating func append(_ body: UnsafeRawBufferPointer, order: UInt64, now: Moment) {
        records.append(Record(start: removed + UInt64(bodies.count), count: body.count, order: order, sentAt: now))
        bodies.append(body)
    }

    /// Numbers go on from here although nothing was kept.
    mutating func skip(to sequence: UInt64) { firstSequence = sequence }

    /// Forgets all up to `sequence`, which the peer has; tells of each that counts as news.
    mutating func remove(through sequence: UInt64, _ confirm: (Record) -> Void) {
        while firstSequence <= sequence, let record = records.popFirst() {
            firstSequence += 1
            bodies.removeFirst(record.count)
            removed += UInt64(record.count)
            if record.isConfirmed {
                confirmed -= 1
            } else {
                if record.order == 0 { unsent -= 1 }
                confirm(record)
            }
        }
        firstSequence = max(firstSequence, sequence + 1)
    }

    /// The peer has this one too, beyond a gap.
    mutating func confirm(_ sequence: UInt64, _ confirm: (Record) -> Void) {
        guard sequence >= firstSequence, sequence - firstSequence < UInt64(records.count) else { return }
        let index = Int(sequence - firstSequence)
        guard !records[index].isConfirmed else { return }
        if records[index].order == 0 { unsent -= 1 }
        records[index].isConfirmed = true
        confirmed += 1
        confirm(records[index])
    }

    /// Everything must be sent again: a new link, or silence.
    mutating func loseAll() {
        lose { _ in true }
    }

    /// Records under way for which `isLost` holds must be sent again. Returns the largest order among them, 0 when there was none.
    @discardableResult
    mutating func lose(where isLost: (Record) -> Bool) -> UInt64 {
        var largest: UInt64 = 0
        for index in 0..<records.count {
            let record = records[index]
            guard !record.isConfirmed, record.order > 0, isLost(record) else { continue }
            largest = max(largest, record.order)
            records[index].order = 0
            unsent += 1
            firstUnsent = min(firstUnsent, firstSequence + UInt64(index))
        }
        return largest
    }

    /// The peer forgot what it had confirmed beyond gaps (a new link).
    mutating func unconfirmAll() {
        for index in 0..<records.count where records[index].isConfirmed {
            records[index].isConfirmed = false
            records[index].order = 0
            unsent += 1
        }
        confirmed = 0
        firstUnsent = firstSequence
    }

    /// The first one that must be sent; it counts as sent with `order`.
    mutating func takeUnsent(order: UInt64, now: Moment, _ body: (UInt64, UnsafeRawBufferPointer) -> Void) {
        guard unsent > 0 else { return }
        let first = firstUnsent > firstSequence ? Int(firstUnsent - firstSequence) : 0
        for index in first..<records.count where records[index].order == 0 && !records[index].isConfirmed {
            unsent -= 1
            records[index].order = order
            records[index].sentAt = now
            records[index].wasResent = true
            firstUnsent = firstSequence + UInt64(index) + 1
            let start = Int(records[index].start - removed)
            body(firstSequence + UInt64(index), UnsafeRawBufferPointer(rebasing: bodies.bytes[start..<start + records[index].count]))
            return
        }
    }

    var largestBody: Int { records.elements.reduce(0) { max($0, $1.count) } }

    mutating func removeAll() {
        bodies.removeAll()
        records.removeAll()
        unsent = 0
        confirmed = 0
    }
}
