/// What undo made in the place of what was deleted, by container and unit of a text or slot of a list.
///
/// What comes back has a name of its own. It may be deleted and brought back again, so names make chains; of each the first and the last
/// matter: the last is the one that may stand in the text, the first says where.
struct Revivals: Sendable {
    /// By container: from what undo made to the first of its chain, and from the first of a chain to the last.
    private var firsts: [UInt32: UnitMap] = [:]
    private var lasts: [UInt32: UnitMap] = [:]

    /// Runs in which it is kept.
    private(set) var runCount = 0

    /// The first of a unit's chain; for how many units from it on the same holds, and for how many before it. A unit of no chain is its own.
    func first(of unit: UInt32, in container: UInt32) -> (unit: UInt32, count: UInt32, before: UInt32, isRevived: Bool) {
        guard let found = firsts[container]?.lookUp(unit) else { return (unit, .max - unit, 0, false) }
        return (found.target ?? unit, found.count, found.before, found.target != nil)
    }

    /// The last of a unit's chain, and for how many units from it on the same holds.
    func last(of unit: UInt32, in container: UInt32) -> (unit: UInt32, count: UInt32) {
        let first = first(of: unit, in: container)
        guard let found = lasts[container]?.lookUp(first.unit) else { return (first.unit, first.count) }
        return (found.target ?? first.unit, min(found.count, first.count))
    }

    /// Notes that new units, greater than all before, were made in the place of others, each the last of its chain.
    mutating func note(_ new: UInt32, count: UInt32, for unit: UInt32, in container: UInt32) {
        let before = runCount(of: container)
        var done: UInt32 = 0
        while done < count {
            let first = first(of: unit + done, in: container)
            let taken = min(count - done, first.count)
            lasts[container, default: UnitMap()].set(first.unit, count: taken, to: new + done)
            firsts[container, default: UnitMap()].set(new + done, count: taken, to: first.unit)
            done += taken
        }
        runCount += runCount(of: container) - before
    }

    private func runCount(of container: UInt32) -> Int { (firsts[container]?.runs.count ?? 0) + (lasts[container]?.runs.count ?? 0) }

    /// Forgets what no change needs that can still be taken back.
    ///
    /// What was made before the oldest of them is text like any other to what follows it; a chain that reaches beyond begins with its last unit
    /// before. Between the first of a chain and the last only those matter that a change names.
    ///
    /// - Parameters:
    ///   - limit: of a container, its first unit that is not older than the oldest change.
    ///   - named: of a container, the units that the changes name, by their lower bounds.
    mutating func forget(before limit: (_ container: UInt32) -> UInt32, keeping named: [UInt32: [Range<UInt32>]]) {
        runCount = 0
        for (container, old) in firsts {
            let limit = limit(container)
            var starts = UnitMap(), firsts = UnitMap(), lasts = UnitMap()
            // Units ascend with time, so the later of two in a chain has the last word.
            for run in old.runs {
                let split = min(max(run.start, limit), run.end)
                if run.start < split { starts.set(run.target, count: split - run.start, to: run.start) }
                var unit = split
                while unit < run.end {
                    let target = run.target + (unit - run.start)
                    let start = starts.lookUp(target)
                    let count = min(run.end - unit, start.count)
                    firsts.set(unit, count: count, to: start.target ?? target)
                    lasts.set(start.target ?? target, count: count, to: unit)
                    unit += count
                }
            }
            firsts = Self.needed(of: firsts, lasts, named[container] ?? [])
            self.firsts[container] = firsts.runs.isEmpty ? nil : firsts
            self.lasts[container] = lasts.runs.isEmpty ? nil : lasts
            runCount += runCount(of: container)
        }
    }

    /// The units that are the last of their chain or are named.
    private static func needed(of firsts: UnitMap, _ lasts: UnitMap, _ named: [Range<UInt32>]) -> UnitMap {
        var kept = UnitMap()
        var next = 0
        for run in firsts.runs {
            var unit = run.start
            while unit < run.end {
                let target = run.target + (unit - run.start)
                let last = lasts.lookUp(target)
                var count = min(run.end - unit, last.count)
                while next < named.count, named[next].upperBound <= unit { next += 1 }
                let isNamed = next < named.count && named[next].lowerBound <= unit
                if next < named.count { count = min(count, (isNamed ? named[next].upperBound : named[next].lowerBound) - unit) }
                if isNamed || last.target == unit { kept.set(unit, count: count, to: target) }
                unit += count
            }
        }
        return kept
    }
}
