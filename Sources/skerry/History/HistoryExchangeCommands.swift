import ArgumentParser
import Glibc
import SkerryMerge
import SkerryReplication
import SkerryWire

extension WorkHistory {
    /// A remote by its name, or a place.
    func peer(_ text: String?, _ options: LinkOptions, isTarget: Bool) throws(CommandFailure) -> HistoryPeer {
        let text = text ?? Remotes.defaultName
        if let place = remotes.places[text] {
            return HistoryPeer(place: try HistoryPlace(place, isTarget: isTarget), name: text, security: try options.security())
        }
        guard text != Remotes.defaultName else {
            throw CommandFailure("name a place, or say once where origin is with `skerry history remote origin PLACE`", status: 128)
        }
        let place = try HistoryPlace(text, isTarget: isTarget)
        let name = remotes.places.first { $0.value == text }?.key ?? Remotes.defaultName
        return HistoryPeer(place: place, name: name, security: try options.security())
    }

    /// Gets what a peer has.
    ///
    /// - Returns: its names.
    mutating func fetch(_ peer: HistoryPeer, depth: Int?, deepens: Bool) async throws(CommandFailure) -> [HistoryName: ObjectID] {
        if case .bundle = peer.place { return try peer.read(into: &self) }
        return try await peer.converse(&self) { exchange throws(HistoryError) in
            deepens ? try await exchange.deepen(to: depth) : try await exchange.fetch(depth: depth)
        }
    }
}

/// How much of a history is fetched.
struct DepthOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only so many commits of each branch; of a shallow clone, that many in all.", valueName: "count"))
    var depth: Int?
    @Flag(help: "Everything that lies behind the end of a shallow clone.")
    var unshallow = false

    func validate() throws {
        guard depth.map({ $0 > 0 }) ?? true else { throw ValidationError("--depth is at least 1.") }
        guard depth == nil || !unshallow else { throw ValidationError("--depth and --unshallow exclude each other.") }
    }

    func deepens(_ work: WorkHistory) -> Bool { !work.history.graph.boundary.isEmpty && (depth != nil || unshallow) }
}

struct HistoryFetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Get what another history has, without merging it.",
        discussion: "Its branches stand under its name afterwards: origin/main. Goes on where an earlier transfer broke off.")

    @OptionGroup var depths: DepthOptions
    @OptionGroup var link: LinkOptions
    @OptionGroup var location: HistoryLocation
    @Argument(help: "A remote or a place; default: origin.")
    var place: String?

    func run() async throws {
        var work = try location.open()
        let before = work.history.names
        let peer = try work.peer(place, link, isTarget: false)
        _ = try await work.fetch(peer, depth: depths.depth, deepens: depths.deepens(work))
        for (name, id) in work.history.names.sorted(by: { $0.key < $1.key }) where before[name] != id && !name.isIncoming {
            StandardOutput.write("\(name.short) \(before[name].map { "\($0.abbreviated) -> " } ?? "new: ")\(id.abbreviated)\n")
        }
    }
}

struct HistoryPull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Get what another history has, and merge its branch into the one checked out.",
        discussion: "As `fetch` and then `merge`; conflicts are settled in the same way.")

    @OptionGroup var depths: DepthOptions
    @OptionGroup var link: LinkOptions
    @OptionGroup var location: HistoryLocation
    @Argument(help: "A remote or a place; default: origin.")
    var place: String?
    @Argument(help: "The peer's branch; default: of the name of the one checked out.")
    var branch: String?

    func run() async throws {
        var work = try location.open()
        let head = try reporting { () throws(HistoryError) in try work.requireHead() }
        guard let wanted = branch ?? head.branch else { throw CommandFailure("no branch is checked out; name the peer's branch") }
        let peer = try work.peer(place, link, isTarget: false)
        let names = try await work.fetch(peer, depth: depths.depth, deepens: depths.deepens(work))
        guard let theirs = names[.branch(wanted)] else { throw CommandFailure("the peer has no branch \(wanted)", status: 128) }
        let isSettled = try reporting { () throws(HistoryError) in try work.merge(theirs, named: "\(peer.name)/\(wanted)") }
        if !isSettled { throw ExitCode.failure }
    }
}

