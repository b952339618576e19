/// FugueMax as the paper states it: a tree, walked in order; quadratic, with nothing in common with the tracker.
///
/// Weidner and Kleppmann, "The Art of the Fugue" (2023), algorithm 1 and the section on FugueMax. Units are numbered over all replicas;
/// each replica has an
/// order of its own with the units it has heard of.
struct FugueOrder {
    /// What everybody knows of a unit.
    struct Placement {
        /// Of the replica that made it.
        var origin: UInt64
        /// -1 for the root.
        var parent: Int
        var isRight: Bool
        /// The unit that stood on the right, -1 for the end.
        var rightOrigin: Int
    }

    private var placements: [Placement?] = []
    private var lefts: [[Int]] = []
    private var rights: [[Int]] = []
    private var rootRights: [Int] = []
    private var deleted: [Bool] = []
    private var walk: [Int] = []
    private var places: [Int] = []
    private var isStale = false
    private var arePlacesStale = true

    /// All units in order, deleted ones too.
    mutating func order() -> [Int] {
        refresh()
        return walk
    }

    /// What shows.
    mutating func visible() -> [Int] {
        refresh()
        return walk.filter { !deleted[$0] }
    }

    func isDeleted(_ unit: Int) -> Bool { deleted[unit] }

    func has(_ unit: Int) -> Bool { unit < placements.count && placements[unit] != nil }

    /// How many units show before one.
    mutating func count(before unit: Int) -> Int {
        refresh()
        var count = 0
        for other in walk {
            if other == unit { return count }
            if !deleted[other] { count += 1 }
        }
        return count
    }

    /// The visible unit at a position.
    mutating func unit(at position: Int) -> Int {
        refresh()
        return walk[index(ofVisible: position)]
    }

    /// Makes a unit at a position of what shows.
    mutating func insert(_ unit: Int, at position: Int, origin: UInt64) -> Placement {
        refresh()
        let index = position == 0 ? 0 : index(ofVisible: position - 1) + 1
        let left = index == 0 ? -1 : walk[index - 1]
        let right = index < walk.count ? walk[index] : -1
        let leftHasRights = left == -1 ? !rootRights.isEmpty : !rights[left].isEmpty
        let placement = Placement(origin: origin, parent: leftHasRights ? right : left, isRight: !leftHasRights, rightOrigin: right)
        let kept = walk
        place(unit, placement)
        // What is made here stands right behind its left neighbour: that saves a walk for each character typed.
        walk = kept
        walk.insert(unit, at: index)
        isStale = false
        return placement
    }

    mutating func delete(_ unit: Int) { deleted[unit] = true }

    /// Takes in a unit made anywhere.
    mutating func place(_ unit: Int, _ placement: Placement) {
        while placements.count <= unit {
            placements.append(nil)
            lefts.append([])
            rights.append([])
            deleted.append(false)
        }
        if !placement.isRight {
            let siblings = lefts[placement.parent]
            lefts[placement.parent].insert(unit, at: siblings.firstIndex { precedes(placement, unit, $0) } ?? siblings.count)
        } else if placement.parent == -1 {
            let index = index(of: unit, placement, among: rootRights)
            rootRights.insert(unit, at: index)
        } else {
            let index = index(of: unit, placement, among: rights[placement.parent])
            rights[placement.parent].insert(unit, at: index)
        }
        placements[unit] = placement
        isStale = true
        arePlacesStale = true
    }

    // MARK: - The tree

    private func precedes(_ placement: Placement, _ unit: Int, _ other: Int) -> Bool {
        (placement.origin, unit) < (placements[other]!.origin, other)
    }

    /// Right siblings: those whose right origin is further right come first, then by name.
    private mutating func index(of unit: Int, _ placement: Placement, among siblings: [Int]) -> Int {
        if siblings.isEmpty { return 0 }
        refreshPlaces()
        let own = placement.rightOrigin == -1 ? Int.max : places[placement.rightOrigin]
        return siblings.firstIndex { sibling in
            let right = placements[sibling]!.rightOrigin
            let place = right == -1 ? Int.max : places[right]
            return own != place ? own > place : precedes(placement, unit, sibling)
        } ?? siblings.count
    }

    private func index(ofVisible position: Int) -> Int {
        var left = position
        for (index, unit) in walk.enumerated() where !deleted[unit] {
            if left == 0 { return index }
            left -= 1
        }
        preconditionFailure("no position \(position)")
    }

    private mutating func refreshPlaces() {
        refresh()
        if !arePlacesStale { return }
        places = Array(repeating: -1, count: placements.count)
        for (index, unit) in walk.enumerated() { places[unit] = index }
        arePlacesStale = false
    }

    private mutating func refresh() {
        if !isStale { return }
        isStale = false
        walk.removeAll(keepingCapacity: true)
        // A stack of its own: what one types is a chain as deep as it is long. Below zero stands a unit whose left side is done.
        var stack: [Int] = rootRights.reversed()
        while let top = stack.popLast() {
            if top < 0 {
                walk.append(-top - 1)
                stack += rights[-top - 1].reversed()
            } else {
                stack.append(-top - 1)
                stack += lefts[top].reversed()
            }
        }
    }
}
