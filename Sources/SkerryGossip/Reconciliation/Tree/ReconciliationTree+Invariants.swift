#if DEBUG
internal import SkerryCRDT

extension ReconciliationTree {
    /// Walks the whole tree and stops the process when it is not in order. For tests.
    func checkInvariants() {
        guard total.count > 0 else {
            precondition(leaves.nodesInUse == 0 && branches.nodesInUse == 0, "an empty tree holds nodes")
            return
        }
        var nodes = (leaves: 0, branches: 0)
        var last: WriteKey?
        let summary = check(root, height: height, low: nil, &last, &nodes)
        precondition(summary == total, "the total is \(total), the entries give \(summary)")
        precondition(nodes.leaves == leaves.nodesInUse && nodes.branches == branches.nodesInUse, "nodes leak: \(nodes)")
    }

    private func check(
        _ link: UInt32, height: Int, low: PackedKey?, _ last: inout WriteKey?, _ nodes: inout (leaves: Int, branches: Int)
    ) -> RangeSummary {
        var summary = RangeSummary()
        if height == 0 {
            nodes.leaves += 1
            let leaf = LeafNode(leaves[link])
            precondition(leaf.count > 0 && leaf.count <= LeafNode.capacity, "a leaf of \(leaf.count)")
            for index in 0..<leaf.count {
                let key = leaf.entries[index].key.unpacked(origins)
                if let last { precondition(last < key, "\(key) behind \(last)") }
                if let low { precondition(low.unpacked(origins) <= key, "\(key) before the low key of its leaf") }
                last = key
                summary.insert(EntryDigest(limbs: leaf.entries[index].digest))
            }
            return summary
        }
        nodes.branches += 1
        let branch = BranchNode(branches[link])
        precondition(branch.count > 0 && branch.count <= BranchNode.capacity, "a branch of \(branch.count)")
        for index in 0..<branch.count {
            let child = branch.children[index]
            if let last { precondition(last < child.low.unpacked(origins), "a low key at or before the entries before it") }
            let below = check(child.link, height: height - 1, low: child.low, &last, &nodes)
            precondition(below == child.summary, "a branch says \(child.summary), below are \(below)")
            summary.add(below)
        }
        return summary
    }
}
#endif
