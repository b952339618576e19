// Histogram: where nothing is unique, the run of equal elements that contains the rarest one is taken as settled, and the stretches before
// and after it are compared again. After the algorithm of JGit, with one difference: rarity decides first and length second, and the
// whole search has a budget, because a file of few different lines would make it quadratic.

extension DiffEngine {
    /// Elements that stand more often than this in a region say nothing about where they belong.
    private static var occurrenceMaximum: UInt32 { 64 }

    /// A run of equal elements and the occurrences of its rarest one in `a`.
    private struct Run {
        var a0 = 0, b0 = 0, length = 0
        var rarity = UInt32.max

        func isBetter(than other: Run) -> Bool {
            rarity < other.rarity || (rarity == other.rarity && length > other.length)
        }
    }

    /// Splits the region at its best run; returns false when there is none, or when the budget is used up.
    mutating func splitAtRarestRun(_ region: Region) -> Bool {
        guard histogramBudget > 0 else { return false }
        let sightings = sightings(), chain = chain()
        indexOccurrences(region, sightings, chain)
        let best = rarestRun(region, sightings, chain)
        for i in region.a0..<region.a1 { sightings[Int(a[i])] = .none }
        guard best.length > 0 else { return false }
        settle(Region(a0: region.a0, a1: best.a0, b0: region.b0, b1: best.b0))
        settle(Region(a0: best.a0 + best.length, a1: region.a1, b0: best.b0 + best.length, b1: region.b1))
        return true
    }

    /// For each symbol of `a` the first occurrence and the number of them; `chain` links an occurrence to the next.
    private mutating func indexOccurrences(
        _ region: Region, _ sightings: UnsafeMutablePointer<Sighting>, _ chain: UnsafeMutablePointer<UInt32>
    ) {
        for i in stride(from: region.a1 - 1, through: region.a0, by: -1) {
            let at = sightings + Int(a[i])
            chain[i] = at.pointee.a
            at.pointee.b = at.pointee.a == Sighting.absent ? 1 : at.pointee.b &+ 1
            at.pointee.a = UInt32(truncatingIfNeeded: i)
        }
        histogramBudget -= region.a1 - region.a0
    }

    private mutating func rarestRun(
        _ region: Region, _ sightings: UnsafeMutablePointer<Sighting>, _ chain: UnsafeMutablePointer<UInt32>
    ) -> Run {
        var best = Run()
        var j = region.b0
        while j < region.b1, histogramBudget > 0 {
            let seen = sightings[Int(b[j])]
            histogramBudget -= 1
            var next = j + 1
            if seen.a != Sighting.absent, seen.b <= Self.occurrenceMaximum, seen.b <= best.rarity {
                var occurrence = seen.a
                while occurrence != Sighting.absent {
                    let run = grow(Int(occurrence), j, region, sightings)
                    histogramBudget -= run.length
                    if run.isBetter(than: best) { best = run }
                    next = max(next, run.b0 + run.length)
                    // Occurrences inside this run lie on its diagonal or cannot do better with the same element.
                    repeat { occurrence = chain[Int(occurrence)] } while occurrence != Sighting.absent && occurrence < run.a0 + run.length
                }
            }
            j = next
        }
        return best
    }

    /// The longest run through a pair of equal elements.
    private func grow(_ i: Int, _ j: Int, _ region: Region, _ sightings: UnsafeMutablePointer<Sighting>) -> Run {
        var run = Run(a0: i, b0: j, length: 1, rarity: sightings[Int(a[i])].b)
        while run.a0 > region.a0, run.b0 > region.b0, a[run.a0 - 1] == b[run.b0 - 1] {
            run.a0 -= 1
            run.b0 -= 1
            run.length += 1
            run.rarity = min(run.rarity, sightings[Int(a[run.a0])].b)
        }
        while run.a0 + run.length < region.a1, run.b0 + run.length < region.b1, a[run.a0 + run.length] == b[run.b0 + run.length] {
            run.rarity = min(run.rarity, sightings[Int(a[run.a0 + run.length])].b)
            run.length += 1
        }
        return run
    }
}
