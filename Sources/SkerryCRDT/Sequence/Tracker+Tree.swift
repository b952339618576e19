extension Tracker {
    mutating func allocateLeaf() -> UInt32 {
        leaves.append(Leaf())
        entries.appendUninitialized(Tracker.leafCapacity)
        return UInt32(leaves.count - 1)
    }

    private mutating func allocateBranch() -> UInt32 {
        branches.append(Branch())
        links.append(repeating: Tracker.none, count: Tracker.fanout)
        sums.append(repeating: .zero, count: Tracker.fanout)
        return UInt32(branches.count - 1)
    }

    @inline(__always)
    func entries(of leaf: UInt32) -> UnsafeMutablePointer<Entry> { entries.base + Int(leaf) * Tracker.leafCapacity }

    @inline(__always)
    private func slot(of child: UInt32, in branch: UInt32) -> Int {
        let start = links.base + Int(branch) * Tracker.fanout
        var slot = 0
        while start[slot] != child { slot &+= 1 }
        return slot
    }

    // MARK: - Finding

    /// The unit at an index counted by one of the sums; the index lies below the total.
    @inline(__always)
    func find(_ index: UInt32, by kind: Int) -> Cursor {
        var node = root
        var left = index
        var position: UInt32 = 0
        for _ in 0..<height {
            let first = Int(node) * Tracker.fanout
            let last = Int(branches.base[Int(node)].count) - 1
            let row = UnsafeRawPointer(sums.base + first).assumingMemoryBound(to: UInt32.self)
            var slot = 0
            while slot < last {
                let count = row[slot * 8 + kind]
                if left < count { break }
                left -= count
                position &+= row[slot * 8 + Tracker.inText]
                slot += 1
            }
            node = links.base[first + slot]
        }
        let entries = entries(of: node)
        let count = Int(leaves.base[Int(node)].count)
        var slot = 0
        while slot < count {
            let entry = entries[slot]
            let units = kind < Tracker.laneCount ? (entry.lanes[kind] == 1 ? entry.count : 0) : entry.sum[kind]
            if left < units { break }
            left -= units
            if !entry.isDeleted { position &+= entry.count }
            slot += 1
        }
        precondition(slot < count, "index \(index) lies beyond the tracker")
        if !entries[slot].isDeleted { position &+= left }
        return Cursor(leaf: node, slot: slot, offset: left, position: position)
    }

    /// Where a unit stands.
    @inline(__always)
    func locate(_ id: UInt32) -> (leaf: UInt32, slot: Int, offset: UInt32) {
        if id >= Tracker.placeholder {
            let cursor = find(id - Tracker.placeholder, by: Tracker.ofPlaceholder)
            return (cursor.leaf, cursor.slot, cursor.offset)
        }
        let leaf = places[Int(id - firstUnit)]
        let entries = entries(of: leaf)
        var slot = 0
        while !(entries[slot].id <= id && id - entries[slot].id < entries[slot].count) { slot += 1 }
        return (leaf, slot, id - entries[slot].id)
    }

    /// How many units, deleted or not, stand before a unit.
    func order(of id: UInt32) -> UInt32 {
        let place = locate(id)
        return order(leaf: place.leaf, slot: place.slot) + place.offset
    }

    func order(leaf: UInt32, slot: Int) -> UInt32 { prefix(leaf: leaf, slot: slot)[Tracker.atAll] }

    /// The sums of everything before an entry.
    func prefix(leaf: UInt32, slot: Int) -> SIMD8<UInt32> {
        var result = SIMD8<UInt32>.zero
        let entries = entries(of: leaf)
        for index in 0..<slot { result &+= entries[index].sum }
        var child = leaf
        var parent = leaves[Int(leaf)].parent
        while parent != Tracker.none {
            let first = Int(parent) * Tracker.fanout
            let own = self.slot(of: child, in: parent)
            for index in 0..<own { result &+= sums[first + index] }
            child = parent
            parent = branches[Int(parent)].parent
        }
        return result
    }

    // MARK: - Changing

    /// Adds a difference to the sums above a leaf.
    @inline(__always)
    mutating func add(_ difference: SIMD8<UInt32>, above leaf: UInt32) {
        var child = leaf
        var parent = leaves[Int(leaf)].parent
        while parent != Tracker.none {
            sums[Int(parent) * Tracker.fanout + slot(of: child, in: parent)] &+= difference
            child = parent
            parent = branches[Int(parent)].parent
        }
    }

    /// Makes room for one more entry beside a slot; returns where that slot is now. A slot behind the last entry stays behind it.
    @inline(__always)
    mutating func reserve(leaf: UInt32, slot: Int) -> (leaf: UInt32, slot: Int) {
        if Int(leaves[Int(leaf)].count) < Tracker.leafCapacity { return (leaf, slot) }
        let right = splitLeaf(leaf)
        let count = Int(leaves[Int(leaf)].count)
        return slot < count ? (leaf, slot) : (right, slot - count)
    }

    /// Puts an entry before a slot of a leaf that has room; the sums above are the caller's.
    @inline(__always)
    mutating func place(_ entry: Entry, leaf: UInt32, slot: Int) {
        let entries = entries(of: leaf)
        let count = Int(leaves[Int(leaf)].count)
        (entries + slot + 1).update(from: entries + slot, count: count - slot)
        entries[slot] = entry
        leaves[Int(leaf)].count = UInt32(count + 1)
    }

    @inline(__always)
    mutating func setPlace(of id: UInt32, count: UInt32, to leaf: UInt32) {
        if id >= Tracker.placeholder { return }
        let start = places.base + Int(id - firstUnit)
        if count == 1 { start[0] = leaf } else { start.update(repeating: leaf, count: Int(count)) }
    }

    /// Cuts an entry in two; returns where the left part is. The right part follows it, in this leaf or first in the next.
    mutating func split(leaf: UInt32, slot: Int, at offset: UInt32) -> (leaf: UInt32, slot: Int) {
        let (leaf, slot) = reserve(leaf: leaf, slot: slot)
        let entry = entries(of: leaf)[slot]
        let deleted = entry.countAndDeleted & Entry.deletedBit
        entries(of: leaf)[slot].countAndDeleted = offset | deleted
        let tail = Entry(
            id: entry.id + offset, countAndDeleted: (entry.count - offset) | deleted, left: entry.id + offset - 1, right: entry.right,
            lanes: entry.lanes)
        place(tail, leaf: leaf, slot: slot + 1)
        return (leaf, slot)
    }

    /// Joins an entry with its neighbours in the leaf where they have become alike.
    @inline(__always)
    mutating func joinNeighbours(leaf: UInt32, slot: Int) {
        if slot + 1 < Int(leaves[Int(leaf)].count) { join(leaf: leaf, slot: slot) }
        if slot > 0 { join(leaf: leaf, slot: slot - 1) }
    }

    @inline(__always)
    private mutating func join(leaf: UInt32, slot: Int) {
        let entries = entries(of: leaf)
        let left = entries[slot], right = entries[slot + 1]
        guard left.id + left.count == right.id, right.left == right.id - 1, left.right == right.right, left.lanes == right.lanes,
            left.isDeleted == right.isDeleted
        else { return }
        if !left.isPlaceholder, left.count + right.count > Tracker.runMaximum { return }
        entries[slot].countAndDeleted += right.count
        let count = Int(leaves[Int(leaf)].count)
        (entries + slot + 1).update(from: entries + slot + 2, count: count - slot - 2)
        leaves[Int(leaf)].count = UInt32(count - 1)
    }

    // MARK: - Splitting nodes

    /// Moves the upper half of a leaf to a new one on its right.
    @inline(never)
    private mutating func splitLeaf(_ leaf: UInt32) -> UInt32 {
        let new = allocateLeaf()
        let count = Int(leaves[Int(leaf)].count)
        let half = count / 2
        let source = entries(of: leaf) + half, target = entries(of: new)
        target.update(from: source, count: count - half)
        var moved = SIMD8<UInt32>.zero
        for index in 0..<count - half {
            moved &+= target[index].sum
            setPlace(of: target[index].id, count: target[index].count, to: new)
        }
        leaves[Int(leaf)].count = UInt32(half)
        leaves[Int(new)].count = UInt32(count - half)
        leaves[Int(new)].next = leaves[Int(leaf)].next
        leaves[Int(leaf)].next = new
        if height == 0 { growRoot(above: leaf, moved: moved) }
        let parent = leaves[Int(leaf)].parent
        let first = Int(parent) * Tracker.fanout
        sums[first + slot(of: leaf, in: parent)] &-= moved
        insertChild(new, after: leaf, in: parent, level: 0, sum: moved)
        return new
    }

    /// A branch above a lone leaf, whose sum still includes what is about to move.
    private mutating func growRoot(above leaf: UInt32, moved: SIMD8<UInt32>) {
        var sum = moved
        for index in 0..<Int(leaves[Int(leaf)].count) { sum &+= entries(of: leaf)[index].sum }
        let new = allocateBranch()
        links[Int(new) * Tracker.fanout] = leaf
        sums[Int(new) * Tracker.fanout] = sum
        branches[Int(new)].count = 1
        leaves[Int(leaf)].parent = new
        root = new
        height = 1
    }

    /// Adds a child whose sum was taken out of `left`'s. `level` is the child's: 0 for leaves.
    private mutating func insertChild(_ child: UInt32, after left: UInt32, in branch: UInt32, level: Int, sum: SIMD8<UInt32>) {
        var branch = branch
        if branches[Int(branch)].count == Tracker.fanout {
            // The parent's sums are made right before it is cut: it still lacks the child.
            splitBranch(branch, level: level + 1, lacking: sum, after: left)
            branch = level == 0 ? leaves[Int(left)].parent : branches[Int(left)].parent
        }
        let first = Int(branch) * Tracker.fanout
        let count = Int(branches[Int(branch)].count)
        let slot = slot(of: left, in: branch) + 1
        (links.base + first + slot + 1).update(from: links.base + first + slot, count: count - slot)
        (sums.base + first + slot + 1).update(from: sums.base + first + slot, count: count - slot)
        links[first + slot] = child
        sums[first + slot] = sum
        branches[Int(branch)].count += 1
        if level == 0 { leaves[Int(child)].parent = branch } else { branches[Int(child)].parent = branch }
    }

    /// Cuts a full branch. A child with the sum `lacking` is about to follow `left`, so the half with `left` counts it already.
    private mutating func splitBranch(_ branch: UInt32, level: Int, lacking: SIMD8<UInt32>, after left: UInt32) {
        let new = allocateBranch()
        let half = Tracker.fanout / 2
        let from = Int(branch) * Tracker.fanout + half, to = Int(new) * Tracker.fanout
        var moved = SIMD8<UInt32>.zero
        for index in 0..<Tracker.fanout - half {
            let child = links[from + index]
            links[to + index] = child
            sums[to + index] = sums[from + index]
            moved &+= sums[from + index]
            if child == left { moved &+= lacking }
            if level == 1 { leaves[Int(child)].parent = new } else { branches[Int(child)].parent = new }
        }
        branches[Int(branch)].count = UInt32(half)
        branches[Int(new)].count = UInt32(Tracker.fanout - half)
        if branch == root {
            var kept = SIMD8<UInt32>.zero
            for index in 0..<half {
                kept &+= sums[Int(branch) * Tracker.fanout + index]
                if links[Int(branch) * Tracker.fanout + index] == left { kept &+= lacking }
            }
            let top = allocateBranch()
            links[Int(top) * Tracker.fanout] = branch
            sums[Int(top) * Tracker.fanout] = kept &+ moved
            branches[Int(top)].count = 1
            branches[Int(branch)].parent = top
            root = top
            height += 1
        }
        let parent = branches[Int(branch)].parent
        sums[Int(parent) * Tracker.fanout + slot(of: branch, in: parent)] &-= moved
        insertChild(new, after: branch, in: parent, level: level, sum: moved)
    }
}
