/// A content-addressed history of files, over any store.
///
/// ```swift
/// var history = try History(store: MemoryHistoryStore())
/// try history.commit(snapshot, to: "main", author: "ada", message: "first", timestamp: now)
/// let outcome = try history.merge(otherHead, into: "main")
/// ```
///
/// A value that owns its store; calls block as the store does and must not overlap. Time comes in as an argument. The shape of the whole
/// history is in memory (``graph``), its content is read when asked for.
///
/// All histories begin with one commit, ``rootID``, which holds nothing, so that any two have a common ancestor.
public struct History<Store: HistoryStore>: Sendable {
    public private(set) var store: Store
    public let hash: ContentHash
    /// Who descends from whom.
    public private(set) var graph = CommitGraph()
    /// Branches, tags and what is known of remotes.
    public private(set) var names: [HistoryName: ObjectID] = [:]
    /// Names that no directory from outside may have, at any depth: those a work tree could not be checked out with.
    public var reservedNames: Set<[UInt8]> = []
    /// The commit that every history begins with.
    public let rootID: ObjectID
    private let emptyTreeID: ObjectID

    /// Opens what the store holds, or begins a history when it holds nothing.
    ///
    /// - Throws: ``HistoryError`` with `corrupt` or `notFound` when names lead to commits that cannot be read, and what the store throws.
    /// - Complexity: reads every commit that a name leads to.
    public init(store: Store, hash: ContentHash = .sha256) throws(HistoryError) {
        self.store = store
        self.hash = hash
        let emptyTree = HistoryObject.tree(.empty).encoded
        emptyTreeID = hash(emptyTree)
        let root = Commit(tree: emptyTreeID, parents: [], generation: 0, timestamp: 0, author: "", message: "")
        let rootBytes = HistoryObject.commit(root).encoded
        rootID = hash(rootBytes)
        try self.store.insert([(emptyTreeID, HistoryRecord.whole(emptyTree)), (rootID, HistoryRecord.whole(rootBytes))])
        try graph.insert(rootID, root)
        names = try store.names()
        try load(names.values.sorted(), boundary: try store.boundary())
    }

    /// Reads commits into the graph, parents first, without recursion.
    private mutating func load(_ heads: [ObjectID], boundary: Set<ObjectID>) throws(HistoryError) {
        var pending = heads
        var read: [ObjectID: Commit] = [:]
        while let id = pending.last {
            guard !graph.contains(id) else {
                pending.removeLast()
                continue
            }
            let commit: Commit
            if let known = read[id] { commit = known } else { commit = try self.commit(id) }
            let isBoundary = boundary.contains(id)
            let missing = isBoundary ? [] : commit.parents.filter { !graph.contains($0) }
            if missing.isEmpty {
                try graph.insert(id, commit, isBoundary: isBoundary)
                read[id] = nil
                pending.removeLast()
            } else {
                guard read.updateValue(commit, forKey: id) == nil else {
                    throw HistoryError(.corrupt, "a commit descends from itself", object: id)
                }
                pending.append(contentsOf: missing)
            }
        }
    }

    /// Whether nothing has a name but the parts of a broken transfer: what a clone may become.
    public var isEmpty: Bool { names.keys.allSatisfy(\.isIncoming) }

    /// Branches by name.
    public var branches: [String: ObjectID] {
        var branches: [String: ObjectID] = [:]
        for case (.branch(let name), let id) in names { branches[name] = id }
        return branches
    }
}

// MARK: - Reading

