extension History {
    /// Brings what another commit has into a branch.
    ///
    /// The merge commit does not depend on who makes it: parents stand in the order of their identifiers, its time is one more than the later
    /// of theirs, it has no author, and the merge itself sees the parents in that order. Two nodes that merge the same pair make the same
    /// commit, and no third merge follows.
    ///
    /// - Throws: ``HistoryError`` with `notFound` when there is no such branch or commit, `corrupt`, `changedMeanwhile`.
    @discardableResult
    public mutating func merge(_ other: ObjectID, into branch: String, policy: MergePolicy = .refusing) throws(HistoryError) -> MergeOutcome
    {
        let name = HistoryName.branch(branch)
        let head = try resolve(name)
        guard graph.contains(other) else { throw HistoryError(.notFound, "no such commit", object: other) }
        if graph.isAncestor(other, of: head) { return .upToDate }
        if graph.isAncestor(head, of: other) {
            try move(name, from: head, to: other)
            return .fastForward(other)
        }
        var parents = [head, other].sorted()
        #if DEBUG
        if HistoryDefects.has(.parentsUnordered) { parents = [head, other] }
        #endif
        var merger = TreeMerger(history: self, policy: policy)
        let treeID = try merger.merge(parents[0], parents[1])
        if policy.refusesConflicts, !merger.conflicts.isEmpty {
            return .refused(conflicts: merger.conflicts, merged: try merger.snapshot(treeID))
        }
        let merged = try mergeCommit(parents, tree: treeID, author: "", message: "merge")
        return .merged(try add(merged, merger.records(for: treeID), to: name), conflicts: merger.conflicts)
    }

    /// Ends a refused merge: the branch gets a commit with both parents and this content.
    ///
    /// - Throws: as ``merge(_:into:policy:)``; `noChange` when the branch has the other commit already.
    @discardableResult
    public mutating func commitMerge(
        of other: ObjectID, into branch: String, settled snapshot: Snapshot, author: String, message: String
    ) throws(HistoryError) -> ObjectID {
        try commitMerge(of: other, into: branch, author: author, message: message) { (writer, tree) throws(HistoryError) in
            try writer.write(snapshot, replacing: tree)
        }
    }

    mutating func commitMerge(
        of other: ObjectID, into branch: String, author: String, message: String,
        _ write: (inout TreeWriter<Store>, ObjectID) throws(HistoryError) -> ObjectID
    ) throws(HistoryError) -> ObjectID {
        guard author.utf8.count <= Commit.textMaximum, message.utf8.count <= Commit.textMaximum else {
            throw HistoryError(.tooLarge, "an author or message beyond \(Commit.textMaximum) bytes")
        }
        let name = HistoryName.branch(branch)
        let head = try resolve(name)
        guard graph.contains(other) else { throw HistoryError(.notFound, "no such commit", object: other) }
        guard !graph.isAncestor(other, of: head) else { throw HistoryError(.noChange, "\(name) has this commit already", object: other) }
        var writer = TreeWriter(history: self)
        let treeID = try write(&writer, try commit(head).tree)
        return try add(try mergeCommit([head, other].sorted(), tree: treeID, author: author, message: message), writer.records, to: name)
    }

    private func mergeCommit(_ parents: [ObjectID], tree: ObjectID, author: String, message: String) throws(HistoryError) -> Commit {
        var generation: UInt64 = 0, timestamp: UInt64 = 0
        for parent in parents {
            let parent = try commit(parent)
            generation = max(generation, parent.generation)
            timestamp = max(timestamp, parent.timestamp)
        }
        guard timestamp < .max else { throw HistoryError(.tooLarge, "a time that has no successor") }
        return Commit(
            tree: tree, parents: parents, generation: generation + 1, timestamp: timestamp + 1, author: author, message: message)
    }
}
