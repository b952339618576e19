import ArgumentParser
import SkerryMerge

struct HistoryLog: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "log", abstract: "List commits, the newest first.")

    @Flag(help: "Draw how commits descend from each other.")
    var graph = false
    @Flag(help: "A line for each commit.")
    var oneline = false
    @Flag(help: "From every branch, tag and remote's branch.")
    var all = false
    @Option(name: [.customShort("n", allowingJoined: true), .long], help: ArgumentHelp("At most so many commits.", valueName: "count"))
    var count: Int?
    @OptionGroup var colours: ColourOption
    @OptionGroup var location: HistoryLocation
    @Argument(help: "Where to begin; default: HEAD.")
    var revisions: [String] = []

    func validate() throws {
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count is at least 1.") }
    }

    func run() throws {
        let work = try location.open()
        let text = try reporting { () throws(HistoryError) in try rendered(work) }
        StandardOutput.write(text)
    }

    private func rendered(_ work: WorkHistory) throws(HistoryError) -> String {
        let heads = try heads(work)
        var labels: [ObjectID: [String]] = [:]
        for (name, id) in work.history.names.sorted(by: { $0.key < $1.key }) where !name.isIncoming {
            labels[id, default: []].append(name.short)
        }
        if let commit = work.head?.commit { labels[commit, default: []].insert("HEAD", at: 0) }
        let ids = work.history.log(from: heads).filter { $0 != work.history.rootID }.prefix(count ?? .max)
        guard graph else {
            var texts: [String] = []
            for id in ids { texts.append(try entry(id, labels[id], work)) }
            return texts.joined(separator: oneline ? "" : "\n")
        }
        var entries: [LogFormat.Entry] = []
        for id in ids {
            let commit = try work.history.commit(id)
            entries.append(LogFormat.Entry(id: id, parents: commit.parents, text: label(labels[id]) + commit.subject))
        }
        return LogFormat(isColoured: colours.isColoured).render(entries)
    }

    private func heads(_ work: WorkHistory) throws(HistoryError) -> [ObjectID] {
        if all { return Set(work.history.names.filter { !$0.key.isIncoming }.values).sorted() }
        var heads: [ObjectID] = []
        for revision in revisions { heads.append(try work.revision(revision)) }
        if revisions.isEmpty {
            if let commit = work.head?.commit { heads = [commit] }
            if work.head == nil { heads = work.history.branches.values.sorted() }
        }
        return heads
    }

    private func label(_ names: [String]?) -> String {
        guard let names else { return "" }
        let text = "(\(names.joined(separator: ", ")))"
        return (colours.isColoured ? "\u{1B}[32m\(text)\u{1B}[m" : text) + " "
    }

    private func entry(_ id: ObjectID, _ names: [String]?, _ work: WorkHistory) throws(HistoryError) -> String {
        let commit = try work.history.commit(id)
        let name = { (id: String) in colours.isColoured ? "\u{1B}[33m\(id)\u{1B}[m" : id }
        if oneline { return "\(name(id.abbreviated)) \(label(names))\(commit.subject)\n" }
        var text = "\(name("commit \(id)")) \(label(names))"
        while text.last == " " { text.removeLast() }
        text += "\n"
        if commit.parents.count > 1 { text += "Merge:  \(commit.parents.map(\.abbreviated).joined(separator: " "))\n" }
        if !commit.author.isEmpty { text += "Author: \(Plain.line(commit.author))\n" }
        text += "Date:   \(Timestamp(milliseconds: commit.timestamp))\n\n"
        for line in commit.message.split(separator: "\n", omittingEmptySubsequences: false) {
            text += line.isEmpty ? "\n" : "    \(Plain.line(line))\n"
        }
        return text
    }
}

extension Commit {
    /// The first line of the message.
    var subject: String { message.split(separator: "\n").first.map { Plain.line($0) } ?? "" }
}

extension HistoryName {
    /// As people say it: `main`, `tag: v1`, `origin/main`.
    var short: String {
        switch self {
        case .branch(let name): name
        case .tag(let name): "tag: \(name)"
        case .remote(let remote, let branch): "\(remote)/\(branch)"
        }
    }
}