extension History {
    /// The bytes of an object, checked against its identifier.
    ///
    /// - Throws: ``HistoryError`` with `notFound`, or `corrupt` when the record is not of the grammar or hashes otherwise.
    /// - Complexity: at most 17 records.
    public func object(_ id: ObjectID) throws(HistoryError) -> [UInt8] {
        var deltas: [ArraySlice<UInt8>] = []
        var current = id
        while true {
            guard let record = try store.record(current) else { throw HistoryError(.notFound, "no such object", object: current) }
            do throws(FormatError) {
                switch try HistoryRecord.parse(record) {
                case .whole(let bytes):
                    var object = Array(bytes)
                    while let delta = deltas.popLast() { object = try ByteDelta.apply(delta, to: object) }
                    var isSound = hash(object) == id
                    #if DEBUG
                    if HistoryDefects.has(.hashUnchecked) { isSound = true }
                    #endif
                    guard isSound else { throw FormatError(.malformed, at: 0, "the hash differs") }
                    return object
                case .delta(let base, _, let delta):
                    var isBounded = deltas.count < HistoryRecord.chainMaximum
                    #if DEBUG
                    if HistoryDefects.has(.chainUnbounded) { isBounded = true }
                    #endif
                    guard isBounded else { throw FormatError(.tooLarge, at: 0, "a chain without end") }
                    deltas.append(delta)
                    current = base
                }
            } catch {
                throw HistoryError(.corrupt, "\(error)", object: id)
            }
        }
    }

    func decoded(_ id: ObjectID) throws(HistoryError) -> HistoryObject {
        let bytes = try object(id)
        do { return try HistoryObject(encoded: bytes) } catch { throw HistoryError(.corrupt, "\(error)", object: id) }
    }

    public func commit(_ id: ObjectID) throws(HistoryError) -> Commit {
        guard case .commit(let commit) = try decoded(id) else { throw HistoryError(.corrupt, "not a commit", object: id) }
        return commit
    }

    public func tree(_ id: ObjectID) throws(HistoryError) -> Tree {
        guard case .tree(let tree) = try decoded(id) else { throw HistoryError(.corrupt, "not a tree", object: id) }
        return tree
    }

    public func content(_ id: ObjectID) throws(HistoryError) -> [UInt8] {
        guard case .content(let bytes) = try decoded(id) else { throw HistoryError(.corrupt, "not content", object: id) }
        return bytes
    }

    /// Where a name leads.
    ///
    /// - Throws: ``HistoryError`` with `notFound`.
    public func resolve(_ name: HistoryName) throws(HistoryError) -> ObjectID {
        guard let id = names[name] else { throw HistoryError(.notFound, "there is no \(name)") }
        return id
    }

    /// Everything a commit holds.
    ///
    /// - Complexity: the size of the snapshot, times at most 17 records an object; the length of the history does not matter.
    public func checkout(_ id: ObjectID) throws(HistoryError) -> Snapshot {
        var snapshot = Snapshot()
        var pending: [([[UInt8]], ObjectID)] = [([], try commit(id).tree)]
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

    /// Newest first, every commit before its parents.
    public func log(from heads: [ObjectID]) -> [ObjectID] { graph.log(from: heads) }
}

// MARK: - Writing

extension History {
    /// Records a state on a branch, which is made if it does not exist.
    ///
    /// - Parameters:
    ///   - timestamp: milliseconds since 1970.
    ///   - from: where the branch stands, if somebody else may move it; the present head when nil.
    /// - Throws: ``HistoryError`` with `noChange` when the state is that of the head, `badName`, `tooLarge`, `changedMeanwhile`.
    @discardableResult
    public mutating func commit(
        _ snapshot: Snapshot, to branch: String, from: ObjectID? = nil, author: String, message: String, timestamp: UInt64
    ) throws(HistoryError) -> ObjectID {
        try commit(to: branch, from: from, author: author, message: message, timestamp: timestamp) { (writer, tree) throws(HistoryError) in
            try writer.write(snapshot, replacing: tree)
        }
    }

    /// - Parameter write: makes the tree, given the one it replaces.
    mutating func commit(
        to branch: String, from: ObjectID?, author: String, message: String, timestamp: UInt64,
        _ write: (inout TreeWriter<Store>, ObjectID) throws(HistoryError) -> ObjectID
    ) throws(HistoryError) -> ObjectID {
        guard author.utf8.count <= Commit.textMaximum, message.utf8.count <= Commit.textMaximum else {
            throw HistoryError(.tooLarge, "an author or message beyond \(Commit.textMaximum) bytes")
        }
        let name = HistoryName.branch(branch)
        let head = names[name]
        guard from == nil || from == head else { throw HistoryError(.changedMeanwhile, "\(name) moved", object: head) }
        let parentID = head ?? rootID
        let parent = try commit(parentID)
        var writer = TreeWriter(history: self)
        let treeID = try write(&writer, parent.tree)
        var isChange = treeID != parent.tree
        #if DEBUG
        if HistoryDefects.has(.emptyCommit) { isChange = true }
        #endif
        guard isChange else { throw HistoryError(.noChange, "the snapshot is what \(name) holds already") }
        let commit = Commit(
            tree: treeID, parents: [parentID], generation: parent.generation + 1, timestamp: timestamp, author: author, message: message)
        return try add(commit, writer.records, to: name)
    }

