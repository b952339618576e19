extension History {
    /// The objects of a commit that none of the commits `against` has at the same place, each after those it refers to; the commit last.
    ///
    /// - Complexity: the trees that differ.
    func objects(of id: ObjectID, against: [ObjectID]) throws(HistoryError) -> [ObjectID] {
        let tree = try commit(id).tree
        var known: [ObjectID] = []
        for id in against { known.append(try commit(id).tree) }
        var found: [ObjectID] = []
        var seen: Set<ObjectID> = []
        try list(tree, known, depth: 0, &found, &seen)
        return found + [id]
    }

    private func list(
        _ id: ObjectID, _ known: [ObjectID], depth: Int, _ found: inout [ObjectID], _ seen: inout Set<ObjectID>
    ) throws(HistoryError) {
        guard !known.contains(id), seen.insert(id).inserted else { return }
        guard depth <= FilePath.depthMaximum else { throw HistoryError(.tooLarge, "trees too deep", object: id) }
        var trees: [Tree] = []
        for id in known { trees.append(try tree(id)) }
        for entry in try tree(id).entries {
            let others = trees.compactMap { $0[entry.name] }
            if others.contains(where: { $0.id == entry.id }) { continue }
            switch entry.kind {
            case .content: if seen.insert(entry.id).inserted { found.append(entry.id) }
            case .tree: try list(entry.id, others.filter { $0.kind == .tree }.map(\.id), depth: depth + 1, &found, &seen)
            }
        }
        found.append(id)
    }

    /// Verifies objects from outside and stores them: what they refer to must be here or come before them.
    ///
    /// - Throws: ``HistoryError`` with `corrupt` for bytes that are no object, `dangling` when something is missing, `badName` for a directory with one of
    ///   ``reservedNames``, what the store throws. Nothing of the call is stored then.
    public mutating func accept(_ objects: [[UInt8]], boundary: Set<ObjectID> = []) throws(HistoryError) {
        var records: [(id: ObjectID, record: [UInt8])] = []
        var kinds: [ObjectID: Tree.Entry.Kind] = [:]
        var commits: [(ObjectID, Commit)] = []
        /// Of the commits that come with this call.
        var generations: [ObjectID: UInt64] = [:]
        for bytes in objects {
            let id = hash(bytes)
            let object: HistoryObject
            do { object = try HistoryObject(encoded: bytes) } catch { throw HistoryError(.corrupt, "\(error)", object: id) }
            switch object {
            case .content: kinds[id] = .content
            case .tree(let tree):
                for entry in tree.entries {
                    if reservedNames.contains(entry.name) {
                        let name = String(decoding: entry.name, as: UTF8.self)
                        throw HistoryError(.badName, "the peer has \"\(name)\" in a directory, which may not be checked out", object: id)
                    }
                    try expect(entry.kind, entry.id, kinds, of: id)
                }
                kinds[id] = .tree
            case .commit(let commit):
                try expect(.tree, commit.tree, kinds, of: id)
                try check(id, commit, generations, isBoundary: boundary.contains(id))
                generations[id] = commit.generation
                commits.append((id, commit))
            }
            records.append((id, HistoryRecord.whole(bytes)))
        }
        try adopt(records, commits: commits, boundary: boundary)
    }

    /// What ``CommitGraph/insert(_:_:isBoundary:)`` will check, against commits that are not in the graph yet: a copy of the graph would cost its size.
    private func check(
        _ id: ObjectID, _ commit: Commit, _ coming: [ObjectID: UInt64], isBoundary: Bool
    ) throws(HistoryError) {
        guard !graph.contains(id) else { return }
        var generation: UInt64 = 0
        var isComplete = true
        for parent in commit.parents {
            if let known = coming[parent] ?? graph.generation(of: parent) {
                generation = max(generation, known &+ 1)
            } else if isBoundary {
                isComplete = false
            } else {
                throw HistoryError(.dangling, "the parent \(parent.abbreviated) is not here", object: id)
            }
        }
        guard isComplete ? commit.generation == generation : commit.generation >= generation, commit.generation < .max else {
            throw HistoryError(.corrupt, "generation \(commit.generation) where \(generation) follows", object: id)
        }
    }

    private func expect(
        _ kind: Tree.Entry.Kind, _ id: ObjectID, _ known: [ObjectID: Tree.Entry.Kind], of parent: ObjectID
    ) throws(HistoryError) {
        let found: Tree.Entry.Kind?
        if let kind = known[id] {
            found = kind
        } else {
            let record = try store.record(id)
            #if DEBUG
            if record == nil, HistoryDefects.has(.danglingAccepted) { return }
            #endif
            guard let record else { throw HistoryError(.dangling, "\(id.abbreviated) is not here", object: parent) }
            found = HistoryRecord.kind(of: record)
        }
        guard found == kind else { throw HistoryError(.corrupt, "\(id.abbreviated) is of another kind", object: parent) }
    }
}
