internal import SkerryCRDT

extension ReconciliationTree: RangeSummaryStore {
    public typealias Failure = Never

    public func summary(of range: WriteRange) -> RangeSummary {
        guard !range.isEmpty, total.count > 0 else { return RangeSummary() }
        var summary = range.upper.map { prefix($0) } ?? total
        if range.lower > .first { summary.subtract(prefix(range.lower)) }
        return summary
    }

    /// Over the entries before `key`.
    private func prefix(_ key: WriteKey) -> RangeSummary {
        var (summary, link) = (RangeSummary(), root)
        for _ in 0..<height {
            let branch = BranchNode(branches[link])
            let index = branch.child(for: key, origins)
            for earlier in 0..<index { summary.add(branch.children[earlier].summary) }
            link = branch.children[index].link
        }
        let leaf = LeafNode(leaves[link])
        summary.add(leaf.summary(0..<leaf.lowerBound(key, origins)))
        return summary
    }

    public func key(at rank: UInt64) -> WriteKey? {
        guard rank < total.count else { return nil }
        var (rest, link) = (rank, root)
        for _ in 0..<height {
            let branch = BranchNode(branches[link])
            var index = 0
            while rest >= branch.children[index].summary.count {
                rest -= branch.children[index].summary.count
                index += 1
            }
            link = branch.children[index].link
        }
        return LeafNode(leaves[link]).entries[Int(rest)].key.unpacked(origins)
    }

    public func digest(of key: WriteKey) -> EntryDigest? {
        guard total.count > 0 else { return nil }
        var link = root
        for _ in 0..<height {
            let branch = BranchNode(branches[link])
            link = branch.children[branch.child(for: key, origins)].link
        }
        let leaf = LeafNode(leaves[link])
        let index = leaf.lowerBound(key, origins)
        guard index < leaf.count, leaf.entries[index].key.unpacked(origins) == key else { return nil }
        return EntryDigest(limbs: leaf.entries[index].digest)
    }

    /// Whether there is an entry under the key.
    public func contains(_ key: WriteKey) -> Bool { digest(of: key) != nil }

    public func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) {
        guard !range.isEmpty, total.count > 0 else { return }
        _ = visit(range, root, height: height, body)
    }

    /// False when the visit is over.
    private func visit(_ range: WriteRange, _ link: UInt32, height: Int, _ body: (WriteEntry) -> Bool) -> Bool {
        guard height > 0 else { return visit(range, leaf: link, body) }
        let branch = BranchNode(branches[link])
        for index in branch.child(for: range.lower, origins)..<branch.count {
            if let upper = range.upper, index > 0, !branch.children[index].low.isBefore(upper, origins) { return false }
            guard visit(range, branch.children[index].link, height: height - 1, body) else { return false }
        }
        return true
    }

    private func visit(_ range: WriteRange, leaf link: UInt32, _ body: (WriteEntry) -> Bool) -> Bool {
        let leaf = LeafNode(leaves[link])
        for index in leaf.lowerBound(range.lower, origins)..<leaf.count {
            let entry = leaf.entries[index]
            let key = entry.key.unpacked(origins)
            if let upper = range.upper, key >= upper { return false }
            guard body(WriteEntry(key: key, digest: EntryDigest(limbs: entry.digest))) else { return false }
        }
        return true
    }
}
