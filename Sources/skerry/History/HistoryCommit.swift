import ArgumentParser
import SkerryMerge
import SkerryReplication

struct HistoryCommit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Record the files as they are.",
        discussion: """
            After a merge with conflicts it records how they were settled, and refuses while there are conflict markers in a file that had conflicts.

            With --stdin one file alone is recorded, on top of the last commit, with what comes from standard input.
            """)

    @Option(name: .shortAndLong, help: "What changed.")
    var message: String?
    @Option(help: "Who commits. [environment: \(Author.variable); default: user@host]")
    var author: String?
    @Option(help: ArgumentHelp("Record standard input as this file.", valueName: "path"))
    var stdin: String?
    @Option(help: ArgumentHelp("The branch to record on, with --stdin; default: the one checked out.", valueName: "name"))
    var branch: String?
    @Flag(help: "Commit files with conflict markers.")
    var allowMarkers = false
    @OptionGroup var location: HistoryLocation

    func validate() throws {
        guard branch == nil || stdin != nil else { throw ValidationError("--branch goes with --stdin; `checkout` changes the branch.") }
    }

    func run() throws {
        var work = try location.open()
        let (id, name) = try reporting { () throws(HistoryError) in try commit(&work) }
        let subject = (message ?? "merge").split(separator: "\n").first.map(String.init) ?? ""
        StandardOutput.write("[\(name) \(id.abbreviated)] \(subject)\n")
    }

    private func commit(_ work: inout WorkHistory) throws(HistoryError) -> (ObjectID, String) {
        if let stdin { return try commit(standardInputAs: stdin, &work) }
        var head = try work.requireHead()
        guard let branch = head.branch else {
            throw HistoryError(.refused, "no branch is checked out; `skerry history checkout -b NAME` makes one here")
        }
        guard message != nil || head.merge != nil else { throw HistoryError(.refused, "say what changed with --message") }
        guard work.history.names[.branch(branch)] == head.commit else {
            throw HistoryError(
                .refused,
                "\(branch) has moved since it was checked out; `skerry history merge \(branch)` brings that here, where changes stand in "
                    + "its way `skerry history checkout -b NAME` takes them to a branch of their own first")
        }
        guard head.merge?.isLaidOut ?? true else {
            throw HistoryError(.refused, "the merge was interrupted; `skerry history merge --abort` and merge again")
        }
        let base = try work.baseFiles()
        let scan = try work.scan(base: base)
        if let merge = head.merge { try check(merge, scan, work) }
        let files = try work.tree.store(scan, replacing: base, in: &work.history)
        // The branch moves before the head says so: between the two a crash leaves this note (``WorkHistory/finishCommit()``).
        head.isCommitting = true
        try work.set(head: head)
        let id: ObjectID
        do throws(HistoryError) { id = try record(files, branch, head, &work) } catch {
            head.isCommitting = false
            try work.set(head: head)
            throw error
        }
        try work.saveIndex()
        head.commit = id
        head.merge = nil
        head.isCommitting = false
        try work.set(head: head)
        Self.sayWhatIsNotKept(scan, base)
        return (id, branch)
    }

    private func record(
        _ files: [FilePath: ObjectID], _ branch: String, _ head: WorkTreeHead, _ work: inout WorkHistory
    ) throws(HistoryError) -> ObjectID {
        guard let merge = head.merge else {
            return try work.history.commit(
                files: files, to: branch, from: head.commit, author: Author.name(author), message: message ?? "",
                timestamp: WorkHistory.milliseconds)
        }
        let text = message ?? "merge \(merge.name)"
        return try work.history.commitMerge(of: merge.other, into: branch, files: files, author: Author.name(author), message: text)
    }

    /// On standard error; of executable files only those that are new, as later commits would repeat it.
    private static func sayWhatIsNotKept(_ scan: WorkTree<PosixWorkFiles>.Scan, _ base: [FilePath: ObjectID]) {
        let executable = scan.executable.filter { base[$0] == nil }.map { QuotedPath.bytes($0) }
        for (paths, what) in [
            (scan.leftOut.map { QuotedPath.bytes(Array($0.utf8)) }, "not in the commit, being a link, a device or too deep: "),
            (executable, "in the commit, but not that it is executable: "),
        ] {
            guard let first = paths.first else { continue }
            let more = paths.count > 1 ? " and \(paths.count - 1) more" : ""
            StandardOutput.writeError("skerry: \(what)\(String(decoding: first, as: UTF8.self))\(more)\n")
        }
    }

    private func check(_ merge: WorkTreeHead.Merge, _ scan: WorkTree<PosixWorkFiles>.Scan, _ work: WorkHistory) throws(HistoryError) {
        guard !allowMarkers else { return }
        for path in merge.conflicts where scan.files[path] != nil {
            let content = try work.tree.files.read(path).content
            if ConflictText.hasMarkers(content) {
                throw HistoryError(.refused, "\(path) still has conflict markers; settle them, or commit them with --allow-markers")
            }
        }
    }

    private func commit(standardInputAs text: String, _ work: inout WorkHistory) throws(HistoryError) -> (ObjectID, String) {
        let path = try work.path(text)
        guard !IgnoreRules.isReserved(path) else { throw HistoryError(.badName, "\(path) is not a path that is checked out") }
        guard let branch = branch ?? work.head?.branch ?? (work.head == nil ? WorkHistory.defaultBranch : nil) else {
            throw HistoryError(.refused, "no branch is checked out; name one with --branch")
        }
        guard work.head?.merge == nil else { throw HistoryError(.refused, "a merge is under way; commit or abort it first") }
        guard let message else { throw HistoryError(.refused, "say what changed with --message") }
        let content: [UInt8]
        do { content = try StandardInput.readAll(maximum: HistoryObject.sizeMaximum - 2) } catch {
            throw HistoryError(.failed, error.message)
        }
        try work.settleHead()
        let at = work.history.names[.branch(branch)]
        var files: [FilePath: ObjectID] = [:]
        if let at { files = try work.history.files(of: at) }
        let stored = try work.history.store(contents: [(content, files[path])])
        files[path] = stored.first
        let id = try work.history.commit(
            files: files, to: branch, from: at, author: Author.name(author), message: message, timestamp: WorkHistory.milliseconds)
        // The work tree stood there: it gets the file as well, unless somebody has changed it.
        if let head = work.head, head.branch == branch, head.commit == at { try work.checkOut(id, branch: branch) }
        return (id, branch)
    }
}

/// Conflicts in a text.
enum ConflictText {
    /// Whether a line begins as one that a merge writes around a conflict.
    static func hasMarkers(_ content: [UInt8]) -> Bool {
        let marks = [UInt8(ascii: "<"), UInt8(ascii: ">")].map { [UInt8](repeating: $0, count: 7) + [0x20] }
        return TextLines(content).contains { line in marks.contains { line.starts(with: $0) } }
    }
}
