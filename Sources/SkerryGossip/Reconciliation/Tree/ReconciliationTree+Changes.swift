internal import SkerryCRDT

// MARK: - Insertion

extension ReconciliationTree {
    /// Puts an entry in.
    ///
    /// - Complexity: O(log n).
    @discardableResult
    public mutating func insert(_ key: WriteKey, _ digest: EntryDigest) -> Insertion {
        guard key.sequence < ReconciliationTree.sequenceLimit, let origin = origins.intern(key.origin) else { return .refused }
        let packed = PackedKey(stamp: key.stamp.rawValue, origin: origin, sequence: key.sequence)
        let entry = PackedEntry(key: packed, digest: digest.limbs)
        if total.count == 0 { beginRoot() }
        let (change, sibling) = insert(entry, key, into: root, height: height, isRightmost: true)
        var sum = total
        apply(change, to: &sum)
        total = sum
        if let sibling { growRoot(sibling) }
        return change.outcome
    }

    private mutating func beginRoot() {
        root = leaves.allocate()
        height = 0
        LeafNode(leaves[root]).count = 0
    }

    private mutating func growRoot(_ sibling: BranchChild) {
        let low = height == 0 ? LeafNode(leaves[root]).entries[0].key : BranchNode(branches[root]).children[0].low
        var summary = total
        summary.subtract(sibling.summary)
        let grown = branches.allocate()
        let branch = BranchNode(branches[grown])
        branch.count = 0
        branch.insert(BranchChild(summary: summary, low: low, link: root), at: 0)
        branch.insert(sibling, at: 1)
        root = grown
        height += 1
    }

    /// What an insertion changes in every summary above it.
    private struct Change {
        var outcome: Insertion
        var added: EntryDigest?
        var removed: EntryDigest?
    }

    private func apply(_ change: Change, to summary: inout RangeSummary) {
        if let removed = change.removed { summary.remove(removed) }
        if let added = change.added {
            #if DEBUG
            if defects.contains(.sumWithoutCarry) { return summary.insertWithoutCarry(added) }
            #endif
            summary.insert(added)
        }
    }

    private mutating func insert(
        _ entry: PackedEntry, _ key: WriteKey, into link: UInt32, height: Int, isRightmost: Bool
    ) -> (Change, BranchChild?) {
        guard height > 0 else { return insert(entry, key, intoLeaf: link, isRightmost: isRightmost) }
        let branch = BranchNode(branches[link])
        let index = branch.child(for: key, origins)
        let isLast = isRightmost && index == branch.count - 1
        let (change, sibling) = insert(entry, key, into: branch.children[index].link, height: height - 1, isRightmost: isLast)
        apply(change, to: &branch.children[index].summary)
        if !branch.children[index].low.isBefore(key, origins) { branch.children[index].low = entry.key }
        guard let sibling else { return (change, nil) }
        branch.children[index].summary.subtract(sibling.summary)
        return (change, insert(sibling, behind: index, of: link, isRightmost: isLast))
    }

    private mutating func insert(
        _ entry: PackedEntry, _ key: WriteKey, intoLeaf link: UInt32, isRightmost: Bool
    ) -> (Change, BranchChild?) {
        let leaf = LeafNode(leaves[link])
        let index = leaf.lowerBound(key, origins)
        let digest = EntryDigest(limbs: entry.digest)
        if index < leaf.count, leaf.entries[index].key == entry.key {
            let old = EntryDigest(limbs: leaf.entries[index].digest)
            guard old != digest else { return (Change(outcome: .unchanged), nil) }
            leaf.entries[index].digest = entry.digest
            return (Change(outcome: .replaced(old), added: digest, removed: old), nil)
        }
        let change = Change(outcome: .inserted, added: digest)
        guard leaf.count == LeafNode.capacity else {
            leaf.insert(entry, at: index)
            return (change, nil)
        }
        return (change, split(leaf, inserting: entry, at: index, isAppend: isRightmost && index == leaf.count))
    }

    /// In time order the full leaf stays full and the new one begins with the new entry; otherwise both get half.
    private mutating func split(_ leaf: LeafNode, inserting entry: PackedEntry, at index: Int, isAppend: Bool) -> BranchChild {
        let link = leaves.allocate()
        let sibling = LeafNode(leaves[link])
        sibling.count = 0
        if isAppend {
            sibling.insert(entry, at: 0)
        } else {
            leaf.move(from: LeafNode.capacity / 2, to: sibling)
            let half = LeafNode.capacity / 2
            if index <= half { leaf.insert(entry, at: index) } else { sibling.insert(entry, at: index - half) }
        }
        return BranchChild(summary: sibling.summary(0..<sibling.count), low: sibling.entries[0].key, link: link)
    }

