extension Rope {
    /// Checks the whole tree against itself; for tests. O(n).
    mutating func checkInvariants() {
        flush()
        var chain: [UInt32] = []
        let sum = check(root, level: height, parent: Rope.none, chain: &chain)
        precondition(sum == total, "total \(total.counts), tree \(sum.counts)")
        var leaf = firstLeaf, previous = Rope.none
        for expected in chain {
            precondition(leaf == expected && leaves[Int(leaf)].previous == previous, "chain breaks at leaf \(leaf)")
            previous = leaf
            leaf = leaves[Int(leaf)].next
        }
        precondition(leaf == Rope.none, "chain goes on behind the tree")
    }

    private func check(_ node: UInt32, level: Int, parent: UInt32, chain: inout [UInt32]) -> TextMeasure {
        if level == 0 {
            let header = leaves[Int(node)]
            precondition(header.parent == parent, "parent of leaf \(node)")
            precondition(header.bytes > 0 || height == 0, "empty leaf \(node)")
            precondition(header.gapStart <= header.bytes && header.bytes <= Rope.leafCapacity, "bounds of leaf \(node)")
            var copy = RawArray<UInt8>()
            copyBytesForCheck(of: node, to: &copy)
            precondition(
                TextMeasure(UnsafePointer(copy.base), count: copy.count) == header.measure || copy.isEmpty, "measure of leaf \(node)")
            chain.append(node)
            return header.measure
        }
        let branch = branches[Int(node)]
        precondition(branch.parent == parent && branch.count > 0, "branch \(node)")
        var total = TextMeasure.zero
        for slot in 0..<Int(branch.count) {
            let index = Int(node) * Rope.fanout + slot
            let below = check(links[index], level: level - 1, parent: node, chain: &chain)
            precondition(below.counts == sums[index], "sum \(slot) of branch \(node)")
            total = total + below
        }
        return total
    }

    private func copyBytesForCheck(of leaf: UInt32, to target: inout RawArray<UInt8>) {
        let header = leaves[Int(leaf)]
        let start = bytes(of: leaf)
        let front = Int(header.gapStart), back = Int(header.bytes) - front
        target.append(contentsOf: UnsafeBufferPointer(start: start, count: front))
        target.append(contentsOf: UnsafeBufferPointer(start: start + Rope.leafCapacity - back, count: back))
    }
}
