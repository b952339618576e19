extension EventGraph {
    /// Forgets the newest events, after a refused import or a change that threw. O(runs) when events go, which is rare.
    ///
    /// - Parameter heads: the frontier as it was when the graph held `newCount` events.
    mutating func truncate(to newCount: Int, heads: UnsafeBufferPointer<UInt32>) {
        if newCount == count { return }
        while runs.count > 0, Int(runs[runs.count - 1].start) >= newCount {
            let run = runs.removeLast()
            sequences[Int(run.origin)] = run.sequence
            lastRuns[Int(run.origin)] = run.previous
            parents.truncate(to: Int(run.parents))
            parentRuns.truncate(to: Int(run.parents))
        }
        // The base is whole or not here, and its origins have their numbers from it.
        if let last = runs.elements.last, last.origin != .max {
            sequences[Int(last.origin)] = last.sequence + UInt32(newCount) - last.start
        }
        count = newCount
        frontier.truncate(to: 0)
        frontier.append(contentsOf: heads)
        rebuildCriticals()
    }

    private mutating func rebuildCriticals() {
        criticals.truncate(to: 0)
        // Backwards: a run's events are critical when it saw all that was before it and nothing later branches off below them.
        var lowest = UInt32.max
        var found = RawArray<CriticalRange>()
        for index in stride(from: runs.count - 1, through: 0, by: -1) {
            let run = runs[index]
            let last = min(UInt32(end(ofRun: index) - 1), lowest)
            if run.sawAll, last >= run.start { found.append(CriticalRange(first: run.start, last: last)) }
            guard let newest = parents(ofRun: index).max() else { break }
            lowest = min(lowest, newest)
        }
        for index in stride(from: found.count - 1, through: 0, by: -1) {
            let range = found[index]
            if criticals.count > 0, criticals[criticals.count - 1].last + 1 == range.first {
                criticals[criticals.count - 1].last = range.last
            } else {
                criticals.append(range)
            }
        }
    }
}
