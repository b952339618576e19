import Glibc
import SkerryMerge
import SkerryReplication
import SkerryStorage
import SkerryWire

/// Where another history is.
enum HistoryPlace: Sendable, Hashable {
    case address(LinkAddress)
    case directory(String)
    /// Nil: standard input or output.
    case bundle(String?)

    /// - Parameter isTarget: whether something is sent there, so that a file need not exist.
    init(_ text: String, isTarget: Bool) throws(CommandFailure) {
        if text == "-" {
            self = .bundle(nil)
            return
        }
        var status = stat()
        if stat(text, &status) == 0 {
            self = status.st_mode & S_IFMT == S_IFDIR ? .directory(text) : .bundle(text)
        } else if let address = ListenAddress(text), address.port > 0 {
            self = .address(LinkAddress(host: address.host, port: address.port))
        } else if isTarget {
            self = .bundle(text)
        } else {
            throw CommandFailure("\"\(text)\" is neither HOST:PORT nor a directory or file that is there", status: 128)
        }
    }
}

/// Runs exchanges with a place.
struct HistoryPeer: Sendable {
    let place: HistoryPlace
    /// What it is called in remote names.
    let name: String
    let security: LinkSecurity

    /// Runs `body` in conversation with the place, and puts the history that comes of it into `work`.
    ///
    /// Also after an error: what came before it is kept.
    func converse<Value: Sendable>(
        _ work: inout WorkHistory, showsProgress: Bool = true,
        _ body: @Sendable (HistoryExchange<WorkHistory.Store>) async throws(HistoryError) -> Value
    ) async throws(CommandFailure) -> Value {
        let pool: BlockingPool
        do { pool = try BlockingPool(threads: 2) } catch { throw CommandFailure("\(error)", status: 128) }
        let progress = TransferLine()
        let exchange = HistoryExchange(work.history, peer: name, executor: pool) { traffic in
            progress.show(traffic.objectsReceived + traffic.objectsSent, traffic.bytesReceived + traffic.bytesSent)
        }
        let link = try await connect(pool)
        exchange.start(on: link)
        let result: Result<Value, HistoryError>
        do throws(HistoryError) { result = .success(try await body(exchange)) } catch { result = .failure(error) }
        work.history = await exchange.close()
        progress.end()
        await pool.shutdown()
        do { return try result.get() } catch { throw CommandFailure(error) }
    }

    private func connect(_ pool: BlockingPool) async throws(CommandFailure) -> any Link {
        switch place {
        case .address(let address):
            do { return try await TCPConnector(to: address, security: security).connect() } catch {
                throw CommandFailure("cannot connect to \(address): \(error)", status: 128)
            }
        case .directory(let path):
            let (near, far) = MemoryLink.pair()
            let offer = try reporting { () throws(HistoryError) in try HistoryServe.offer(path, peer: "local", isReadOnly: false) }
            let server = HistoryServer<WorkHistory.Store>(executor: pool) { _ in offer }
            server.accept(far)
            return near
        case .bundle: throw CommandFailure("a bundle is not a place to talk to", status: 128)
        }
    }

    // MARK: Bundles

    /// Reads a bundle into a history and notes its branches as the remote's.
    ///
    /// - Returns: the bundle's names.
    func read(into work: inout WorkHistory) throws(CommandFailure) -> [HistoryName: ObjectID] {
        guard case .bundle(let path) = place else { throw CommandFailure("not a bundle", status: 128) }
        var descriptor = STDIN_FILENO
        if let path {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))", status: 128) }
        }
        defer { if path != nil { close(descriptor) } }
        var reader = HistoryBundleReader()
        while true {
            let piece = try StandardInput.read(descriptor)
            if piece.isEmpty { break }
            try reporting { () throws(HistoryError) in try reader.read(piece, into: &work.history) }
        }
        guard let names = reader.names else { throw CommandFailure("the bundle was cut: nothing of it has a name", status: 128) }
        try reporting { () throws(HistoryError) in try note(names, &work) }
        return names
    }

    private func note(_ names: [HistoryName: ObjectID], _ work: inout WorkHistory) throws(HistoryError) {
        var changes: [NameChange] = []
        for (name, id) in names.sorted(by: { $0.key < $1.key }) {
            switch name {
            case .branch(let branch):
                let noted = HistoryName.remote(self.name, branch: branch)
                if work.history.names[noted] != id { changes.append(NameChange(noted, from: work.history.names[noted], to: id)) }
            case .tag: if work.history.names[name] == nil { changes.append(NameChange(name, from: nil, to: id)) }
            case .remote: break
            }
        }
        try work.history.move(changes, boundary: work.history.graph.boundary)
    }

    /// Writes branches and tags with all they lead to, less what `excluded` leads to.
    func write(_ work: WorkHistory, excluding excluded: [ObjectID]) throws(CommandFailure) {
        guard case .bundle(let path) = place else { throw CommandFailure("not a bundle", status: 128) }
        guard let path else {
            try reporting { () throws(HistoryError) in
                try HistoryBundle.write(work.history, excluding: excluded) { bytes throws(HistoryError) in
                    guard StandardOutput.write(bytes: bytes) else { throw HistoryError(.failed, "standard output was closed") }
                }
            }
            return
        }
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("\(draft): \(String(cString: strerror(errno)))", status: 128) }
        do throws(CommandFailure) {
            defer { close(descriptor) }
            try reporting { () throws(HistoryError) in
                try HistoryBundle.write(work.history, excluding: excluded) { bytes throws(HistoryError) in
                    try Self.write(bytes, descriptor, draft)
                }
            }
            guard fchmod(descriptor, 0o666 & ~Skerry.inheritedMask) == 0, fsync(descriptor) == 0 else {
                throw CommandFailure("\(draft): \(String(cString: strerror(errno)))", status: 128)
            }
        } catch {
            unlink(draft)
            throw error
        }
        guard rename(draft, path) == 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))", status: 128) }
    }

    private static func write(_ bytes: [UInt8], _ descriptor: CInt, _ path: String) throws(HistoryError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw HistoryError(.failed, "\(path): \(String(cString: strerror(errno)))") }
            written += count
        }
    }
}

/// How much has crossed a link, on standard error, when that is a terminal.
final class TransferLine: Sendable {
    private let line = StandardOutput.errorIsTerminal ? ProgressLine("exchanged") : nil

    func show(_ objects: Int, _ bytes: Int) { line?.show(records: UInt64(objects), bytes: UInt64(bytes)) }

    func end() { line?.end() }
}