struct HistoryPush: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Move another history's branches to where they are here.",
        discussion: """
            Forward only: when the other branch has commits that are not here the push is not accepted, and nothing changes. A branch that is checked \
            out over there is not moved either. To a file or - it writes a bundle of all branches and tags, which is carried \
            to where it is pulled from.
            """)

    @Option(help: ArgumentHelp("Of a bundle: leave out what this revision leads to, because the reader has it.", valueName: "revision"))
    var since: [String] = []
    @OptionGroup var link: LinkOptions
    @OptionGroup var location: HistoryLocation
    @Argument(help: "A remote or a place; default: origin.")
    var place: String?
    @Argument(help: "Branches; default: the one checked out.")
    var branches: [String] = []

    func run() async throws {
        var work = try location.open()
        let peer = try work.peer(place, link, isTarget: true)
        if case .bundle = peer.place {
            let excluded = try reporting { () throws(HistoryError) in
                var ids: [ObjectID] = []
                for revision in since { ids.append(try work.revision(revision)) }
                return ids
            }
            return try peer.write(work, excluding: excluded)
        }
        guard since.isEmpty else { throw CommandFailure("--since is for bundles", status: 128) }
        let branches = branches.isEmpty ? [work.head?.branch].compactMap(\.self) : branches
        guard !branches.isEmpty else { throw CommandFailure("no branch is checked out; name those to push") }
        if let unknown = branches.first(where: { work.history.names[.branch($0)] == nil }) {
            throw CommandFailure("there is no branch \(unknown)", status: 128)
        }
        let before = work.history.names
        try await peer.converse(&work) { exchange throws(HistoryError) in
            for branch in branches {
                do throws(HistoryError) { try await exchange.push(branch) } catch {
                    guard error.code == .refused else { throw error }
                    throw HistoryError(
                        .refused, "\(branch) is not to be moved there: it is checked out over there, or no pushes are accepted")
                }
            }
        }
        for branch in branches {
            let remote = HistoryName.remote(peer.name, branch: branch)
            let id = work.history.names[.branch(branch)]?.abbreviated ?? ""
            StandardOutput.write(
                before[remote] == work.history.names[remote] ? "\(branch) is there already\n" : "\(branch) -> \(remote.short) \(id)\n")
        }
    }
}

struct HistoryClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", abstract: "Copy a history into a new directory and check it out.",
        discussion: "Into an empty history only. Given again after a transfer that broke off, it goes on from there.")

    @Option(help: ArgumentHelp("Only the last commits of each branch.", valueName: "count"))
    var depth: Int?
    @Option(name: .shortAndLong, help: ArgumentHelp("The branch to check out; default: main, else the first.", valueName: "name"))
    var branch: String?
    @Flag(help: "Without files of its own.")
    var bare = false
    @OptionGroup var link: LinkOptions
    @Argument(help: "Where the history is.")
    var place: String
    @Argument(help: "The new directory.")
    var directory: String

    func validate() throws {
        guard depth.map({ $0 > 0 }) ?? true else { throw ValidationError("--depth is at least 1.") }
    }

    func run() async throws {
        let place = try HistoryPlace(place, isTarget: false)
        let security = try link.security()
        var work = try reporting { () throws(HistoryError) in try WorkHistory(root: directory, creates: true, isBare: bare) }
        guard work.history.isEmpty else { throw CommandFailure("\(directory) has a history already; only an empty one becomes a clone") }
        var remotes = work.remotes
        try remotes.set(Remotes.defaultName, to: Self.absolute(self.place))
        try reporting { () throws(HistoryError) in try work.set(remotes: remotes) }
        let peer = HistoryPeer(place: place, name: Remotes.defaultName, security: security)
        let names: [HistoryName: ObjectID]
        if case .bundle = place {
            names = try peer.read(into: &work)
            try reporting { () throws(HistoryError) in
                for case (.branch(let branch), let id) in names.sorted(by: { $0.key < $1.key }) {
                    try work.history.createBranch(branch, at: id)
                }
            }
        } else {
            let depth = depth
            names = try await peer.converse(&work) { exchange throws(HistoryError) in try await exchange.clone(depth: depth) }
        }
        try checkOut(&work)
        StandardOutput.write("cloned \(names.count == 1 ? "1 name" : "\(names.count) names") into \(directory)\n")
    }

    private func checkOut(_ work: inout WorkHistory) throws(CommandFailure) {
        guard !bare else { return }
        let branches = work.history.branches
        let wanted = branch ?? (branches[WorkHistory.defaultBranch] != nil ? WorkHistory.defaultBranch : branches.keys.min())
        guard let wanted else { return }
        guard let id = branches[wanted] else { throw CommandFailure("there is no branch \(wanted)", status: 128) }
        do throws(HistoryError) { try work.checkOut(id, branch: wanted) } catch {
            guard error.code == .refused else { throw CommandFailure(error) }
            throw CommandFailure("the history is there, but files stand in the way: move them and `skerry history checkout \(wanted)`")
        }
    }

    /// A path that means the same from anywhere.
    private static func absolute(_ place: String) -> String {
        guard place != "-", let resolved = realpath(place, nil) else { return place }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

struct HistoryRemote: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remote", abstract: "List where other histories are, or say it.",
        discussion: "Without a place the remote is forgotten.")

    @OptionGroup var location: HistoryLocation
    @Argument(help: "The remote; without it all are listed.")
    var name: String?
    @Argument(help: "Where it is.")
    var place: String?

    func run() throws {
        var work = try location.open()
        guard let name else {
            for (name, place) in work.remotes.places.sorted(by: { $0.key < $1.key }) { StandardOutput.write("\(name) \(place)\n") }
            return
        }
        var remotes = work.remotes
        guard place != nil || remotes.places[name] != nil else { throw CommandFailure("there is no remote \(name)") }
        try remotes.set(name, to: place)
        try reporting { () throws(HistoryError) in try work.set(remotes: remotes) }
    }
}
