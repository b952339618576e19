/// The slots of a list in their order: a B-tree that counts, for each subtree, the slots in it and those shown.
///
/// Every slot knows its leaf, so its place is found from its name as fast as its name from its place. Leaves that empty stay: their counts
/// are skipped like those of any other subtree.
///
/// - Complexity: O(log n) for every question and every change.
struct SlotOrder: ~Copyable, Sendable {
    static let leafCapacity = 64
    static let fanout = 16
    static let none = UInt32.max
    static let shownBit: UInt32 = 0x8000_0000

    struct Counts: BitwiseCopyable, Sendable {
        var placed: UInt32 = 0
        var shown: UInt32 = 0
    }

    struct Leaf: BitwiseCopyable, Sendable {
        var parent = SlotOrder.none
        var next = SlotOrder.none
        var counts = Counts()
    }

    struct Branch: BitwiseCopyable, Sendable {
        var parent = SlotOrder.none
        var count: UInt32 = 0
    }

    private var leaves = RawArray<Leaf>(capacity: 4)
    /// By leaf: slots, with ``shownBit``.
    private var names = RawArray<UInt32>(capacity: SlotOrder.leafCapacity)
    private var branches = RawArray<Branch>()
    private var links = RawArray<UInt32>()
    private var sums = RawArray<Counts>()
    private var root: UInt32 = 0
    private var height = 0
    /// By slot: its leaf, ``none`` for one without a place.
    private var places = RawArray<UInt32>()

    /// Slots in the order, and those of them that are shown.
    private(set) var count = 0
    private(set) var shownCount = 0

    init() {
        leaves.append(Leaf())
        names.appendUninitialized(Self.leafCapacity)
    }

    /// The slots from 0 to a number, one after another. O(n).
    init(count: Int, isShown: (_ slot: Int) -> Bool) {
        let leafCount = max(1, (count + Self.leafCapacity - 1) / Self.leafCapacity)
        leaves.reserve(leafCount)
        names.reserve(leafCount * Self.leafCapacity)
        places.reserve(count)
        for leaf in 0..<leafCount {
            var counts = Counts()
            for slot in leaf * Self.leafCapacity..<min((leaf + 1) * Self.leafCapacity, count) {
                let isShown = isShown(slot)
                names.append(UInt32(slot) | (isShown ? Self.shownBit : 0))
                places.append(UInt32(leaf))
                counts.placed += 1
                counts.shown += isShown ? 1 : 0
            }
            leaves.append(Leaf(next: leaf + 1 < leafCount ? UInt32(leaf + 1) : Self.none, counts: counts))
            shownCount += Int(counts.shown)
        }
        names.appendUninitialized(leafCount * Self.leafCapacity - count)
        self.count = count
        addBranches()
    }

    /// Makes the branches above all leaves.
    private mutating func addBranches() {
        var first = 0, children = leaves.count
        while children > 1 {
            let above = branches.count
            for index in 0..<children {
                let child = UInt32(first + index)
                let branch = index % Self.fanout == 0 ? allocateBranch() : UInt32(branches.count - 1)
                let slot = Int(branch) * Self.fanout + index % Self.fanout
                links[slot] = child
                sums[slot] = height == 0 ? leaves[Int(child)].counts : counts(of: child)
                branches[Int(branch)].count += 1
                setParent(of: child, to: branch, level: height)
            }
            height += 1
            (first, children) = (above, branches.count - above)
        }
        root = UInt32(first)
    }

    // MARK: - Asking

    func slot(at position: Int) -> Int {
        let (leaf, offset) = find(position)
        return Int(names[Int(leaf) * Self.leafCapacity + offset] & ~Self.shownBit)
    }

    /// Where a slot stands, nil when it has no place.
    func position(of slot: Int) -> Int? {
        guard slot < places.count, places[slot] != Self.none else { return nil }
        let leaf = places[slot]
        return Int(before(leaf).placed) + offset(of: slot, in: leaf)
    }

