import ArgumentParser
import SkerryMerge
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import SkerryWire
import UnixSignals

struct HistoryServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Offer the history to others, for clone, fetch, pull and push.",
        discussion: """
            Without --key only to this machine, unless --insecure. With --key it speaks TLS to the keys that --trust names, and prints its own key's \
            hash, which the others name in their --trust.

            When it is ready it prints one line to standard output: "skerry: offering the history on HOST:PORT". SIGTERM and SIGINT end it.
            """)

    @Option(help: ArgumentHelp("Where to listen.", valueName: "host:port"))
    var listen = "127.0.0.1:9760"
    @Flag(help: "Accept no pushes.")
    var readOnly = false
    @OptionGroup var link: LinkOptions
    @OptionGroup var location: HistoryLocation

    /// Links at once.
    private static let linkMaximum = 64
    /// How long exchanges under way may take to end after the first signal.
    private static let patience = Duration.seconds(5)

    func run() async throws {
        let work = try location.open()
        guard let address = ListenAddress(listen) else {
            throw CommandFailure("\"\(listen)\" is not an address of the form HOST:PORT", status: 64)
        }
        let security = try link.security()
        if let key = link.key { StandardOutput.writeError("skerry: node key \(try link.nodeKey(key).hash)\n") }
        let root = work.root, isReadOnly = readOnly
        let pool: BlockingPool
        do { pool = try BlockingPool(threads: 4) } catch { throw CommandFailure("\(error)", status: 128) }
        let server = HistoryServer<WorkHistory.Store>(executor: pool, event: Self.log) { peer throws(HistoryError) in
            try Self.offer(root, peer: peer.key.map { "\($0)" } ?? "guest", isReadOnly: isReadOnly)
        }
        var limits = LinkLimits()
        limits.links = Self.linkMaximum
        let listener = TCPListener(on: LinkAddress(host: address.host, port: address.port), security: security, limits: limits)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        do {
            let bound = try await listener.start(server.accept)
            StandardOutput.write("skerry: offering the history on \(bound)\n")
        } catch {
            throw CommandFailure("\(error)", status: 128)
        }
        for await _ in signals { break }
        await listener.shutdown(within: Self.patience)
        await pool.shutdown()
    }

    /// The history of a directory as a peer is given it. A branch that is checked out there is not the peer's to move: the files would not
    /// follow.
    static func offer(_ path: String, peer: String, isReadOnly: Bool) throws(HistoryError) -> HistoryServer<WorkHistory.Store>.Offer {
        let work = try WorkHistory(from: path)
        let rule: ExchangeSession.PushRule
        if isReadOnly {
            rule = .none
        } else if let branch = work.head?.branch, work.head?.commit != nil {
            rule = .allExcept([branch])
        } else {
            rule = .all
        }
        return .init(history: work.history, peer: peer, pushRule: rule)
    }

    @Sendable private static func log(_ event: HistoryServer<WorkHistory.Store>.Event) {
        switch event {
        case .connected: break
        case .accepted(let change, let peer):
            StandardOutput.writeError("skerry: \(peer) moved \(change.name.short) to \(change.to?.abbreviated ?? "nothing")\n")
        case .ended(let peer, let error?): StandardOutput.writeError("skerry: \(peer): \(error)\n")
        case .ended: break
        }
    }
}

// MARK: - verify and gc

struct HistoryVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read everything that names lead to and check it.",
        discussion: "Prints a line for each problem; ends with 1 when there are any.")

    @OptionGroup var location: HistoryLocation

    func run() throws {
        let report: History<WorkHistory.Store>.Report
        do {
            guard let root = WorkHistory.find(from: location.directory) else {
                throw HistoryError(.notFound, "neither \(location.directory) nor a directory above it has a history")
            }
            report = try WorkHistory(root: root, creates: false).history.verify()
        } catch let error as HistoryError where error.code == .corrupt || error.code == .dangling {
            StandardOutput.write("problem: \(error)\n1 problem, found while opening\n")
            throw ExitCode.failure
        } catch let error as HistoryError {
            throw CommandFailure(error)
        }
        for fault in report.faults { StandardOutput.write("problem: \(fault)\n") }
        let count = report.faults.count
        let outcome = count == 0 ? "no problems" : count == 1 ? "1 problem" : "\(count) problems"
        StandardOutput.write("\(report.reachableCount) objects, \(report.unreachableCount) that no name leads to: \(outcome)\n")
        if !report.isSound { throw ExitCode.failure }
    }
}

struct HistoryCollect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove what no name leads to.",
        discussion:
            "Such as commits of deleted branches. A commit that is checked out without a branch keeps what it needs only through a name.")

    @OptionGroup var location: HistoryLocation

    func run() throws {
        var work = try location.open()
        let count = try reporting { () throws(HistoryError) in
            if let commit = work.head?.commit, !work.history.names.values.contains(where: { work.history.graph.isAncestor(commit, of: $0) })
            {
                throw HistoryError(.refused, "HEAD stands on a commit that no name leads to; give it a branch first")
            }
            return try work.history.collect()
        }
        StandardOutput.write("removed \(count) objects\n")
    }
}
