extension History {
    /// What a check of everything found.
    public struct Report: Sendable, Hashable {
        /// Objects that names lead to.
        public var reachableCount = 0
        /// Objects that no name leads to.
        public var unreachableCount = 0
        /// What is wrong, in order of identifiers: bytes that are not what their name says, or missing.
        public var faults: [HistoryError] = []

        public var isSound: Bool { faults.isEmpty }
    }

    /// Reads every object that a name leads to and compares it with its identifier.
    ///
    /// - Throws: only what the store throws when it cannot be read at all; damage is in the report.
    /// - Complexity: reads everything once.
    public func verify() throws(HistoryError) -> Report {
        var report = Report()
        let reachable = try walk { (id, error) in report.faults.append(HistoryError(error.code, error.message, object: id)) }
        report.reachableCount = reachable.count
        report.faults.sort { ($0.object?.description ?? "") < ($1.object?.description ?? "") }
        var total = 0
        try store.forEachID { (_) throws(HistoryError) in total += 1 }
        report.unreachableCount = total - reachable.count { report.faults.isEmpty || isStored($0) }
        return report
    }

    private func isStored(_ id: ObjectID) -> Bool { (try? store.record(id)) != nil }

    /// Removes the objects that no name leads to.
    ///
    /// What is kept as a difference from an object that goes is kept whole first, so nothing that stays depends on what goes. Names and commits
    /// of a running exchange must be in the store under a name before this is called.
    ///
    /// - Returns: how many went.
    /// - Throws: ``HistoryError`` when something reachable cannot be read; nothing is removed then.
    @discardableResult
    public mutating func collect() throws(HistoryError) -> Int {
        var fault: HistoryError?
        let reachable = try walk { id, error in fault = fault ?? HistoryError(error.code, error.message, object: id) }
        if let fault { throw fault }
        var doomed: [ObjectID] = []
        try store.forEachID { (id) throws(HistoryError) in if !reachable.contains(id) { doomed.append(id) } }
        try keepWhole(dependingOn: Set(doomed), reachable)
        try forget(doomed.sorted())
        try rebuildGraph()
        return doomed.count
    }

    private mutating func keepWhole(dependingOn doomed: Set<ObjectID>, _ reachable: Set<ObjectID>) throws(HistoryError) {
        #if DEBUG
        if HistoryDefects.has(.deltasOrphaned) { return }
        #endif
        for id in reachable.sorted() {
            guard let record = try store.record(id), case .delta(let base, _, _)? = try? HistoryRecord.parse(record), doomed.contains(base)
            else {
                continue
            }
            try replace([(id, HistoryRecord.whole(try self.object(id)))])
        }
    }

    /// Contents and trees in the store that no name leads to, in order, so many at most: what a broken transfer has left. Commits are not among them,
    /// as they are not in the graph.
    ///
    /// - Complexity: reads every tree and commit that a name leads to.
    func unnamedObjects(maximum: Int) throws(HistoryError) -> [ObjectID] {
        let reachable = try walk { _, _ in }
        var loose: [ObjectID] = []
        try store.forEachID { (id) throws(HistoryError) in
            guard loose.count < maximum, !reachable.contains(id) else { return }
            if let record = try store.record(id), HistoryRecord.kind(of: record) != nil { loose.append(id) }
        }
        return loose.sorted()
    }

    /// What an object must be, by what refers to it.
    private enum Role: Hashable {
        case commit, tree, content
    }

    /// Everything names lead to, and the root; `fault` hears of each object that cannot be read or is not what refers to it says, and the
    /// walk goes on.
    private func walk(_ fault: (ObjectID, HistoryError) -> Void) throws(HistoryError) -> Set<ObjectID> {
        let boundary = try store.boundary()
        var roles: [ObjectID: Role] = [rootID: .commit]
        var pending = [rootID]
        for id in names.values where roles.updateValue(.commit, forKey: id) == nil { pending.append(id) }
        while let id = pending.popLast() {
            var next: [(ObjectID, Role)] = []
            do throws(HistoryError) {
                switch (try decoded(id), roles[id]) {
                case (.content, .content): break
                case (.tree(let tree), .tree): next = tree.entries.map { ($0.id, $0.kind == .tree ? .tree : .content) }
                case (.commit(let commit), .commit):
                    next = [(commit.tree, .tree)]
                    next += commit.parents.filter { !boundary.contains(id) || isStored($0) }.map { ($0, .commit) }
                default: throw HistoryError(.corrupt, "not the kind of object its referrer says", object: id)
                }
            } catch {
                fault(id, error)
            }
            for (child, role) in next {
                switch roles.updateValue(role, forKey: child) {
                case nil: pending.append(child)
                case role?: break
                default: fault(id, HistoryError(.corrupt, "\(child.abbreviated) is of another kind", object: id))
                }
            }
        }
        return Set(roles.keys)
    }
}