    /// How many slots are shown before a position.
    func shownIndex(before position: Int) -> Int {
        if position == count { return shownCount }
        let (leaf, offset) = find(position)
        var shown = before(leaf).shown
        for index in 0..<offset { shown += names[Int(leaf) * Self.leafCapacity + index] >> 31 }
        return Int(shown)
    }

    /// The position of the slot that shows at an index; of the end for the number shown.
    func position(ofShown index: Int) -> Int {
        if index == shownCount { return count }
        var node = root
        var left = UInt32(index)
        var position = 0
        for _ in 0..<height {
            var slot = Int(node) * Self.fanout
            while left >= sums[slot].shown {
                left -= sums[slot].shown
                position += Int(sums[slot].placed)
                slot += 1
            }
            node = links[slot]
        }
        let first = Int(node) * Self.leafCapacity
        var offset = 0
        while true {
            if names[first + offset] >= Self.shownBit {
                if left == 0 { return position + offset }
                left -= 1
            }
            offset += 1
        }
    }

    /// Calls the body with every slot, in order.
    func forEach(_ body: (_ slot: Int, _ isShown: Bool) -> Void) {
        var leaf: UInt32 = 0
        while leaf != Self.none {
            for offset in 0..<Int(leaves[Int(leaf)].counts.placed) {
                let name = names[Int(leaf) * Self.leafCapacity + offset]
                body(Int(name & ~Self.shownBit), name >= Self.shownBit)
            }
            leaf = leaves[Int(leaf)].next
        }
    }

    // MARK: - Changing

    /// Gives a slot its place.
    mutating func insert(_ slot: Int, isShown: Bool, at position: Int) {
        assert(position >= 0 && position <= count)
        while places.count <= slot { places.append(Self.none) }
        var (leaf, offset) = gap(position)
        if Int(leaves[Int(leaf)].counts.placed) == Self.leafCapacity {
            // At the end, where lists grow, the full leaf stays full.
            let kept = offset == Self.leafCapacity ? offset : Self.leafCapacity / 2
            let right = split(leaf, at: kept)
            if offset > kept || offset == Self.leafCapacity { (leaf, offset) = (right, offset - kept) }
        }
        let start = names.base + Int(leaf) * Self.leafCapacity
        let used = Int(leaves[Int(leaf)].counts.placed)
        (start + offset + 1).update(from: start + offset, count: used - offset)
        start[offset] = UInt32(slot) | (isShown ? Self.shownBit : 0)
        places[slot] = leaf
        add(1, isShown ? 1 : 0, to: leaf)
    }

    /// Takes the slot at a position out.
    mutating func remove(at position: Int) {
        let (leaf, offset) = find(position)
        let start = names.base + Int(leaf) * Self.leafCapacity
        let name = start[offset]
        let used = Int(leaves[Int(leaf)].counts.placed)
        (start + offset).update(from: start + offset + 1, count: used - offset - 1)
        places[Int(name & ~Self.shownBit)] = Self.none
        add(.max, name >= Self.shownBit ? .max : 0, to: leaf)
    }

    /// Shows or hides a slot that has a place.
    mutating func show(_ slot: Int, _ isShown: Bool) {
        let leaf = places[slot]
        let index = Int(leaf) * Self.leafCapacity + offset(of: slot, in: leaf)
        if (names[index] >= Self.shownBit) == isShown { return }
        names[index] ^= Self.shownBit
        add(0, isShown ? 1 : .max, to: leaf)
    }

    // MARK: - The tree

    private func find(_ position: Int) -> (leaf: UInt32, offset: Int) {
        precondition(position >= 0 && position < count, "no slot at \(position)")
        var node = root
        var left = UInt32(position)
        for _ in 0..<height {
            var slot = Int(node) * Self.fanout
            while left >= sums[slot].placed {
                left -= sums[slot].placed
                slot += 1
            }
            node = links[slot]
        }
        return (node, Int(left))
    }

