public import SkerryMerge

/// A directory of files beside a history: looks what changed, commits it, and makes the files those of a commit.
///
/// Two of a kind never run at once over one directory. Calls block; time comes in as an argument.
public struct WorkTree<Files: WorkFiles>: Sendable {
    public let files: Files
    public var rules: IgnoreRules
    public private(set) var index: WorkTreeIndex

    public init(files: Files, rules: IgnoreRules = IgnoreRules(), index: WorkTreeIndex = WorkTreeIndex()) {
        self.files = files
        self.rules = rules
        self.index = index
    }

    /// What a look at the files found.
    public struct Scan: Sendable, Hashable {
        /// Each file with the identifier of its content.
        public var files: [FilePath: ObjectID] = [:]
        /// Links, sockets, names that no history holds and directories too deep for one, which were left out.
        public var leftOut: [String] = []
        /// Files that may be executed: which is not kept.
        public var executable: [FilePath] = []
        /// Files that had to be read.
        public var readCount = 0

        public init() {}
    }

    /// Looks at every file, reading only those that look different from before.
    ///
    /// - Parameters:
    ///   - tracked: paths that count even where the rules leave them alone.
    ///   - identify: the identifier that content has (``History/id(ofContent:)``).
    ///   - now: nanoseconds since 1970.
    /// - Complexity: one look a file, and the size of what changed.
    public mutating func scan(
        tracked: Set<FilePath> = [], now: Int64, identify: ([UInt8]) -> ObjectID
    ) throws(HistoryError) -> Scan {
        var scan = Scan()
        var pending: [[[UInt8]]] = [[]]
        let trackedDirectories = Set(tracked.flatMap { path in path.names.indices.map { Array(path.names[..<$0]) } })
        while let directory = pending.popLast() {
            for entry in try files.entries(of: directory) {
                let names = directory + [entry.name]
                switch entry.kind {
                case .directory:
                    guard !rules.ignores(names, isDirectory: true) || trackedDirectories.contains(names) else { continue }
                    if names.count < FilePath.depthMaximum { pending.append(names) } else { scan.leftOut.append(Self.text(names)) }
                case .other: if !rules.ignores(names, isDirectory: false) { scan.leftOut.append(Self.text(names)) }
                case .file(let stamp):
                    guard let path = FilePath(names: names) else {
                        scan.leftOut.append(Self.text(names))
                        continue
                    }
                    guard !IgnoreRules.isReserved(path), tracked.contains(path) || !isLeftAlone(path) else { continue }
                    if entry.isExecutable { scan.executable.append(path) }
                    try look(at: path, stamp, now, &scan, identify)
                }
            }
        }
        for path in index.entries.keys where scan.files[path] == nil { index.forget(path) }
        scan.leftOut.sort()
        scan.executable.sort()
        return scan
    }

    /// Whether the rules leave a file alone, by its own name or one above it.
    private func isLeftAlone(_ path: FilePath) -> Bool {
        rules.ignores(path.names, isDirectory: false)
            || path.names.indices.dropFirst().contains { rules.ignores(Array(path.names[..<$0]), isDirectory: true) }
    }

