/// A map from units to units that mostly takes neighbours to neighbours, kept as runs in order.
///
/// - Complexity: O(log n) to look up, O(n) in runs to set, constant where units are set in ascending order.
struct UnitMap: Sendable {
    struct Run: Sendable {
        var start: UInt32
        var count: UInt32
        var target: UInt32

        var end: UInt32 { start + count }
    }

    private(set) var runs: [Run] = []

    /// What a unit is taken to, nil when to nothing; for how many units from it on that goes on alike, and for how many before it.
    func lookUp(_ unit: UInt32) -> (target: UInt32?, count: UInt32, before: UInt32) {
        let index = firstRun(endingAfter: unit)
        guard index < runs.count else { return (nil, .max - unit, 0) }
        let run = runs[index]
        if run.start > unit { return (nil, run.start - unit, 0) }
        return (run.target + (unit - run.start), run.end - unit, unit - run.start)
    }

    mutating func set(_ start: UInt32, count: UInt32, to target: UInt32) {
        let new = Run(start: start, count: count, target: target)
        let first = firstRun(endingAfter: start)
        if first == runs.count { return Self.append(new, to: &runs) }
        var end = first
        while end < runs.count, runs[end].start < new.end { end += 1 }
        // A neighbour on each side may join with what is new.
        let low = max(first - 1, 0), high = min(end + 1, runs.count)
        var pieces: [Run] = []
        for run in runs[low..<end] where run.start < start {
            Self.append(Run(start: run.start, count: min(run.end, start) - run.start, target: run.target), to: &pieces)
        }
        Self.append(new, to: &pieces)
        for run in runs[first..<high] where run.end > new.end {
            let cut = max(run.start, new.end)
            Self.append(Run(start: cut, count: run.end - cut, target: run.target + (cut - run.start)), to: &pieces)
        }
        runs.replaceSubrange(low..<high, with: pieces)
    }

    private static func append(_ run: Run, to runs: inout [Run]) {
        if let last = runs.last, last.end == run.start, last.target + last.count == run.target {
            runs[runs.count - 1].count += run.count
        } else {
            runs.append(run)
        }
    }

    private func firstRun(endingAfter unit: UInt32) -> Int {
        if let last = runs.last, last.end <= unit { return runs.count }
        var low = 0, high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end <= unit { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
