/// The events of a document and what each had seen, in runs.
///
/// An event is one unit of change: a character inserted or deleted, a key written. It has two names: its ``Dot`` (origin and sequence), the
/// same everywhere, and its *local version*, its index in the order in which this replica took it in, which is topological: what an
/// event has seen has a smaller local version. Consecutive events of one origin that each saw the one before share a run.
///
/// An origin's events form a chain: each has seen the one before it, so a set of sequences per origin names a version.
struct EventGraph: ~Copyable, Sendable {
    /// Local versions stay below this; what lies above is room for names that never leave a tracker.
    static let limit = 0x7000_0000

    struct Run: BitwiseCopyable, Sendable {
        /// Local version of the first event; the run ends where the next one starts.
        var start: UInt32
        var origin: UInt32
        /// Sequence of the first event, from 0.
        var sequence: UInt32
        /// Where the parents of the first event stand in `parents`; every other event has the one before it as parent.
        var parents: UInt32
        var parentCount: UInt32
        /// True when the first event had seen everything that came before it here, so that nothing is concurrent with it so far.
        var sawAll: Bool
        /// The run of the same origin before this one, `UInt32.max` for none.
        var previous: UInt32
        /// How many runs of the same origin come before this one, and one of them far back, itself for the first: the jump pointers of
        /// Myers, "An Applicative Random-Access Stack" (1983), by which any of them is O(log n) steps away.
        var depth: UInt32 = 0
        var jump: UInt32 = 0
    }

    /// Local versions that everything before them precedes and everything after them follows.
    struct CriticalRange: BitwiseCopyable, Sendable {
        var first: UInt32
        var last: UInt32
    }

    var runs = RawArray<Run>()
    var parents = RawArray<UInt32>()
    /// Beside each of `parents`: the run that holds it.
    var parentRuns = RawArray<UInt32>()
    /// The events nobody has followed yet, ascending.
    var frontier = RawArray<UInt32>(capacity: 4)
    var criticals = RawArray<CriticalRange>()
    /// How many events there are: the next local version.
    var count = 0

    var origins: [OriginID] = []
    private var originNumbers: [OriginID: UInt32] = [:]
    /// By origin: the number of its events, its last run.
    var sequences = RawArray<UInt32>()
    var lastRuns = RawArray<UInt32>()

    /// What came before the history that is here; see ``Base``.
    var base = Base()

    init() {}

    // MARK: - Origins

    /// The local number of an origin, new when it was not known.
    mutating func number(of origin: OriginID) -> UInt32 {
        if let number = originNumbers[origin] { return number }
        let number = UInt32(origins.count)
        origins.append(origin)
        originNumbers[origin] = number
        sequences.append(0)
        lastRuns.append(.max)
        return number
    }

    func existingNumber(of origin: OriginID) -> UInt32? { originNumbers[origin] }

    // MARK: - Appending

    /// Appends events of one origin that follow the whole frontier: what a local edit does.
    @inline(__always)
    mutating func appendLocal(_ length: Int, origin: UInt32) {
        if frontier.count == 1, runs.count > 0, runs[runs.count - 1].origin == origin, frontier[0] == UInt32(count - 1) {
            // The last run goes on; the last critical range ends with it because the frontier is a single event.
            sequences[Int(origin)] += UInt32(length)
            count += length
            frontier[0] = UInt32(count - 1)
            criticals[criticals.count - 1].last = UInt32(count - 1)
        } else {
            let seen = frontier.copy()
            append(length, origin: origin, parents: seen.elements)
        }
    }

    /// Appends events of one origin; the parents are local versions, ascending, and cover the origin's own last event.
    mutating func append(_ length: Int, origin: UInt32, parents seen: UnsafeBufferPointer<UInt32>) {
        let start = UInt32(count)
        let sawAll = covers(frontier.elements, with: seen)
        if continuesLastRun(origin: origin, parents: seen) {
            count += length
        } else {
            var new = Run(
                start: start, origin: origin, sequence: sequences[Int(origin)], parents: UInt32(parents.count),
                parentCount: UInt32(seen.count), sawAll: sawAll, previous: lastRuns[Int(origin)])
            (new.depth, new.jump) = place(after: new.previous)
            runs.append(new)
            lastRuns[Int(origin)] = UInt32(runs.count - 1)
            for parent in seen { parentRuns.append(UInt32(run(of: Int(parent)))) }
            parents.append(contentsOf: seen)
            count += length
        }
        sequences[Int(origin)] += UInt32(length)
        trimCriticals(to: seen)
        advanceFrontier(past: seen)
        if frontier.count == 1 { pushCritical(from: start) }
    }

    /// Depth and jump of a new run that follows one of its origin.
    private func place(after previous: UInt32) -> (depth: UInt32, jump: UInt32) {
        if previous == .max { return (0, UInt32(runs.count)) }
        let before = runs[Int(previous)]
        let far = runs[Int(before.jump)]
        // Two jumps of one length make one of twice that.
        return (before.depth + 1, before.depth - far.depth == far.depth - runs[Int(far.jump)].depth ? far.jump : previous)
    }