    private mutating func insert(_ child: BranchChild, behind index: Int, of link: UInt32, isRightmost: Bool) -> BranchChild? {
        let branch = BranchNode(branches[link])
        guard branch.count == BranchNode.capacity else {
            branch.insert(child, at: index + 1)
            return nil
        }
        let siblingLink = branches.allocate()
        let sibling = BranchNode(branches[siblingLink])
        sibling.count = 0
        if isRightmost {
            sibling.insert(child, at: 0)
        } else {
            let half = BranchNode.capacity / 2
            branch.move(from: half, to: sibling)
            if index + 1 <= half { branch.insert(child, at: index + 1) } else { sibling.insert(child, at: index + 1 - half) }
        }
        return BranchChild(summary: sibling.summary(0..<sibling.count), low: sibling.children[0].low, link: siblingLink)
    }
}

// MARK: - Removal

extension ReconciliationTree {
    /// Takes an entry out and returns its digest; nil when there was none.
    ///
    /// - Complexity: O(log n).
    @discardableResult
    public mutating func remove(_ key: WriteKey) -> EntryDigest? {
        guard total.count > 0, key.sequence < ReconciliationTree.sequenceLimit, let origin = origins.number(of: key.origin) else {
            return nil
        }
        let packed = PackedKey(stamp: key.stamp.rawValue, origin: origin, sequence: key.sequence)
        guard let digest = remove(packed, key, from: root, height: height) else { return nil }
        total.remove(digest)
        shrinkRoot()
        return digest
    }

    private mutating func shrinkRoot() {
        while height > 0, BranchNode(branches[root]).count == 1 {
            let child = BranchNode(branches[root]).children[0].link
            branches.release(root)
            root = child
            height -= 1
        }
        guard total.count == 0 else { return }
        release(root, height: height)
        height = 0
    }

    private mutating func remove(_ packed: PackedKey, _ key: WriteKey, from link: UInt32, height: Int) -> EntryDigest? {
        guard height > 0 else {
            let leaf = LeafNode(leaves[link])
            let index = leaf.lowerBound(key, origins)
            guard index < leaf.count, leaf.entries[index].key == packed else { return nil }
            let digest = EntryDigest(limbs: leaf.entries[index].digest)
            leaf.remove(at: index)
            return digest
        }
        let branch = BranchNode(branches[link])
        let index = branch.child(for: key, origins)
        guard let digest = remove(packed, key, from: branch.children[index].link, height: height - 1) else { return nil }
        branch.children[index].summary.remove(digest)
        rebalance(branch, index, height: height - 1)
        return digest
    }

    /// Drops a child that has become empty, and joins a small one with a neighbour where both fit in three quarters of one.
    private mutating func rebalance(_ branch: BranchNode, _ index: Int, height: Int) {
        let count = nodeCount(branch.children[index].link, height: height)
        guard count > 0 else {
            release(branch.children[index].link, height: height)
            return branch.remove(at: index)
        }
        let capacity = height == 0 ? LeafNode.capacity : BranchNode.capacity
        guard count < capacity / 4 else { return }
        for left in [index - 1, index] where left >= 0 && left + 1 < branch.count {
            let (first, second) = (branch.children[left].link, branch.children[left + 1].link)
            guard nodeCount(first, height: height) + nodeCount(second, height: height) <= capacity * 3 / 4 else { continue }
            join(second, into: first, height: height)
            branch.children[left].summary.add(branch.children[left + 1].summary)
            return branch.remove(at: left + 1)
        }
    }

    private func nodeCount(_ link: UInt32, height: Int) -> Int {
        height == 0 ? LeafNode(leaves[link]).count : BranchNode(branches[link]).count
    }

    private mutating func join(_ second: UInt32, into first: UInt32, height: Int) {
        if height == 0 {
            LeafNode(leaves[second]).move(from: 0, to: LeafNode(leaves[first]))
        } else {
            BranchNode(branches[second]).move(from: 0, to: BranchNode(branches[first]))
        }
        release(second, height: height)
    }

    private mutating func release(_ link: UInt32, height: Int) {
        if height == 0 { leaves.release(link) } else { branches.release(link) }
    }
}