    /// Where something may go in before a position, behind what is there.
    private func gap(_ position: Int) -> (leaf: UInt32, offset: Int) {
        var node = root
        var left = UInt32(position)
        for _ in 0..<height {
            let first = Int(node) * Self.fanout, last = first + Int(branches[Int(node)].count) - 1
            var slot = first
            while slot < last, left > sums[slot].placed {
                left -= sums[slot].placed
                slot += 1
            }
            node = links[slot]
        }
        return (node, Int(left))
    }

    private func offset(of slot: Int, in leaf: UInt32) -> Int {
        let start = names.base + Int(leaf) * Self.leafCapacity
        var offset = 0
        while start[offset] & ~Self.shownBit != UInt32(slot) { offset += 1 }
        return offset
    }

    private func slot(of child: UInt32, in branch: UInt32) -> Int {
        let first = Int(branch) * Self.fanout
        var slot = first
        while links[slot] != child { slot += 1 }
        return slot
    }

    /// What stands before a leaf.
    private func before(_ leaf: UInt32) -> Counts {
        var result = Counts()
        var child = leaf
        var parent = leaves[Int(leaf)].parent
        while parent != Self.none {
            for index in Int(parent) * Self.fanout..<slot(of: child, in: parent) {
                result.placed += sums[index].placed
                result.shown += sums[index].shown
            }
            child = parent
            parent = branches[Int(parent)].parent
        }
        return result
    }

    /// Differences wrap.
    private mutating func add(_ placed: UInt32, _ shown: UInt32, to leaf: UInt32) {
        leaves[Int(leaf)].counts.placed &+= placed
        leaves[Int(leaf)].counts.shown &+= shown
        var child = leaf
        var parent = leaves[Int(leaf)].parent
        while parent != Self.none {
            let index = slot(of: child, in: parent)
            sums[index].placed &+= placed
            sums[index].shown &+= shown
            child = parent
            parent = branches[Int(parent)].parent
        }
        count += Int(Int32(bitPattern: placed))
        shownCount += Int(Int32(bitPattern: shown))
    }

    /// Moves what a leaf holds from an offset on to a new one behind it.
    private mutating func split(_ leaf: UInt32, at kept: Int) -> UInt32 {
        let new = UInt32(leaves.count)
        leaves.append(Leaf(next: leaves[Int(leaf)].next))
        names.appendUninitialized(Self.leafCapacity)
        leaves[Int(leaf)].next = new
        let used = Int(leaves[Int(leaf)].counts.placed)
        var moved = Counts()
        for offset in kept..<used {
            let name = names[Int(leaf) * Self.leafCapacity + offset]
            names[Int(new) * Self.leafCapacity + offset - kept] = name
            places[Int(name & ~Self.shownBit)] = new
            moved.placed += 1
            moved.shown += name >> 31
        }
        leaves[Int(new)].counts = moved
        leaves[Int(leaf)].counts.placed -= moved.placed
        leaves[Int(leaf)].counts.shown -= moved.shown
        if height == 0 { growRoot() }
        let parent = leaves[Int(leaf)].parent
        sums[slot(of: leaf, in: parent)] = leaves[Int(leaf)].counts
        insertChild(new, after: leaf, in: parent, level: 0, counts: moved)
        return new
    }

    private mutating func growRoot() {
        let new = allocateBranch()
        links[Int(new) * Self.fanout] = root
        sums[Int(new) * Self.fanout] = height == 0 ? leaves[Int(root)].counts : counts(of: root)
        branches[Int(new)].count = 1
        setParent(of: root, to: new, level: height)
        root = new
        height += 1
    }

    private mutating func allocateBranch() -> UInt32 {
        branches.append(Branch())
        links.append(repeating: Self.none, count: Self.fanout)
        sums.append(repeating: Counts(), count: Self.fanout)
        return UInt32(branches.count - 1)
    }

    private func counts(of branch: UInt32) -> Counts {
        var result = Counts()
        for index in Int(branch) * Self.fanout..<Int(branch) * Self.fanout + Int(branches[Int(branch)].count) {
            result.placed += sums[index].placed
            result.shown += sums[index].shown
        }
        return result
    }

