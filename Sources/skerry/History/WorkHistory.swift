import Glibc
import SkerryMerge
import SkerryReplication
import SkerryRocksDB
import SkerryStorage

/// A history in a directory of files, as the commands of `skerry history` use it.
struct WorkHistory: Sendable {
    typealias Store = DirectoryHistoryStore<PosixFileLayer>

    static let directoryName = ".skerry-history"
    static let defaultBranch = "main"
    private static let indexName = "index"
    /// Milliseconds between two looks whether somebody else has done writing, and how many there are.
    private static let busy = (pause: UInt32(10), tries: 500)
    private static let smallFileMaximum: UInt64 = 1 << 24

    /// The directory of files.
    let root: String
    var history: History<Store>
    var tree: WorkTree<PosixWorkFiles>
    /// Nil in a history without files (`init --bare`).
    private(set) var head: WorkTreeHead?
    /// Whether the file of the head tells of a commit that a crash interrupted, and ``head`` what became of it.
    private var isHeadStale = false
    private(set) var remotes: Remotes

    private var path: String { "\(root)/\(Self.directoryName)" }

    // MARK: Opening

    /// - Parameter start: where the search for a history begins, upwards.
    init(from start: String) throws(HistoryError) {
        guard let root = Self.find(from: start) else {
            throw HistoryError(.notFound, "neither \(start) nor a directory above it has a history; `skerry history init` makes one")
        }
        try self.init(root: root, creates: false)
    }

    init(root: String, creates: Bool, isBare: Bool = false) throws(HistoryError) {
        self.root = root
        let path = "\(root)/\(Self.directoryName)"
        let files = PosixFileLayer()
        let isNewRoot = creates && !isBare && access(root, F_OK) != 0
        let store = try Store(directory: path, files: files, creates: creates) { tries in
            usleep(Self.busy.pause * 1000)
            return tries < Self.busy.tries
        }
        // The history is its owner's alone, the directory of files is as the owner's others.
        if isNewRoot { chmod(root, 0o777 & ~Skerry.inheritedMask) }
        if creates, !isBare, try Self.contents(path, WorkTreeHead.fileName) == nil {
            try Self.replace(path, WorkTreeHead.fileName, WorkTreeHead(branch: Self.defaultBranch).encoded)
        }
        history = try History(store: store)
        history.reservedNames = IgnoreRules.reservedNames
        head = try Self.contents(path, WorkTreeHead.fileName).map { bytes throws(HistoryError) in
            guard let head = WorkTreeHead(encoded: bytes) else {
                throw HistoryError(.corrupt, "\(path)/\(WorkTreeHead.fileName) is damaged")
            }
            return head
        }
        remotes = Remotes(encoded: try Self.contents(path, Remotes.fileName) ?? [])
        let index = try Self.contents(path, Self.indexName, WorkTreeIndex.sizeMaximum).flatMap { WorkTreeIndex(encoded: $0) }
        let rules = IgnoreRules(try Self.contents(root, IgnoreRules.fileName) ?? [])
        tree = WorkTree(files: PosixWorkFiles(root: root, mask: Skerry.inheritedMask), rules: rules, index: index ?? WorkTreeIndex())
        try finishCommit()
    }

    /// After a crash in the middle of a commit: the files are those of the commit if the branch has it, and what they were if not.
    private mutating func finishCommit() throws(HistoryError) {
        guard var found = head, found.isCommitting else { return }
        if let branch = found.branch, let at = history.names[.branch(branch)], at != found.commit {
            let parents = try history.commit(at).parents
            let expected = [found.commit ?? history.rootID, found.merge?.other].compactMap(\.self).sorted()
            if parents.sorted() == expected {
                found.commit = at
                found.merge = nil
            }
        }
        found.isCommitting = false
        head = found
        isHeadStale = true
    }

    /// Writes what was found out after a crash: before a branch moves for another reason than the commit that was under way.
    mutating func settleHead() throws(HistoryError) {
        if isHeadStale, let head { try set(head: head) }
    }

