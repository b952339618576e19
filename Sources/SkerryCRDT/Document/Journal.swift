/// What a change did to texts, so that it can be undone when it throws.
struct Journal: ~Copyable, Sendable {
    struct Entry: BitwiseCopyable, Sendable {
        var container: UInt32
        var position: UInt32
        var inserted: UInt32
        /// The deleted bytes in `bytes`.
        var start: UInt32
        var end: UInt32
    }

    private(set) var entries = RawArray<Entry>(capacity: 4)
    private(set) var bytes = RawArray<UInt8>(capacity: 64)

    /// What the change did to maps, registers, counters and sets, and to lists.
    var effects: [(container: UInt32, effect: ValueState.Effect)] = []
    var steps: [(container: UInt32, step: ListState.Step)] = []
    /// What it did to marks, when it can be undone later. Taking it back at once needs neither.
    var marks: [MarkStep] = []
    var erasures: [MarkErasure] = []

    init() {}

    mutating func removeAll() {
        if !effects.isEmpty { effects.removeAll(keepingCapacity: true) }
        if !steps.isEmpty { steps.removeAll(keepingCapacity: true) }
        if !marks.isEmpty { marks.removeAll() }
        if !erasures.isEmpty { erasures.removeAll() }
        entries.truncate(to: 0)
        bytes.truncate(to: 0)
    }

    @inline(__always)
    mutating func begin(container: UInt32, position: Int) {
        let start = UInt32(bytes.count)
        entries.append(Entry(container: container, position: UInt32(position), inserted: 0, start: start, end: start))
    }

    @inline(__always)
    mutating func deleted(_ count: Int, at position: Int, of rope: inout Rope) {
        rope.copy(at: position, count: count, to: &bytes)
        entries[entries.count - 1].end = UInt32(bytes.count)
    }

    @inline(__always)
    mutating func inserted(_ count: Int) { entries[entries.count - 1].inserted = UInt32(count) }
}

extension DocumentCore {
    /// Takes back what the open change did.
    mutating func abandonChange() {
        if isDefective(.abandonedChangeKept) { return finishChange() }
        for index in stride(from: journal.entries.count - 1, through: 0, by: -1) {
            let entry = journal.entries[index]
            let slot = containers.slot(of: entry.container)
            texts[slot].rope.delete(at: Int(entry.position), count: Int(entry.inserted))
            let start = journal.bytes.base + Int(entry.start)
            let measure = TextMeasure(start, count: Int(entry.end - entry.start))
            if measure.bytes > 0 { texts[slot].rope.insert(start, measure, at: Int(entry.position)) }
        }
        for (container, effect) in journal.effects.reversed() { values[containers.slot(of: container)].undo(effect) }
        for (container, step) in journal.steps.reversed() { lists[containers.slot(of: container)].undo(step) }
        rollBack()
        clock = HybridClock(highWater: checkpoint.highWater, futureBound: clock.futureBound)
    }
}
