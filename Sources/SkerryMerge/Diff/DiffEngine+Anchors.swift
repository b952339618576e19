// Patience: an element that stands once in each side almost surely corresponds, whatever surrounds it. The longest chain of such pairs that
// keeps its order (a longest increasing subsequence, by piles and binary search) is taken as settled and cuts the region into small
// ones. Ordinary text consists mostly of such lines, so one linear pass does most of the work. After Bram Cohen's patience diff.

extension DiffEngine {
    /// A pair of positions that may be taken as shared; `previous` is the candidate before it in the best chain.
    struct Anchor {
        var a, b: UInt32
        var previous: UInt32
    }

    enum AnchorResult {
        /// Split: what is left of the region is pending.
        case done
        /// The sides have no element in common.
        case nothingShared
        /// They have, but none that stands once in each.
        case undecided
    }

    mutating func splitAtAnchors(_ region: Region) -> AnchorResult {
        let sightings = sightings()
        for i in region.a0..<region.a1 {
            let at = sightings + Int(a[i])
            at.pointee.a = at.pointee.a == Sighting.absent ? UInt32(truncatingIfNeeded: i) : Sighting.repeated
        }
        for j in region.b0..<region.b1 {
            let at = sightings + Int(b[j])
            at.pointee.b = at.pointee.b == Sighting.absent ? UInt32(truncatingIfNeeded: j) : Sighting.repeated
        }
        let anyShared = collectAnchors(region, sightings)
        for i in region.a0..<region.a1 { sightings[Int(a[i])] = .none }
        for j in region.b0..<region.b1 { sightings[Int(b[j])] = .none }
        guard !candidates.isEmpty else { return anyShared ? .undecided : .nothingShared }
        keepLongestChain()
        splitBetweenAnchors(region)
        return .done
    }

    /// Fills `candidates` with the unique pairs in order of `a`, each linked to its best predecessor.
    private mutating func collectAnchors(_ region: Region, _ sightings: UnsafeMutablePointer<Sighting>) -> Bool {
        candidates.removeAll(keepingCapacity: true)
        piles.removeAll(keepingCapacity: true)
        var anyShared = false
        for i in region.a0..<region.a1 {
            let seen = sightings[Int(a[i])]
            guard seen.b != Sighting.absent else { continue }
            anyShared = true
            guard seen.b != Sighting.repeated, seen.a == UInt32(truncatingIfNeeded: i) else { continue }
            place(Anchor(a: seen.a, b: seen.b, previous: .max))
        }
        return anyShared
    }

    /// Puts a candidate on the leftmost pile whose top does not lie before it in `b`.
    private mutating func place(_ anchor: Anchor) {
        var low = piles.count
        // Most candidates are in order already and begin a new pile.
        if let top = piles.last, candidates[Int(top)].b > anchor.b {
            low = 0
            var high = piles.count - 1
            while low < high {
                let middle = (low + high) / 2
                if candidates[Int(piles[middle])].b < anchor.b { low = middle + 1 } else { high = middle }
            }
        }
        var anchor = anchor
        anchor.previous = low > 0 ? piles[low - 1] : .max
        let index = UInt32(truncatingIfNeeded: candidates.count)
        candidates.append(anchor)
        if low == piles.count { piles.append(index) } else { piles[low] = index }
    }

    /// Leaves in `piles` the indices of the longest chain, in order.
    private mutating func keepLongestChain() {
        var index = piles[piles.count - 1]
        for position in stride(from: piles.count - 1, through: 0, by: -1) {
            piles[position] = index
            index = candidates[Int(index)].previous
        }
    }

    /// Settles the stretches between anchors; those that grow together with an anchor in either direction shrink by that much.
    private mutating func splitBetweenAnchors(_ region: Region) {
        var i = region.a0, j = region.b0
        for index in piles {
            let anchor = candidates[Int(index)]
            let anchorA = Int(anchor.a), anchorB = Int(anchor.b)
            // An anchor behind `i` was reached along its own diagonal: a unique element has no other partner.
            guard anchorA >= i else { continue }
            if anchorA > i || anchorB > j { settle(Region(a0: i, a1: anchorA, b0: j, b1: anchorB)) }
            i = anchorA + 1
            j = anchorB + 1
            while i < region.a1, j < region.b1, a[i] == b[j] {
                i += 1
                j += 1
            }
        }
        settle(Region(a0: i, a1: region.a1, b0: j, b1: region.b1))
    }
}
