import ArgumentParser
import SkerryMerge
import SkerryReplication

struct HistoryBranch: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "branch", abstract: "List, make or delete branches.")

    @Flag(name: .shortAndLong, help: "Delete the branch.")
    var delete = false
    @Flag(help: "Delete it although it has commits that no other name leads to.")
    var force = false
    @Flag(name: .shortAndLong, help: "List remotes' branches too.")
    var all = false
    @OptionGroup var location: HistoryLocation
    @Argument(help: "The branch; without it all are listed.")
    var name: String?
    @Argument(help: "Where it begins; default: HEAD.")
    var revision: String?

    func validate() throws {
        guard !delete || (name != nil && revision == nil) else { throw ValidationError("Name the branch to delete, and nothing else.") }
    }

    func run() throws {
        var work = try location.open()
        let text = try reporting { () throws(HistoryError) in try change(&work) }
        StandardOutput.write(text)
    }

    private func change(_ work: inout WorkHistory) throws(HistoryError) -> String {
        guard let name else { return list(work) }
        guard delete else {
            try WorkHistory.check(name: name)
            try work.history.createBranch(name, at: try work.revision(revision ?? "HEAD"))
            return ""
        }
        guard work.head?.branch != name else { throw HistoryError(.refused, "\(name) is checked out") }
        let head = try work.history.resolve(.branch(name))
        let isKept = work.history.names.contains { $0.key != .branch(name) && work.history.graph.isAncestor(head, of: $0.value) }
        guard isKept || force else {
            throw HistoryError(.refused, "\(name) has commits that no other name leads to; --force deletes it all the same")
        }
        try work.history.delete(.branch(name))
        return "deleted \(name), which was at \(head.abbreviated)\n"
    }

    private func list(_ work: WorkHistory) -> String {
        var text = ""
        for (name, id) in work.history.names.sorted(by: { $0.key < $1.key }) where !name.isIncoming {
            switch name {
            case .branch(let branch): text += "\(branch == work.head?.branch ? "*" : " ") \(branch) \(id.abbreviated)\n"
            case .remote where all: text += "  \(name.short) \(id.abbreviated)\n"
            default: break
            }
        }
        return text
    }
}

struct HistoryTag: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "List, make or delete tags.", discussion: "A tag never moves: to put it elsewhere, delete it first.")

    @Flag(name: .shortAndLong, help: "Delete the tag.")
    var delete = false
    @OptionGroup var location: HistoryLocation
    @Argument(help: "The tag; without it all are listed.")
    var name: String?
    @Argument(help: "What it names; default: HEAD.")
    var revision: String?

    func validate() throws {
        guard !delete || (name != nil && revision == nil) else { throw ValidationError("Name the tag to delete, and nothing else.") }
    }

    func run() throws {
        var work = try location.open()
        let text = try reporting { () throws(HistoryError) in try change(&work) }
        StandardOutput.write(text)
    }

    private func change(_ work: inout WorkHistory) throws(HistoryError) -> String {
        guard let name else {
            return work.history.names.sorted { $0.key < $1.key }.map { entry in
                if case .tag(let tag) = entry.key { "\(tag) \(entry.value.abbreviated)\n" } else { "" }
            }.joined()
        }
        if delete {
            try work.history.delete(.tag(name))
        } else {
            try WorkHistory.check(name: name)
            try work.history.createTag(name, at: try work.revision(revision ?? "HEAD"))
        }
        return ""
    }
}

struct HistoryCheckout: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkout", abstract: "Make the files those of a branch or a commit.",
        discussion: """
            A branch becomes the one that commits go to; a branch that only one remote has is made here. Of a tag or a commit the files are \
            shown, on no branch. Refuses when changes would be lost.
            """)

    @Flag(name: .shortAndLong, help: "Make the branch at the present commit.")
    var branch = false
    @Flag(name: .shortAndLong, help: "Overwrite what was changed, and forget a merge under way.")
    var force = false
    @OptionGroup var location: HistoryLocation
    @Argument(help: "A branch or another revision.")
    var revision: String

    func run() throws {
        var work = try location.open()
        let text = try reporting { () throws(HistoryError) in try checkOut(&work) }
        StandardOutput.write(text)
    }

    private func checkOut(_ work: inout WorkHistory) throws(HistoryError) -> String {
        var head = try work.requireHead()
        guard head.merge == nil || force else {
            throw HistoryError(.refused, "a merge is under way; commit it or `skerry history merge --abort`")
        }
        if branch {
            try WorkHistory.check(name: revision)
            if let commit = head.commit { try work.history.createBranch(revision, at: commit) }
            guard HistoryName.branch(revision).isAllowed else { throw HistoryError(.badName, "\"\(revision)\" is not a name for a branch") }
            head.branch = revision
            try work.set(head: head)
            return "on the new branch \(revision)\n"
        }
        let isBranch = try makeBranchOfRemote(&work)
        let id = try work.revision(isBranch ? HistoryName.branch(revision).description : revision)
        try work.checkOut(id, branch: isBranch ? revision : nil, force: force)
        return isBranch ? "on \(revision)\n" : "at \(id.abbreviated), on no branch\n"
    }

    /// Whether the revision is a branch, by now.
    private func makeBranchOfRemote(_ work: inout WorkHistory) throws(HistoryError) -> Bool {
        if work.history.names[.branch(revision)] != nil { return true }
        let remote = work.history.names.filter { if case .remote(_, revision) = $0.key { true } else { false } }
        guard remote.count == 1, let id = remote.values.first, (try? work.revision(revision)) == nil else { return false }
        try work.history.createBranch(revision, at: id)
        return true
    }
}