    @inline(__always)
    private func continuesLastRun(origin: UInt32, parents seen: UnsafeBufferPointer<UInt32>) -> Bool {
        seen.count == 1 && Int(seen[0]) == count - 1 && runs[runs.count - 1].origin == origin
    }

    @inline(__always)
    private func covers(_ heads: UnsafeBufferPointer<UInt32>, with seen: UnsafeBufferPointer<UInt32>) -> Bool {
        for head in heads where !seen.contains(head) { return false }
        return true
    }

    private mutating func advanceFrontier(past seen: UnsafeBufferPointer<UInt32>) {
        var kept = 0
        for index in 0..<frontier.count where !seen.contains(frontier[index]) {
            frontier[kept] = frontier[index]
            kept += 1
        }
        frontier.truncate(to: kept)
        frontier.append(UInt32(count - 1))
    }

    /// Nothing above the newest parent stays critical: the new event is concurrent with it. What is critical at or below that parent
    /// precedes it, so it precedes the new event too.
    private mutating func trimCriticals(to seen: UnsafeBufferPointer<UInt32>) {
        guard let newest = seen.max() else {
            criticals.truncate(to: 0)
            return
        }
        while criticals.count > 0, criticals[criticals.count - 1].last > newest {
            if criticals[criticals.count - 1].first <= newest {
                criticals[criticals.count - 1].last = newest
            } else {
                criticals.truncate(to: criticals.count - 1)
            }
        }
    }

    private mutating func pushCritical(from start: UInt32) {
        let last = UInt32(count - 1)
        if criticals.count > 0, criticals[criticals.count - 1].last + 1 == start {
            criticals[criticals.count - 1].last = last
        } else {
            criticals.append(CriticalRange(first: start, last: last))
        }
    }

    // MARK: - Looking up

    func end(ofRun index: Int) -> Int { index + 1 < runs.count ? Int(runs[index + 1].start) : count }

    /// The run that holds a local version. O(log n), O(1) for the newest runs.
    func run(of version: Int) -> Int {
        assert(version >= 0 && version < count)
        var low = 0, high = runs.count - 1
        // Most questions are about what just happened.
        for _ in 0..<6 {
            if Int(runs[high].start) <= version { return high }
            high -= 1
        }
        // What is further back is looked for in growing steps: it is seldom far.
        var step = 8
        while high >= step, Int(runs[high - step].start) > version {
            high -= step
            step *= 2
        }
        low = max(high - step, 0)
        while low < high {
            let middle = (low + high + 1) / 2
            if Int(runs[middle].start) <= version { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// The run that holds a local version, an event of an origin: most often one of its newest.
    func run(of version: Int, ofOrigin origin: UInt32) -> Int {
        var index = lastRuns[Int(origin)]
        for _ in 0..<4 where index != .max {
            if Int(runs[Int(index)].start) <= version { return Int(index) }
            index = runs[Int(index)].previous
        }
        return run(of: version)
    }

    /// The parents of the first event of a run.
    func parents(ofRun index: Int) -> UnsafeBufferPointer<UInt32> {
        let run = runs[index]
        return UnsafeBufferPointer(start: parents.base + Int(run.parents), count: Int(run.parentCount))
    }

    /// The runs that hold the parents of the first event of a run.
    func parentRuns(ofRun index: Int) -> UnsafeBufferPointer<UInt32> {
        let run = runs[index]
        return UnsafeBufferPointer(start: parentRuns.base + Int(run.parents), count: Int(run.parentCount))
    }

    /// The name of an event that is not of the base.
    func dot(of version: Int) -> Dot {
        assert(version >= base.count, "an event of the base has no name of its own")
        let run = runs[run(of: version)]
        return Dot(origin: origins[Int(run.origin)], sequence: UInt64(run.sequence) + UInt64(version) - UInt64(run.start) + 1)
    }

    /// The local version of an event, nil when it has not arrived. `sequence` from 0. O(log n) in the runs of its origin.
    func version(origin: UInt32, sequence: Int) -> Int? {
        guard sequence >= 0, sequence < Int(sequences[Int(origin)]) else { return nil }
        if sequence < base.sequence(of: origin) { return base.count - 1 }
        var index = Int(lastRuns[Int(origin)])
        // Most questions are about the newest events; older ones go back along the chain of the origin's runs.
        while Int(runs[index].sequence) > sequence {
            let jump = Int(runs[index].jump)
            index = Int(runs[jump].sequence) > sequence ? jump : Int(runs[index].previous)
        }
        return Int(runs[index].start) + sequence - Int(runs[index].sequence)
    }

    /// The latest local version that everything precedes or follows, -1 when only the beginning is.
    var latestCritical: Int { criticals.count > 0 ? Int(criticals[criticals.count - 1].last) : -1 }
}
