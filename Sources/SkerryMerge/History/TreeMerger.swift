/// Merges trees in memory: what it makes becomes part of the store only when a commit does.
///
/// Sides are in the order of their commits' identifiers wherever the merge is made, which is what makes merge commits the same everywhere.
struct TreeMerger<Store: HistoryStore> {
    /// Virtual bases below virtual bases that are followed: 8. Deeper ones are replaced by their first base.
    static var virtualDepthMaximum: Int { 8 }
    /// Virtual bases made for one merge: 64. Only endless crosswise merging needs more, and then the first base stands for the rest.
    static var virtualCountMaximum: Int { 64 }

    let history: History<Store>
    let policy: MergePolicy
    /// Objects that are not in the store, by identifier.
    private(set) var made: [ObjectID: [UInt8]] = [:]
    private(set) var conflicts: [FilePath] = []
    /// Virtual bases already made, by what they merge and how deep.
    private var virtualTrees: [VirtualBase: ObjectID] = [:]

    private struct VirtualBase: Hashable {
        var bases: [ObjectID]
        var depth: Int
    }

    init(history: History<Store>, policy: MergePolicy) {
        self.history = history
        self.policy = policy
    }

    /// The tree that two commits merge into.
    mutating func merge(_ ours: ObjectID, _ theirs: ObjectID) throws(HistoryError) -> ObjectID {
        var base = try baseTree(history.graph.mergeBases(ours, theirs), depth: 1)
        #if DEBUG
        if HistoryDefects.has(.baseIsFirstParent), let first = try history.commit(ours).parents.first {
            base = try history.commit(first).tree
        }
        #endif
        return try merge(base, try history.commit(ours).tree, try history.commit(theirs).tree, [], depth: 0)
    }

    /// The tree of the best common ancestor; of several, of their merge, whose base is found in the same way.
    private mutating func baseTree(_ bases: [ObjectID], depth: Int) throws(HistoryError) -> ObjectID? {
        guard let first = bases.first else { return nil }
        var tree = try history.commit(first).tree
        let key = VirtualBase(bases: bases, depth: depth)
        if let known = virtualTrees[key] { return known }
        guard bases.count > 1, depth <= Self.virtualDepthMaximum, virtualTrees.count < Self.virtualCountMaximum else { return tree }
        virtualTrees[key] = tree
        #if DEBUG
        if HistoryDefects.has(.noVirtualBase) { return tree }
        #endif
        for index in bases.indices.dropFirst() {
            let base = try baseTree(history.graph.mergeBases(Array(bases[..<index]), [bases[index]]), depth: depth + 1)
            tree = try merge(base, tree, try history.commit(bases[index]).tree, [], depth: depth)
        }
        virtualTrees[key] = tree
        return tree
    }

    /// - Parameter depth: 0 for the merge itself, more in virtual bases, whose conflicts are not reported.
    private mutating func merge(
        _ base: ObjectID?, _ ours: ObjectID, _ theirs: ObjectID, _ path: [[UInt8]], depth: Int
    ) throws(HistoryError) -> ObjectID {
        if ours == theirs || theirs == base { return ours }
        if ours == base { return theirs }
        guard path.count <= FilePath.depthMaximum else { throw HistoryError(.tooLarge, "trees too deep", object: ours) }
        let trees = (base: try tree(base), ours: try tree(ours), theirs: try tree(theirs))
        let all = trees.base.entries + trees.ours.entries + trees.theirs.entries
        var entries: [Tree.Entry] = []
        for name in Set(all.map(\.name)).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let entry = try merge(entry: trees.base[name], trees.ours[name], trees.theirs[name], path + [name], depth: depth)
            if let entry { entries.append(entry) }
        }
        return add(.tree(try Tree(entries)))
    }

    private mutating func merge(
        entry base: Tree.Entry?, _ ours: Tree.Entry?, _ theirs: Tree.Entry?, _ path: [[UInt8]], depth: Int
    ) throws(HistoryError) -> Tree.Entry? {
        if ours == theirs || theirs == base { return ours }
        if ours == base { return theirs }
        guard let ours, let theirs else {
            if !policy.changeBeatsDelete { report(path, depth) }
            return ours ?? theirs
        }
        switch (ours.kind, theirs.kind) {
        case (.tree, .tree):
            let baseID = base?.kind == .tree ? base?.id : nil
            let merged = try merge(baseID, ours.id, theirs.id, path, depth: depth)
            // A directory that both sides emptied in part may be empty now.
            return try tree(merged).entries.isEmpty ? nil : Tree.Entry(kind: .tree, name: ours.name, id: merged)
        case (.content, .content):
            let baseContent: [UInt8]? = if let base, base.kind == .content { try content(base.id) } else { nil }
            let outcome = policy.mergeContent(baseContent, try content(ours.id), try content(theirs.id), depth)
            if outcome.conflictCount > 0 { report(path, depth) }
            return Tree.Entry(kind: .content, name: ours.name, id: add(.content(outcome.content)))
        default:
            // A file where the other side has a directory: the directory keeps more.
            report(path, depth)
            return ours.kind == .tree ? ours : theirs
        }
    }

    private mutating func report(_ path: [[UInt8]], _ depth: Int) {
        if depth == 0, let path = FilePath(names: path) { conflicts.append(path) }
    }

    // MARK: Objects

    private mutating func add(_ object: HistoryObject) -> ObjectID {
        let bytes = object.encoded
        let id = history.hash(bytes)
        made[id] = bytes
        return id
    }

    private func tree(_ id: ObjectID?) throws(HistoryError) -> Tree {
        guard let id else { return .empty }
        if let bytes = made[id], case .tree(let tree)? = try? HistoryObject(encoded: bytes) { return tree }
        return try history.tree(id)
    }

    private func content(_ id: ObjectID) throws(HistoryError) -> [UInt8] {
        if let bytes = made[id], case .content(let content)? = try? HistoryObject(encoded: bytes) { return content }
        return try history.content(id)
    }

    /// Records of what a tree needs and the store lacks.
    func records(for treeID: ObjectID) throws(HistoryError) -> [(id: ObjectID, record: [UInt8])] {
        var records: [(id: ObjectID, record: [UInt8])] = []
        var pending = [treeID]
        var seen: Set<ObjectID> = []
        while let id = pending.popLast() {
            guard let bytes = made[id], seen.insert(id).inserted else { continue }
            records.append((id, HistoryRecord.whole(bytes)))
            if case .tree(let tree)? = try? HistoryObject(encoded: bytes) { pending.append(contentsOf: tree.entries.map(\.id)) }
        }
        return records
    }

    /// The files of a tree that may exist here alone.
    func snapshot(_ treeID: ObjectID) throws(HistoryError) -> Snapshot {
        var snapshot = Snapshot()
        var pending: [([[UInt8]], ObjectID)] = [([], treeID)]
        while let (names, treeID) = pending.popLast() {
            for entry in try tree(treeID).entries {
                let names = names + [entry.name]
                guard let path = FilePath(names: names) else { throw HistoryError(.tooLarge, "trees too deep", object: treeID) }
                switch entry.kind {
                case .tree: pending.append((names, entry.id))
                case .content: snapshot.files[path] = try content(entry.id)
                }
            }
        }
        return snapshot
    }
}