    /// Stores a commit with what it needs and moves a name to it.
    @discardableResult
    mutating func add(
        _ commit: Commit, _ records: [(id: ObjectID, record: [UInt8])], to name: HistoryName
    ) throws(HistoryError) -> ObjectID {
        let bytes = HistoryObject.commit(commit).encoded
        let id = hash(bytes)
        try store.insert(records + [(id, HistoryRecord.whole(bytes))])
        try graph.insert(id, commit)
        try move(name, from: names[name], to: id)
        return id
    }

    /// Makes a branch.
    ///
    /// - Throws: ``HistoryError`` with `nameTaken`, `badName`, or `notFound` when there is no such commit.
    public mutating func createBranch(_ name: String, at id: ObjectID) throws(HistoryError) { try create(.branch(name), at: id) }

    /// Makes a tag; tags never move.
    public mutating func createTag(_ name: String, at id: ObjectID) throws(HistoryError) { try create(.tag(name), at: id) }

    private mutating func create(_ name: HistoryName, at id: ObjectID) throws(HistoryError) {
        guard names[name] == nil else { throw HistoryError(.nameTaken, "\(name) exists", object: names[name]) }
        guard graph.contains(id) else { throw HistoryError(.notFound, "no such commit", object: id) }
        try move(name, from: nil, to: id)
    }

    /// Takes a name away; what only it led to is collected later.
    public mutating func delete(_ name: HistoryName) throws(HistoryError) { try move(name, from: try resolve(name), to: nil) }

    /// Moves names, all or none.
    public mutating func move(_ changes: [NameChange], boundary: Set<ObjectID>? = nil) throws(HistoryError) {
        for change in changes {
            guard change.name.isAllowed else { throw HistoryError(.badName, "\(change.name) is not a name") }
            if let to = change.to, !graph.contains(to) { throw HistoryError(.dangling, "\(change.name) would lead nowhere", object: to) }
        }
        try store.update(names: changes, boundary: boundary)
        for change in changes { names[change.name] = change.to }
    }

    mutating func move(_ name: HistoryName, from: ObjectID?, to: ObjectID?) throws(HistoryError) {
        try move([NameChange(name, from: from, to: to)])
    }

    /// Adds commits that were verified to the graph.
    mutating func adopt(
        _ records: [(id: ObjectID, record: [UInt8])], commits: [(ObjectID, Commit)], boundary: Set<ObjectID>
    ) throws(HistoryError) {
        try store.insert(records)
        for (id, commit) in commits { try graph.insert(id, commit, isBoundary: boundary.contains(id)) }
    }

    /// After a collection: commits that no name leads to are no longer known.
    mutating func rebuildGraph() throws(HistoryError) {
        let root = try commit(rootID)
        graph = CommitGraph()
        try graph.insert(rootID, root)
        try load(names.values.sorted(), boundary: try store.boundary())
    }

    /// Moves the boundary to where parents are missing indeed, after older commits came in.
    mutating func settleBoundary(with more: [NameChange]) throws(HistoryError) {
        var boundary: Set<ObjectID> = []
        for id in graph.boundary.union(try store.boundary()) where graph.contains(id) {
            for parent in try commit(id).parents where !graph.contains(parent) { boundary.insert(id) }
        }
        try move(more, boundary: boundary)
        try rebuildGraph()
    }

    mutating func replace(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError) { try store.replace(records) }