    /// The nearest directory with a history, upwards.
    static func find(from start: String) -> String? {
        guard let resolved = realpath(start, nil) else { return nil }
        defer { free(resolved) }
        var directory = String(cString: resolved)
        while true {
            if exists(in: directory) { return directory }
            guard directory != "/", let slash = directory.lastIndex(of: "/") else { return nil }
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
    }

    static func exists(in directory: String) -> Bool { access("\(directory)/\(directoryName)/format", F_OK) == 0 }

    private static func contents(_ directory: String, _ name: String, _ maximum: UInt64 = smallFileMaximum) throws(HistoryError) -> [UInt8]?
    {
        do { return try FileAccess.read("\(directory)/\(name)", limit: Int(maximum)) } catch {
            if error.isMissing { return nil }
            throw HistoryError(.failed, "\(directory)/\(name): \(error.reason)")
        }
    }

    private static func replace(_ directory: String, _ name: String, _ bytes: [UInt8]) throws(HistoryError) {
        do { try FileAccess.replace("\(directory)/\(name)", with: bytes) } catch {
            throw HistoryError(.failed, "\(directory)/\(name): \(error.reason)")
        }
    }

    // MARK: Writing what belongs to the work tree

    mutating func set(head new: WorkTreeHead) throws(HistoryError) {
        try Self.replace(path, WorkTreeHead.fileName, new.encoded)
        head = new
        isHeadStale = false
    }

    mutating func set(remotes new: Remotes) throws(HistoryError) {
        try Self.replace(path, Remotes.fileName, new.encoded)
        remotes = new
    }

    func saveIndex() throws(HistoryError) { try Self.replace(path, Self.indexName, tree.index.encoded) }

    // MARK: The work tree

    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static var milliseconds: UInt64 { UInt64(nanoseconds / 1_000_000) }

    /// The head of a history that has files.
    func requireHead() throws(HistoryError) -> WorkTreeHead {
        guard let head else { throw HistoryError(.refused, "\(root) has no work tree: it was made with --bare") }
        return head
    }

    /// The files of the commit the work tree was made from.
    func baseFiles() throws(HistoryError) -> [FilePath: ObjectID] {
        guard let commit = head?.commit else { return [:] }
        return try history.files(of: commit)
    }

    /// Looks at the files, and remembers what they look like.
    mutating func scan(base: [FilePath: ObjectID]) throws(HistoryError) -> WorkTree<PosixWorkFiles>.Scan {
        let history = history
        let before = tree.index
        let scan = try tree.scan(tracked: Set(base.keys), now: Self.nanoseconds) { history.id(ofContent: $0) }
        if tree.index != before { try saveIndex() }
        return scan
    }

    /// Makes the files those of a commit, and the commit what the work tree stands on.
    ///
    /// - Parameter force: overwrites what was changed.
    mutating func checkOut(_ commit: ObjectID, branch: String?, force: Bool = false) throws(HistoryError) {
        let base = try baseFiles()
        let target = try history.files(of: commit)
        let scan = try scan(base: base)
        if !force {
            let obstacles = tree.obstacles(scan, from: base, to: target)
            if let first = obstacles.first {
                let more = obstacles.count > 1 ? " and \(obstacles.count - 1) more" : ""
                throw HistoryError(.refused, "\(first)\(more) would be overwritten; commit or undo the changes first, or use --force")
            }
        }
        try tree.checkOut(target, from: base, scan: scan, of: history, now: Self.nanoseconds, overwrites: force)
        try saveIndex()
        try set(head: WorkTreeHead(branch: branch, commit: commit))
    }

    // MARK: Revisions

    /// What a name means: a branch, a tag, a remote's branch, an identifier or its beginning, `HEAD`; with `~N` or `^N` behind it.
    func revision(_ text: String) throws(HistoryError) -> ObjectID {
        if let cut = text.lastIndex(where: { $0 == "~" || $0 == "^" }), cut != text.startIndex {
            let suffix = text[text.index(after: cut)...]
            guard let count = suffix.isEmpty ? 1 : Int(suffix), count >= 0 else { throw unknown(text) }
            var id = try revision(String(text[..<cut]))
            if text[cut] == "^" {
                if count == 0 { return id }
                let parents = try history.commit(id).parents
                guard count <= parents.count else { throw HistoryError(.notFound, "\(text[..<cut]) has \(parents.count) parents") }
                return try known(parents[count - 1], text)
            }
            for _ in 0..<count {
                guard let parent = try history.commit(id).parents.first else {
                    throw HistoryError(.notFound, "\(text) goes beyond the beginning")
                }
                id = try known(parent, text)
            }
            return id
        }
        if text == "HEAD" || text == "@" {
            guard let commit = head?.commit else { throw HistoryError(.notFound, "there is no commit yet") }
            return commit
        }
        for name in [HistoryName(text), .branch(text), .tag(text), HistoryName("remotes/\(text)")].compactMap({ $0 }) {
            if let id = history.names[name] { return id }
        }
        return try abbreviated(text)
    }

    /// Refuses names for branches and tags that the words above would read otherwise.
    static func check(name: String) throws(HistoryError) {
        guard name != "HEAD", name != "@", !name.hasPrefix("-"), !name.contains(where: { $0 == "~" || $0 == "^" }) else {
            throw HistoryError(.badName, "\"\(name)\" would not be read as a name")
        }
    }

    private func abbreviated(_ text: String) throws(HistoryError) -> ObjectID {
        let prefix = text.lowercased()
        guard (4...64).contains(prefix.utf8.count), prefix.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            throw unknown(text)
        }
        let found = history.log(from: Array(history.names.values)).filter { $0.description.hasPrefix(prefix) }
        guard found.count <= 1 else { throw HistoryError(.notFound, "\(text) is the beginning of \(found.count) commits") }
        guard let id = found.first else { throw unknown(text) }
        return id
    }

    private func known(_ id: ObjectID, _ text: String) throws(HistoryError) -> ObjectID {
        guard history.graph.contains(id) else { throw HistoryError(.notFound, "\(text) lies behind the end of this shallow clone") }
        return id
    }

    private func unknown(_ text: String) -> HistoryError { HistoryError(.notFound, "\"\(text)\" is neither a branch, a tag nor a commit") }

    /// A path as it was typed, from the root.
    func path(_ text: String) throws(HistoryError) -> FilePath {
        guard let path = FilePath(text) else { throw HistoryError(.badName, "\"\(text)\" is not a path below \(root)") }
        return path
    }
}
