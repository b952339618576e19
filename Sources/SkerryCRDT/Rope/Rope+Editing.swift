extension Rope {
    /// Inserts valid UTF-8 before a scalar position, at most the number of scalars.
    @inline(__always)
    mutating func insert(_ source: UnsafePointer<UInt8>, _ measure: TextMeasure, at position: Int) {
        let count = measure.bytes
        if count == 0 { return }
        assert(position >= 0 && position <= total.scalars)
        seek(position)
        let leaf = cachedLeaf
        if Int(leaves[Int(leaf)].bytes) + count > Rope.leafCapacity {
            insertSplitting(source, measure, at: position)
            return
        }
        let offset = byteOffset(in: leaf, scalars: position - cachedStart)
        moveGap(of: leaf, to: offset)
        let target = bytes(of: leaf) + offset
        if count == 1 { target[0] = source[0] } else { target.update(from: source, count: count) }
        leaves[Int(leaf)].gapStart += UInt16(count)
        leaves[Int(leaf)].add(measure)
        pending = pending + measure
        total = total + measure
    }

    /// Deletes scalars; the range lies within the text.
    @inline(__always)
    mutating func delete(at position: Int, count: Int) {
        assert(position >= 0 && count >= 0 && position + count <= total.scalars)
        var left = count
        while left > 0 {
            seek(position)
            if position - cachedStart == Int(leaves[Int(cachedLeaf)].scalars) {
                flush()
                cachedStart += Int(leaves[Int(cachedLeaf)].scalars)
                cachedLeaf = leaves[Int(cachedLeaf)].next
                continue
            }
            left -= deleteInCachedLeaf(at: position - cachedStart, atMost: left)
        }
    }

    /// Deletes from one scalar offset of the cached leaf as far as the leaf reaches; returns how many scalars went.
    private mutating func deleteInCachedLeaf(at start: Int, atMost count: Int) -> Int {
        let leaf = cachedLeaf
        let header = leaves[Int(leaf)]
        let removed = min(count, Int(header.scalars) - start)
        let from = byteOffset(in: leaf, scalars: start)
        let to = byteOffset(in: leaf, scalars: start + removed)
        var measure = header.measure
        if removed < Int(header.scalars) {
            // What goes is brought to one side of the gap, so that it is measured in one stretch and dropped by moving a bound.
            if Int(header.gapStart) >= to {
                moveGap(of: leaf, to: to)
                measure = TextMeasure(bytes(of: leaf) + from, count: to - from)
                leaves[Int(leaf)].gapStart = UInt16(from)
            } else {
                moveGap(of: leaf, to: from)
                measure = TextMeasure(bytes(of: leaf) + from + Rope.leafCapacity - Int(header.bytes), count: to - from)
            }
        } else {
            leaves[Int(leaf)].gapStart = 0
        }
        leaves[Int(leaf)].add(TextMeasure.zero - measure)
        pending = pending - measure
        total = total - measure
        if leaves[Int(leaf)].bytes < Rope.leafMinimum, height > 0 { shrink() }
        return removed
    }

    // MARK: - Structure

    /// Inserts what the cached leaf has no room for.
    @inline(never)
    private mutating func insertSplitting(_ source: UnsafePointer<UInt8>, _ measure: TextMeasure, at position: Int) {
        flush()
        let leaf = cachedLeaf
        if measure.bytes <= Rope.leafCapacity / 4 {
            splitLeaf(leaf, at: boundary(in: leaf, near: Int(leaves[Int(leaf)].bytes) / 2))
            insert(source, measure, at: position)
            return
        }
        let offset = byteOffset(in: leaf, scalars: position - cachedStart)
        if offset < Int(leaves[Int(leaf)].bytes) { splitLeaf(leaf, at: offset) }
        var done = 0
        let room = Rope.leafFill - offset
        if room > 0 { done = fill(leaf, with: source, from: 0, of: measure.bytes, room: room) }
        var last = leaf
        while done < measure.bytes {
            let new = allocateLeaf()
            link(new, after: last)
            done += fill(new, with: source, from: done, of: measure.bytes, room: Rope.leafFill)
            last = new
        }
        total = total + measure
    }

    /// Appends to a leaf as many whole scalars as the room takes; returns the bytes taken, at least one scalar.
    private mutating func fill(_ leaf: UInt32, with source: UnsafePointer<UInt8>, from start: Int, of count: Int, room: Int) -> Int {
        var end = min(count, start + room)
        while end < count, source[end] & 0xC0 == 0x80 { end -= 1 }
        if end <= start { return 0 }
        let used = Int(leaves[Int(leaf)].bytes)
        moveGap(of: leaf, to: used)
        (bytes(of: leaf) + used).update(from: source + start, count: end - start)
        leaves[Int(leaf)].gapStart = UInt16(used + end - start)
        let measure = TextMeasure(source + start, count: end - start)
        leaves[Int(leaf)].add(measure)
        refresh(leaf)
        return end - start
    }

    /// A byte offset at or before the wanted one that starts a scalar.
    private mutating func boundary(in leaf: UInt32, near wanted: Int) -> Int {
        let used = Int(leaves[Int(leaf)].bytes)
        moveGap(of: leaf, to: used)
        let bytes = bytes(of: leaf)
        var offset = wanted
        while offset > 0, bytes[offset] & 0xC0 == 0x80 { offset -= 1 }
        return offset
    }

    /// Moves what lies behind a byte offset to a new leaf on the right.
    private mutating func splitLeaf(_ leaf: UInt32, at offset: Int) {
        let new = allocateLeaf()
        let used = Int(leaves[Int(leaf)].bytes)
        moveGap(of: leaf, to: used)
        let moved = used - offset
        bytes(of: new).update(from: bytes(of: leaf) + offset, count: moved)
        let measure = TextMeasure(bytes(of: new), count: moved)
        leaves[Int(new)].gapStart = UInt16(moved)
        leaves[Int(new)].add(measure)
        leaves[Int(leaf)].gapStart = UInt16(offset)
        leaves[Int(leaf)].add(TextMeasure.zero - measure)
        link(new, after: leaf)
        refresh(leaf)
        refresh(new)
    }

    /// Puts a new leaf behind another, in the chain and in the tree.
    private mutating func link(_ new: UInt32, after leaf: UInt32) {
        let next = leaves[Int(leaf)].next
        leaves[Int(new)].previous = leaf
        leaves[Int(new)].next = next
        leaves[Int(leaf)].next = new
        if next != Rope.none { leaves[Int(next)].previous = new }
        if height == 0 { growRoot() }
        insertChild(new, after: leaf, in: leaves[Int(leaf)].parent, level: 0, sum: leaves[Int(new)].measure.counts)
    }

    private mutating func growRoot() {
        let new = allocateBranch()
        let first = Int(new) * Rope.fanout
        links[first] = root
        sums[first] = height == 0 ? leaves[Int(root)].measure.counts : sum(of: root)
        branches[Int(new)].count = 1
        setParent(of: root, to: new, level: height)
        root = new
        height += 1
    }

    /// `level` is the child's: 0 for leaves.
    private mutating func setParent(of child: UInt32, to parent: UInt32, level: Int) {
        if level == 0 { leaves[Int(child)].parent = parent } else { branches[Int(child)].parent = parent }
    }

    private mutating func insertChild(_ child: UInt32, after left: UInt32, in branch: UInt32, level: Int, sum: SIMD4<UInt32>) {
        var branch = branch
        if branches[Int(branch)].count == Rope.fanout {
            splitBranch(branch, level: level + 1)
            branch = level == 0 ? leaves[Int(left)].parent : branches[Int(left)].parent
        }
        let first = Int(branch) * Rope.fanout
        let count = Int(branches[Int(branch)].count)
        let slot = slot(of: left, in: branch) + 1
        (links.base + first + slot + 1).update(from: links.base + first + slot, count: count - slot)
        (sums.base + first + slot + 1).update(from: sums.base + first + slot, count: count - slot)
        links[first + slot] = child
        sums[first + slot] = sum
        branches[Int(branch)].count += 1
        setParent(of: child, to: branch, level: level)
    }

    private mutating func splitBranch(_ branch: UInt32, level: Int) {
        if branch == root { growRoot() }
        let new = allocateBranch()
        let half = Rope.fanout / 2
        let from = Int(branch) * Rope.fanout + half, to = Int(new) * Rope.fanout
        (links.base + to).update(from: links.base + from, count: Rope.fanout - half)
        (sums.base + to).update(from: sums.base + from, count: Rope.fanout - half)
        branches[Int(branch)].count = UInt32(half)
        branches[Int(new)].count = UInt32(Rope.fanout - half)
        for slot in 0..<Rope.fanout - half { setParent(of: links[to + slot], to: new, level: level - 1) }
        let parent = branches[Int(branch)].parent
        insertChild(new, after: branch, in: parent, level: level, sum: sum(of: new))
        let holder = branches[Int(branch)].parent
        sums[Int(holder) * Rope.fanout + slot(of: branch, in: holder)] = sum(of: branch)
    }

    /// Writes a leaf's measure into the branches above it.
    private mutating func refresh(_ leaf: UInt32) {
        var child = leaf
        var sum = leaves[Int(leaf)].measure.counts
        var parent = leaves[Int(leaf)].parent
        while parent != Rope.none {
            sums[Int(parent) * Rope.fanout + slot(of: child, in: parent)] = sum
            sum = self.sum(of: parent)
            child = parent
            parent = branches[Int(parent)].parent
        }
    }

    /// Removes the cached leaf when it is empty, else joins it with a neighbour that has room.
    private mutating func shrink() {
        flush()
        let leaf = cachedLeaf
        let header = leaves[Int(leaf)]
        if header.bytes == 0 {
            if header.next != Rope.none {
                cachedLeaf = header.next
            } else {
                cachedLeaf = header.previous
                cachedStart -= Int(leaves[Int(header.previous)].scalars)
            }
            unlink(leaf)
            return
        }
        if header.next != Rope.none, canJoin(leaf, header.next) {
            join(header.next, into: leaf)
        } else if header.previous != Rope.none, canJoin(header.previous, leaf) {
            cachedLeaf = header.previous
            cachedStart -= Int(leaves[Int(header.previous)].scalars)
            join(leaf, into: header.previous)
        }
    }

    private func canJoin(_ left: UInt32, _ right: UInt32) -> Bool {
        Int(leaves[Int(left)].bytes) + Int(leaves[Int(right)].bytes) <= Rope.leafFill
    }

    private mutating func join(_ right: UInt32, into left: UInt32) {
        let used = Int(leaves[Int(left)].bytes), added = Int(leaves[Int(right)].bytes)
        moveGap(of: left, to: used)
        moveGap(of: right, to: added)
        (bytes(of: left) + used).update(from: bytes(of: right), count: added)
        leaves[Int(left)].gapStart = UInt16(used + added)
        leaves[Int(left)].add(leaves[Int(right)].measure)
        leaves[Int(right)].add(TextMeasure.zero - leaves[Int(right)].measure)
        refresh(right)
        unlink(right)
        refresh(left)
    }

    /// Takes an empty leaf out of the chain and the tree.
    private mutating func unlink(_ leaf: UInt32) {
        let header = leaves[Int(leaf)]
        if header.previous != Rope.none { leaves[Int(header.previous)].next = header.next } else { firstLeaf = header.next }
        if header.next != Rope.none { leaves[Int(header.next)].previous = header.previous }
        removeChild(leaf, from: header.parent)
        leaves[Int(leaf)].next = freeLeaf
        freeLeaf = leaf
        while height > 0, branches[Int(root)].count == 1 {
            let child = links[Int(root) * Rope.fanout]
            branches[Int(root)].parent = freeBranch
            freeBranch = root
            root = child
            height -= 1
            setParent(of: child, to: Rope.none, level: height)
        }
    }

    private mutating func removeChild(_ child: UInt32, from branch: UInt32) {
        let first = Int(branch) * Rope.fanout
        let count = Int(branches[Int(branch)].count)
        let slot = slot(of: child, in: branch)
        (links.base + first + slot).update(from: links.base + first + slot + 1, count: count - slot - 1)
        (sums.base + first + slot).update(from: sums.base + first + slot + 1, count: count - slot - 1)
        branches[Int(branch)].count -= 1
        if branches[Int(branch)].count == 0 {
            removeChild(branch, from: branches[Int(branch)].parent)
            branches[Int(branch)].parent = freeBranch
            freeBranch = branch
        }
    }
}
