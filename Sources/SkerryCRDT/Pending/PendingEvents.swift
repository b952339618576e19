/// Runs of events that wait for their past, by the event that each waits for.
///
/// A run waits for one missing event at a time, the first that was found; when that one comes the run is tried again and may come to wait
/// for another.
struct PendingEvents: Sendable {
    fileprivate struct Wait: Sendable {
        /// Of the missing event.
        var sequence: UInt64
        /// The run that waits.
        var run: Dot
    }

    var limits = PendingLimits.standard
    private(set) var runs: [Dot: (run: PendingRun, missing: Dot)] = [:]
    /// By origin of the missing event, ascending by its sequence.
    private var waits: [OriginID: [Wait]] = [:]
    private(set) var events = 0
    private(set) var bytes = 0

    init() {}

    var isEmpty: Bool { runs.isEmpty }

    /// The event that the run of a name waits for; nil when no run of this name waits.
    func missing(for name: Dot) -> Dot? { runs[name]?.missing }

    var missing: [Dot] { Set(runs.values.map(\.missing)).sorted() }

    /// Keeps a run until an event comes. One that waits already under its name stays if it is no shorter.
    ///
    /// - Throws: `limitExceeded`; nothing has changed.
    mutating func insert(_ run: PendingRun, missing: Dot) throws(DocumentError) {
        let old = runs[run.name]
        if let old, old.run.count >= run.count { return }
        let events = events + Int(run.count) - Int(old?.run.count ?? 0)
        let bytes = bytes + run.charge - (old?.run.charge ?? 0)
        guard events <= limits.events, bytes <= limits.bytes else {
            throw DocumentError(
                code: .limitExceeded,
                message:
                    "\(limits.events) events or \(limits.bytes) bytes wait already, so none for event \(missing.sequence) of \(missing.origin)"
            )
        }
        if let old { removeWait(for: old.missing, of: run.name) }
        self.events = events
        self.bytes = bytes
        runs[run.name] = (run, missing)
        let index = waits[missing.origin]?.firstIndex(endingAt: missing.sequence) ?? 0
        waits[missing.origin, default: []].insert(Wait(sequence: missing.sequence, run: run.name), at: index)
    }

    /// Takes out the runs that waited for an event of a range, in the order of what they waited for.
    mutating func takeWaiting(for range: EventRange) -> [PendingRun] {
        guard let waiting = waits[range.origin] else { return [] }
        let start = waiting.firstIndex(endingAt: range.first), end = waiting.firstIndex(endingAt: range.last + 1)
        let names = waiting[start..<end].map(\.run).sorted()
        waits[range.origin]!.removeSubrange(start..<end)
        if waits[range.origin]!.isEmpty { waits[range.origin] = nil }
        return names.map { forget($0).run }
    }

    mutating func removeAll() {
        let limits = limits
        self = PendingEvents()
        self.limits = limits
    }

    private mutating func forget(_ name: Dot) -> (run: PendingRun, missing: Dot) {
        guard let entry = runs.removeValue(forKey: name) else { preconditionFailure("a wait without its run") }
        events -= Int(entry.run.count)
        bytes -= entry.run.charge
        return entry
    }

    private mutating func removeWait(for missing: Dot, of name: Dot) {
        var index = waits[missing.origin]!.firstIndex(endingAt: missing.sequence)
        while waits[missing.origin]![index].run != name { index += 1 }
        waits[missing.origin]!.remove(at: index)
    }
}

extension [PendingEvents.Wait] {
    /// The first wait for a sequence or a later one.
    fileprivate func firstIndex(endingAt sequence: UInt64) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