    /// `level` is the child's: 0 for leaves.
    private mutating func setParent(of child: UInt32, to parent: UInt32, level: Int) {
        if level == 0 { leaves[Int(child)].parent = parent } else { branches[Int(child)].parent = parent }
    }

    /// Adds a child whose counts were taken out of those of `left`, up to where its parent's own sum begins.
    private mutating func insertChild(_ child: UInt32, after left: UInt32, in parent: UInt32, level: Int, counts: Counts) {
        var branch = parent
        if Int(branches[Int(branch)].count) == Self.fanout {
            splitBranch(branch, level: level + 1)
            branch = level == 0 ? leaves[Int(left)].parent : branches[Int(left)].parent
        }
        let first = Int(branch) * Self.fanout, end = first + Int(branches[Int(branch)].count)
        let slot = slot(of: left, in: branch) + 1
        (links.base + slot + 1).update(from: links.base + slot, count: end - slot)
        (sums.base + slot + 1).update(from: sums.base + slot, count: end - slot)
        links[slot] = child
        sums[slot] = counts
        branches[Int(branch)].count += 1
        setParent(of: child, to: branch, level: level)
        // Splitting wrote sums above that lack the child.
        refresh(branch)
    }

    private mutating func splitBranch(_ branch: UInt32, level: Int) {
        if branch == root { growRoot() }
        let new = allocateBranch()
        let half = Self.fanout / 2
        let from = Int(branch) * Self.fanout + half, to = Int(new) * Self.fanout
        (links.base + to).update(from: links.base + from, count: Self.fanout - half)
        (sums.base + to).update(from: sums.base + from, count: Self.fanout - half)
        branches[Int(branch)].count = UInt32(half)
        branches[Int(new)].count = UInt32(Self.fanout - half)
        for index in to..<to + Self.fanout - half { setParent(of: links[index], to: new, level: level - 1) }
        let parent = branches[Int(branch)].parent
        sums[slot(of: branch, in: parent)] = counts(of: branch)
        insertChild(new, after: branch, in: parent, level: level, counts: counts(of: new))
    }

    /// Writes a branch's counts into those above it.
    private mutating func refresh(_ branch: UInt32) {
        var child = branch
        var parent = branches[Int(branch)].parent
        while parent != Self.none {
            sums[slot(of: child, in: parent)] = counts(of: child)
            child = parent
            parent = branches[Int(parent)].parent
        }
    }

    // MARK: - Checking

    /// Checks the whole tree against itself; for tests. O(n).
    func checkInvariants() {
        var leafCounts = Counts()
        var leaf: UInt32 = 0
        while leaf != Self.none {
            var shown: UInt32 = 0
            for offset in 0..<Int(leaves[Int(leaf)].counts.placed) {
                let name = names[Int(leaf) * Self.leafCapacity + offset]
                precondition(places[Int(name & ~Self.shownBit)] == leaf, "place of slot \(name)")
                shown += name >> 31
            }
            precondition(shown == leaves[Int(leaf)].counts.shown, "shown in leaf \(leaf)")
            leafCounts.placed += leaves[Int(leaf)].counts.placed
            leafCounts.shown += shown
            if leaves[Int(leaf)].parent != Self.none {
                let sum = sums[slot(of: leaf, in: leaves[Int(leaf)].parent)]
                precondition(sum.placed == leaves[Int(leaf)].counts.placed && sum.shown == shown, "sum of leaf \(leaf)")
            }
            leaf = leaves[Int(leaf)].next
        }
        precondition(Int(leafCounts.placed) == count && Int(leafCounts.shown) == shownCount, "counts")
        for branch in 0..<UInt32(branches.count) where branches[Int(branch)].parent != Self.none {
            let sum = sums[slot(of: branch, in: branches[Int(branch)].parent)], own = counts(of: branch)
            precondition(sum.placed == own.placed && sum.shown == own.shown, "sum of branch \(branch)")
        }
    }
}