    private static func text(_ names: [[UInt8]]) -> String { names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/") }

    private mutating func look(
        at path: FilePath, _ stamp: FileStamp, _ now: Int64, _ scan: inout Scan, _ identify: ([UInt8]) -> ObjectID
    ) throws(HistoryError) {
        if let known = index.id(of: path, stamp) {
            scan.files[path] = known
            return
        }
        do throws(HistoryError) {
            let (content, stamp) = try files.read(path)
            let id = identify(content)
            scan.files[path] = id
            scan.readCount += 1
            index.note(path, stamp, id, now: now)
        } catch {
            // Gone since it was listed.
            guard error.code == .notFound else { throw error }
            index.forget(path)
        }
    }

    /// Bytes of contents that are stored at a time: 8 MiB.
    private static var storeBatch: Int { 8 << 20 }

    /// Stores the contents of a scan that the history lacks.
    ///
    /// - Parameter base: the files of the commit before, whose contents new ones are kept as differences from.
    /// - Returns: the files as they are stored: one that changed since the scan is stored as it is now, one that went is left out.
    public mutating func store<Store: HistoryStore>(
        _ scan: Scan, replacing base: [FilePath: ObjectID], in history: inout History<Store>
    ) throws(HistoryError) -> [FilePath: ObjectID] {
        var stored = scan.files
        var batch: [(path: FilePath, content: [UInt8])] = []
        var size = 0
        for (path, id) in scan.files.sorted(by: { $0.key < $1.key }) where base[path] != id {
            if try history.contains(id) { continue }
            do throws(HistoryError) {
                let content = try files.read(path).content
                batch.append((path, content))
                size += content.count
            } catch {
                guard error.code == .notFound else { throw error }
                stored[path] = nil
            }
            if size >= Self.storeBatch {
                try flush(&batch, base, &stored, &history)
                size = 0
            }
        }
        try flush(&batch, base, &stored, &history)
        return stored
    }

    private mutating func flush<Store: HistoryStore>(
        _ batch: inout [(path: FilePath, content: [UInt8])], _ base: [FilePath: ObjectID], _ stored: inout [FilePath: ObjectID],
        _ history: inout History<Store>
    ) throws(HistoryError) {
        guard !batch.isEmpty else { return }
        let ids = try history.store(contents: batch.map { ($0.content, base[$0.path]) })
        for (entry, id) in zip(batch, ids) {
            if stored[entry.path] != id { index.forget(entry.path) }
            stored[entry.path] = id
        }
        batch = []
    }

    /// Files that stand in the way of going from one state to another: changed here, or not known to the history, and different there.
    public func obstacles(_ scan: Scan, from base: [FilePath: ObjectID], to target: [FilePath: ObjectID]) -> [FilePath] {
        var blocked: [FilePath] = []
        for path in Set(base.keys).union(target.keys).union(scan.files.keys).sorted() {
            let here = scan.files[path]
            guard base[path] != target[path], here != base[path], here != target[path] else { continue }
            blocked.append(path)
        }
        // A file that nobody knows where the target has a directory, or the other way round.
        let directories = Set(target.keys.flatMap { path in path.names.indices.dropFirst().map { Array(path.names[..<$0]) } })
        for (path, _) in scan.files where base[path] == nil && target[path] == nil {
            let isInTheWay =
                directories.contains(path.names)
                || path.names.indices.dropFirst().contains { FilePath(names: Array(path.names[..<$0])).map { target[$0] != nil } ?? false }
            if isInTheWay { blocked.append(path) }
        }
        return Set(blocked).sorted()
    }

    /// Makes the files those of `target`, leaving alone what is so already.
    ///
    /// A crash leaves each file as it was or as it should be; the same call again completes it.
    ///
    /// - Parameters:
    ///   - base: the files that the work tree was made from; those that the target lacks are removed.
    ///   - overwrites: whether files that are the same in both states, but were changed here, are made so again; else they stay as they are.
    /// - Throws: ``HistoryError`` with `badName` for a path that reaches into the history, before anything is changed.
    public mutating func checkOut<Store: HistoryStore>(
        _ target: [FilePath: ObjectID], from base: [FilePath: ObjectID], scan: Scan, of history: History<Store>, now: Int64,
        overwrites: Bool = false
    ) throws(HistoryError) {
        if let path = target.keys.filter(IgnoreRules.isReserved).min() {
            throw HistoryError(.badName, "\(path) is not a path that is checked out")
        }
        // First what goes: it may stand where a directory comes.
        for path in base.keys.sorted() where target[path] == nil && scan.files[path] != nil {
            try files.remove(path)
            index.forget(path)
        }
        for (path, id) in target.sorted(by: { $0.key < $1.key }) where scan.files[path] != id && (overwrites || base[path] != id) {
            let stamp = try files.write(path, try history.content(id))
            index.note(path, stamp, id, now: now)
        }
    }

    /// Writes contents that no commit holds, such as those of a merge with conflicts.
    public mutating func write(_ contents: [FilePath: [UInt8]]) throws(HistoryError) {
        if let path = contents.keys.filter(IgnoreRules.isReserved).min() {
            throw HistoryError(.badName, "\(path) is not a path that is checked out")
        }
        for (path, content) in contents.sorted(by: { $0.key < $1.key }) {
            _ = try files.write(path, content)
            index.forget(path)
        }
    }

    /// Removes a file.
    public mutating func remove(_ path: FilePath) throws(HistoryError) {
        try files.remove(path)
        index.forget(path)
    }
}
