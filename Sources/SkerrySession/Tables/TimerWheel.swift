/// Deadlines of the entries of a table: a hashed wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987).
///
/// An entry is the index of a table. Each bucket is a doubly linked list through arrays that are as long as the table, so setting and clearing
/// allocates nothing and takes O(1). Deadlines farther off than a turn stay in their bucket and are passed over.
struct TimerWheel: Sendable {
    private static let buckets = 256
    private static let tick = SessionLimits.deadlineTick.nanoseconds

    private var heads = [Int32](repeating: -1, count: TimerWheel.buckets)
    /// A bit for each bucket that has entries.
    private var occupied: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// The tick of each entry's deadline, or -1 when it has none.
    private var due: [Int64] = []
    /// All ticks up to this one were looked at.
    private var current: Int64 = 0
    private(set) var count = 0

    init(now: Moment) { current = now.nanoseconds / TimerWheel.tick }

    /// The tick at which a deadline has passed for certain.
    private static func ticks(of moment: Moment) -> Int64 {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(tick - 1)
        return (overflow ? moment.nanoseconds : sum) / tick
    }

    /// Sets the deadline of an entry that has none.
    mutating func set(_ entry: Int, at deadline: Moment) {
        if entry >= due.count {
            let missing = entry + 1 - due.count
            due.append(contentsOf: repeatElement(-1, count: missing))
            next.append(contentsOf: repeatElement(-1, count: missing))
            previous.append(contentsOf: repeatElement(-1, count: missing))
        }
        let at = max(TimerWheel.ticks(of: deadline), current + 1)
        let bucket = Int(truncatingIfNeeded: at) & (TimerWheel.buckets - 1)
        let head = heads[bucket]
        due[entry] = at
        previous[entry] = -1
        next[entry] = head
        if head >= 0 { previous[Int(head)] = Int32(truncatingIfNeeded: entry) }
        heads[bucket] = Int32(truncatingIfNeeded: entry)
        mark(bucket)
        count += 1
    }

    /// Clears the deadline of an entry, if it has one.
    mutating func clear(_ entry: Int) {
        guard entry < due.count, due[entry] >= 0 else { return }
        let bucket = Int(truncatingIfNeeded: due[entry]) & (TimerWheel.buckets - 1)
        let before = previous[entry]
        let after = next[entry]
        if before >= 0 { next[Int(before)] = after } else { heads[bucket] = after }
        if after >= 0 { previous[Int(after)] = before }
        if heads[bucket] < 0 { unmark(bucket) }
        due[entry] = -1
        count -= 1
    }

    mutating func clearAll() {
        for entry in due.indices { clear(entry) }
    }

    /// Appends the entries whose deadline has passed to `expired` and clears them.
    mutating func advance(to now: Moment, into expired: inout [Int]) {
        let end = now.nanoseconds / TimerWheel.tick
        guard end > current else { return }
        defer { current = end }
        guard count > 0 else { return }
        let start = max(current + 1, end - Int64(TimerWheel.buckets) + 1)
        for tick in start...end {
            let bucket = Int(truncatingIfNeeded: tick) & (TimerWheel.buckets - 1)
            guard isMarked(bucket) else { continue }
            var entry = heads[bucket]
            while entry >= 0 {
                let following = next[Int(entry)]
                if due[Int(entry)] <= end {
                    expired.append(Int(entry))
                    clear(Int(entry))
                }
                entry = following
            }
        }
    }

    /// When `advance` finds something at the earliest; the distant future when no deadline is set. May be early.
    var nextDue: Moment {
        guard count > 0 else { return .distantFuture }
        let first = Int(truncatingIfNeeded: current + 1) & (TimerWheel.buckets - 1)
        var distance = 0
        while distance < TimerWheel.buckets {
            let bucket = (first + distance) & (TimerWheel.buckets - 1)
            let rest = word(bucket >> 6) >> UInt64(bucket & 63)
            if rest != 0 {
                distance += rest.trailingZeroBitCount
                break
            }
            distance += 64 - (bucket & 63)
        }
        return Moment(nanoseconds: (current + 1 + Int64(min(distance, TimerWheel.buckets))) * TimerWheel.tick)
    }

    private func word(_ index: Int) -> UInt64 {
        switch index {
        case 0: occupied.0
        case 1: occupied.1
        case 2: occupied.2
        default: occupied.3
        }
    }

    private func isMarked(_ bucket: Int) -> Bool { word(bucket >> 6) >> UInt64(bucket & 63) & 1 != 0 }
    private mutating func mark(_ bucket: Int) { change(bucket >> 6) { $0 |= 1 << UInt64(bucket & 63) } }
    private mutating func unmark(_ bucket: Int) { change(bucket >> 6) { $0 &= ~(1 << UInt64(bucket & 63)) } }

    private mutating func change(_ index: Int, _ body: (inout UInt64) -> Void) {
        switch index {
        case 0: body(&occupied.0)
        case 1: body(&occupied.1)
        case 2: body(&occupied.2)
        default: body(&occupied.3)
        }
    }
}
