import ArgumentParser
import SkerryMerge
import SkerryReplication

struct HistoryMerge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Bring what another branch or commit has into the branch that is checked out.",
        discussion: """
            Where both changed the same lines, the files get conflict markers and the command ends with 1. Settle them and `skerry history commit`, \
            or take everything back with `skerry history merge --abort`.
            """)

    @Flag(help: "Take back a merge that is not committed.")
    var abort = false
    @OptionGroup var location: HistoryLocation
    @Argument(help: "What to bring in.")
    var revision: String?

    func validate() throws {
        guard abort == (revision == nil) else { throw ValidationError("Name one revision, or --abort.") }
    }

    func run() throws {
        var work = try location.open()
        let isSettled = try reporting { () throws(HistoryError) in
            guard let revision else {
                try work.abortMerge()
                return true
            }
            return try work.merge(try work.revision(revision), named: revision)
        }
        if !isSettled { throw ExitCode.failure }
    }
}

extension WorkHistory {
    /// Merges a commit into the branch that is checked out, and says how that went.
    ///
    /// - Returns: false when conflicts are to be settled.
    mutating func merge(_ other: ObjectID, named name: String) throws(HistoryError) -> Bool {
        try settleHead()
        let head = try requireHead()
        guard let branch = head.branch else { throw HistoryError(.refused, "no branch is checked out") }
        guard head.merge == nil else {
            throw HistoryError(.refused, "another merge is under way; commit it or `skerry history merge --abort`")
        }
        let base = try baseFiles()
        let scan = try scan(base: base)
        guard let at = history.names[.branch(branch)] else {
            // The branch has no commit yet.
            try checkOut(other, branch: branch)
            try history.createBranch(branch, at: other)
            StandardOutput.write("\(branch) is at \(other.abbreviated) now\n")
            return true
        }
        if at != head.commit {
            // Somebody pushed to the branch: the files follow before anything else happens.
            guard let commit = head.commit, history.graph.isAncestor(commit, of: at) else {
                throw HistoryError(.refused, "\(branch) has moved to \(at.abbreviated), which does not lead here; check it out")
            }
            try checkOut(at, branch: branch)
            StandardOutput.write("\(branch) is at \(at.abbreviated) now\n")
            if other == at { return true }
            return try merge(other, named: name)
        }
        // What comes in is weighed before the branch moves.
        guard scan.files.filter({ base[$0.key] != nil }) == base else {
            throw HistoryError(.refused, "there are changes that are not committed; commit or undo them first")
        }
        return try finish(
            try history.merge(other, into: branch, policy: policy(head.commit, other, branch, name)), other, branch, name, at, scan)
    }

    private mutating func finish(
        _ outcome: MergeOutcome, _ other: ObjectID, _ branch: String, _ name: String, _ before: ObjectID,
        _ scan: WorkTree<PosixWorkFiles>.Scan
    ) throws(HistoryError) -> Bool {
        switch outcome {
        case .upToDate:
            StandardOutput.write("\(branch) has everything of \(name) already\n")
            return true
        case .fastForward(let id), .merged(let id, _):
            do throws(HistoryError) { try checkOut(id, branch: branch) } catch {
                // A file nobody committed stands in the way: the branch goes back.
                try history.move([NameChange(.branch(branch), from: id, to: before)])
                throw error
            }
            let how = if case .merged = outcome { "merged \(name) into" } else { "took \(name) over into" }
            StandardOutput.write("\(how) \(branch), now at \(id.abbreviated)\n")
            return true
        case .refused(let conflicts, let merged):
            try lay(out: merged, scan, WorkTreeHead.Merge(other: other, name: name, conflicts: conflicts))
            for path in conflicts { StandardOutput.write(bytes: Array("conflict in ".utf8) + QuotedPath.bytes(path) + [0x0A]) }
            StandardOutput.write(
                "settle \(conflicts.count == 1 ? "it" : "them") and `skerry history commit`, or `skerry history merge --abort`\n")
            return false
        }
    }

    /// Writes what a refused merge came to, conflicts between markers.
    ///
    /// That a merge is under way is noted before the first file changes, so that one that is interrupted is taken back and not committed.
    private mutating func lay(
        out merged: Snapshot, _ scan: WorkTree<PosixWorkFiles>.Scan, _ merge: WorkTreeHead.Merge
    ) throws(HistoryError) {
        let base = try baseFiles()
        let target = merged.files.mapValues { history.id(ofContent: $0) }
        let obstacles = tree.obstacles(scan, from: base, to: target)
        guard obstacles.isEmpty else { throw HistoryError(.refused, "\(obstacles[0]) would be overwritten; commit or remove it first") }
        var head = try requireHead()
        head.merge = merge
        head.merge?.isLaidOut = false
        try set(head: head)
        for path in base.keys.sorted() where target[path] == nil && scan.files[path] != nil { try tree.remove(path) }
        try tree.write(merged.files.filter { scan.files[$0.key] != target[$0.key] })
        try saveIndex()
        head.merge = merge
        try set(head: head)
    }

    /// Markers say whose side is which: sides stand in the order of the commits' identifiers, the same for everybody who merges them.
    private func policy(_ head: ObjectID?, _ other: ObjectID, _ branch: String, _ name: String) -> MergePolicy {
        let ours = "\(head?.abbreviated ?? "") \(branch)", theirs = "\(other.abbreviated) \(name)"
        let isFirst = head.map { $0 < other } ?? true
        return MergePolicy(refusesConflicts: true, changeBeatsDelete: false) { base, first, second, depth in
            let sides = [base ?? [], first, second]
            guard !sides.contains(where: { $0.prefix(8000).contains(0) }) else { return Self.binaryConflict(first, second, isFirst) }
            let merge = Merge(base: TextLines(sides[0]), ours: TextLines(first), theirs: TextLines(second), rules: .text)
            let markers = MarkerFormat(
                oursName: isFirst ? ours : theirs, baseName: "base", theirsName: isFirst ? theirs : ours, showsBase: true,
                size: 7 + 2 * depth)
            return MergePolicy.Outcome(content: markers.render(merge), conflictCount: merge.conflicts.count)
        }
    }

    /// Markers would be of no use in a binary file: ours stays, and the conflict is reported.
    private static func binaryConflict(_ first: [UInt8], _ second: [UInt8], _ isFirstOurs: Bool) -> MergePolicy.Outcome {
        MergePolicy.Outcome(content: isFirstOurs ? first : second, conflictCount: 1)
    }

    /// Makes the files those of the last commit, and forgets the merge.
    mutating func abortMerge() throws(HistoryError) {
        let head = try requireHead()
        guard head.merge != nil else { throw HistoryError(.refused, "there is no merge to abort") }
        guard let commit = head.commit else { return }
        // What the merge brought in and the last commit does not have goes as well.
        var base = try baseFiles()
        if let other = head.merge?.other { base.merge(try history.files(of: other)) { mine, _ in mine } }
        let scan = try scan(base: base)
        try tree.checkOut(try history.files(of: commit), from: base, scan: scan, of: history, now: Self.nanoseconds, overwrites: true)
        try saveIndex()
        try set(head: WorkTreeHead(branch: head.branch, commit: commit))
        StandardOutput.write("the merge is taken back\n")
    }
}
