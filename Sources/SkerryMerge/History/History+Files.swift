/// Commits from files whose content is in the store already: what a large directory is committed by, of which most files have not changed.
extension History {
    /// The identifier that content has, without storing it.
    public func id(ofContent content: [UInt8]) -> ObjectID { hash(HistoryObject.content(content).encoded) }

    /// Whether an object is here, whoever refers to it.
    public func contains(_ id: ObjectID) throws(HistoryError) -> Bool { try store.record(id) != nil }

    /// Every file of a commit by its identifier, without its content.
    ///
    /// - Complexity: the trees of the commit.
    public func files(of id: ObjectID) throws(HistoryError) -> [FilePath: ObjectID] {
        var files: [FilePath: ObjectID] = [:]
        var pending: [([[UInt8]], ObjectID)] = [([], try commit(id).tree)]
        while let (names, treeID) = pending.popLast() {
            for entry in try tree(treeID).entries {
                let names = names + [entry.name]
                guard let path = FilePath(names: names) else { throw HistoryError(.tooLarge, "trees too deep", object: treeID) }
                switch entry.kind {
                case .tree: pending.append((names, entry.id))
                case .content: files[path] = entry.id
                }
            }
        }
        return files
    }

    /// The contents of a tree, each at least once.
    func contentIDs(ofTree id: ObjectID) throws(HistoryError) -> [ObjectID] {
        var contents: [ObjectID] = []
        var pending = [id]
        while let treeID = pending.popLast() {
            for entry in try tree(treeID).entries {
                if entry.kind == .tree { pending.append(entry.id) } else { contents.append(entry.id) }
            }
        }
        return contents
    }

    /// Stores contents, for a commit that follows. Until then no name leads to them.
    ///
    /// - Parameter contents: each with the content it replaces, from which it is kept as a difference where that is shorter.
    /// - Returns: their identifiers, in order.
    public mutating func store(
        contents: [(content: [UInt8], replacing: ObjectID?)]
    ) throws(HistoryError) -> [ObjectID] {
        var writer = TreeWriter(history: self)
        var ids: [ObjectID] = []
        for (content, base) in contents { ids.append(try writer.write(content: content, replacing: base)) }
        try adopt(writer.records, commits: [], boundary: [])
        return ids
    }

    /// Records files on a branch, which is made if it does not exist. As ``commit(_:to:from:author:message:timestamp:)``, for contents that are
    /// stored.
    ///
    /// - Throws: also `dangling` when a content is not here.
    @discardableResult
    public mutating func commit(
        files: [FilePath: ObjectID], to branch: String, from: ObjectID? = nil, author: String, message: String, timestamp: UInt64
    ) throws(HistoryError) -> ObjectID {
        try commit(to: branch, from: from, author: author, message: message, timestamp: timestamp) { (writer, tree) throws(HistoryError) in
            try writer.write(files: files, replacing: tree)
        }
    }

    /// Ends a refused merge as ``commitMerge(of:into:settled:author:message:)`` does, with contents that are stored.
    @discardableResult
    public mutating func commitMerge(
        of other: ObjectID, into branch: String, files: [FilePath: ObjectID], author: String, message: String
    ) throws(HistoryError) -> ObjectID {
        try commitMerge(of: other, into: branch, author: author, message: message) { (writer, tree) throws(HistoryError) in
            try writer.write(files: files, replacing: tree)
        }
    }
}
