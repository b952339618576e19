import ArgumentParser
import SkerryMerge
import SkerryReplication

struct HistoryDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what differs, as patch and git read it.",
        discussion: """
            Without a revision the files are compared with the last commit, with one with that, and with two these with each other. Paths after \
            -- show only what stands there or below.
            """)

    @Option(
        name: [.customShort("U", allowingJoined: true), .long],
        help: ArgumentHelp("Unchanged lines shown around a change.", valueName: "lines"))
    var unified = 3
    @Flag(help: "Only names, with A, M or D before them.")
    var nameStatus = false
    @Flag(help: "End with 1 when there are differences.")
    var exitCode = false
    @Option(help: ArgumentHelp("Compare this file of the revision with standard input.", valueName: "path"))
    var stdin: String?
    @OptionGroup var colours: ColourOption
    @OptionGroup var location: HistoryLocation
    @Argument(help: "The revision on the left; default: HEAD.")
    var old: String?
    @Argument(help: "The revision on the right; default: the files as they are.")
    var new: String?
    @Argument(parsing: .postTerminator, help: "Only these files and directories.")
    var paths: [String] = []

    func validate() throws {
        guard stdin == nil || new == nil else { throw ValidationError("One revision at most goes with --stdin.") }
        guard unified >= 0 else { throw ValidationError("--unified is not negative.") }
    }

    func run() throws {
        var work = try location.open()
        let isDifferent = try reporting { () throws(HistoryError) in try show(&work) }
        if exitCode, isDifferent { throw ExitCode.failure }
    }

    private func show(_ work: inout WorkHistory) throws(HistoryError) -> Bool {
        if let stdin { return try showStandardInput(as: stdin, work) }
        let base = try work.baseFiles()
        let old = if let old { try work.history.files(of: try work.revision(old)) } else { base }
        var isWorkTree = false
        let new: [FilePath: ObjectID]
        if let revision = self.new {
            new = try work.history.files(of: try work.revision(revision))
        } else {
            _ = try work.requireHead()
            new = try work.scan(base: base).files
            isWorkTree = true
        }
        var selected: [FilePath] = []
        for path in paths { selected.append(try work.path(path)) }
        let changed = Set(old.keys).union(new.keys).filter { path in
            old[path] != new[path] && (selected.isEmpty || selected.contains { path.names.starts(with: $0.names) })
        }
        for path in changed.sorted() {
            if nameStatus {
                let mark = old[path] == nil ? "A\t" : new[path] == nil ? "D\t" : "M\t"
                StandardOutput.write(bytes: Array(mark.utf8) + QuotedPath.bytes(path) + [0x0A])
                continue
            }
            let before: [UInt8]? = if let id = old[path] { try work.history.content(id) } else { nil }
            var after: [UInt8]?
            if let id = new[path] { after = isWorkTree ? try work.tree.files.read(path).content : try work.history.content(id) }
            guard FileDiff(path: path, old: before, new: after, context: unified, isColoured: colours.isColoured).write() else { break }
        }
        return !changed.isEmpty
    }

    private func showStandardInput(as text: String, _ work: WorkHistory) throws(HistoryError) -> Bool {
        let path = try work.path(text)
        let files = try work.history.files(of: try work.revision(old ?? "HEAD"))
        let before: [UInt8]? = if let id = files[path] { try work.history.content(id) } else { nil }
        let after: [UInt8]
        do { after = try StandardInput.readAll(maximum: HistoryObject.sizeMaximum) } catch { throw HistoryError(.failed, error.message) }
        guard before != after else { return false }
        _ = FileDiff(path: path, old: before, new: after, context: unified, isColoured: colours.isColoured).write()
        return true
    }
}

/// One file's change in the form of `git diff`.
struct FileDiff {
    let path: FilePath
    /// Nil where the file is not there.
    let old: [UInt8]?
    let new: [UInt8]?
    let context: Int
    let isColoured: Bool

    /// Bytes in which a NUL makes a file binary, as for git.
    private static let binaryProbe = 8000

    /// - Returns: false when the reader went away.
    func write() -> Bool {
        let a = QuotedPath.bytes(path, prefix: "a/"), b = QuotedPath.bytes(path, prefix: "b/")
        var head: [UInt8] = []
        line(Array("diff --git ".utf8) + a + [0x20] + b, &head)
        if old == nil { line(Array("new file mode 100644".utf8), &head) }
        if new == nil { line(Array("deleted file mode 100644".utf8), &head) }
        let isBinary = [old, new].contains { $0?.prefix(Self.binaryProbe).contains(0) ?? false }
        if isBinary {
            head += Array("Binary files ".utf8) + (old == nil ? Array("/dev/null".utf8) : a) + Array(" and ".utf8)
            head += (new == nil ? Array("/dev/null".utf8) : b) + Array(" differ\n".utf8)
        }
        let source = TextLines(old ?? []), target = TextLines(new ?? [])
        let isEmpty = source.bytes == target.bytes
        if !isBinary, !isEmpty {
            name("--- ", old == nil ? nil : a, &head)
            name("+++ ", new == nil ? nil : b, &head)
        }
        guard StandardOutput.write(bytes: head), !isBinary, !isEmpty else { return true }
        struct Gone: Error {}
        do throws(Gone) {
            try UnifiedFormat(context: context, isColoured: isColoured).write(source.diff(to: target), from: source, to: target) {
                (piece) throws(Gone) in if !StandardOutput.write(piece) { throw Gone() }
            }
            return true
        } catch {
            return false
        }
    }

    private func name(_ mark: String, _ name: [UInt8]?, _ head: inout [UInt8]) {
        // A tab ends a name with spaces, so that nobody takes what follows for a date.
        let end: [UInt8] = name?.contains(0x20) == true && name?.first != 0x22 ? [0x09] : []
        line(Array(mark.utf8) + (name ?? Array("/dev/null".utf8)) + end, &head)
    }

    private func line(_ text: [UInt8], _ head: inout [UInt8]) {
        head += isColoured ? Array("\u{1B}[1m".utf8) + text + Array("\u{1B}[m\n".utf8) : text + [0x0A]
    }
}