    mutating func forget(_ ids: [ObjectID]) throws(HistoryError) { try store.remove(ids) }
}

/// Turns a snapshot into trees, and the objects that are new into records.
struct TreeWriter<Store: HistoryStore> {
    let history: History<Store>
    private(set) var records: [(id: ObjectID, record: [UInt8])] = []
    private var written: Set<ObjectID> = []

    init(history: History<Store>) { self.history = history }

    /// - Parameter replacing: the tree whose contents serve as bases for differences.
    mutating func write(_ snapshot: Snapshot, replacing treeID: ObjectID) throws(HistoryError) -> ObjectID {
        let files = snapshot.files.sorted { $0.key < $1.key }
        return try write(files[...], depth: 0, replacing: treeID) { (writer, content, base) throws(HistoryError) in
            try writer.write(content: content, replacing: base)
        }
    }

    /// As ``write(_:replacing:)``, of contents that are in the store.
    mutating func write(files: [FilePath: ObjectID], replacing treeID: ObjectID) throws(HistoryError) -> ObjectID {
        let files = files.sorted { $0.key < $1.key }
        let known = Set(try history.contentIDs(ofTree: treeID))
        return try write(files[...], depth: 0, replacing: treeID) { (writer, id, _) throws(HistoryError) in
            if known.contains(id) { return id }
            guard try writer.history.contains(id) else { throw HistoryError(.dangling, "content that is not here", object: id) }
            return id
        }
    }

    private mutating func write<Content>(
        _ files: ArraySlice<(key: FilePath, value: Content)>, depth: Int, replacing treeID: ObjectID?,
        _ store: (inout Self, Content, ObjectID?) throws(HistoryError) -> ObjectID
    ) throws(HistoryError) -> ObjectID {
        let before = if let treeID { try history.tree(treeID) } else { Tree.empty }
        var entries: [Tree.Entry] = []
        var rest = files
        while let first = rest.first {
            let name = first.key.names[depth]
            let group = rest.prefix { $0.key.names[depth] == name }
            rest = rest[group.endIndex...]
            let old = before[name]
            if first.key.names.count == depth + 1 {
                // Sorting puts a file before those below a directory of its name.
                guard group.count == 1 else { throw HistoryError(.badName, "\(first.key) is a file and a directory") }
                let base = old?.kind == .content ? old?.id : nil
                entries.append(Tree.Entry(kind: .content, name: name, id: try store(&self, first.value, base)))
            } else {
                let base = old?.kind == .tree ? old?.id : nil
                entries.append(Tree.Entry(kind: .tree, name: name, id: try write(group, depth: depth + 1, replacing: base, store)))
            }
        }
        return try add(HistoryObject.tree(Tree(entries)).encoded, replacing: nil)
    }

    mutating func write(content: [UInt8], replacing base: ObjectID?) throws(HistoryError) -> ObjectID {
        guard content.count + 2 <= HistoryObject.sizeMaximum else { throw HistoryError(.tooLarge, "content of \(content.count) bytes") }
        return try add(HistoryObject.content(content).encoded, replacing: base)
    }

    private mutating func add(_ object: [UInt8], replacing base: ObjectID?) throws(HistoryError) -> ObjectID {
        let id = history.hash(object)
        if written.contains(id) { return id }
        if try history.store.record(id) != nil { return id }
        written.insert(id)
        records.append((id, try record(object, base) ?? HistoryRecord.whole(object)))
        return id
    }

    private func record(_ object: [UInt8], _ base: ObjectID?) throws(HistoryError) -> [UInt8]? {
        guard let base, object.count >= HistoryRecord.deltaMinimum, let record = try history.store.record(base) else { return nil }
        let chain: Int
        do throws(FormatError) {
            switch try HistoryRecord.parse(record) {
            case .whole: chain = 1
            case .delta(_, let length, _): chain = length + 1
            }
        } catch {
            throw HistoryError(.corrupt, "\(error)", object: base)
        }
        #if DEBUG
        if HistoryDefects.has(.chainUnbounded) { return HistoryRecord.delta(of: object, from: try history.object(base), base, chain: 1) }
        #endif
        guard chain <= HistoryRecord.chainMaximum else { return nil }
        return HistoryRecord.delta(of: object, from: try history.object(base), base, chain: chain)
    }
}
