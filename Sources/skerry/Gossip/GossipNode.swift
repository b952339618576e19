import Crypto
import Glibc
import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import SkerryWire
import Synchronization

/// A peer of `skerry gossip`: a member of the cluster, with a replica that holds the board and links to the replicas of the others.
final class GossipNode: Sendable {
    struct Options: Sendable {
        var listen: LinkAddress
        var advertise: LinkAddress?
        var join: [String]
        var name: String?
        var data: String?
        var secret: [UInt8]?
    }

    let board: GossipBoard
    private let options: Options
    private let node: MembershipNode
    private let replica: Replica
    private let mesh: ReplicaMesh
    private let storage: GossipStorage?
    private let state = Mutex(State())

    private struct State {
        var address = ""
        /// What the others were told last.
        var told = CausalContext()
        var toldAt = ContinuousClock.now
        /// Entries applied when the log was compacted last.
        var compactedAt: UInt64 = 0
    }

    /// How often the others are told how far this one is.
    private static let tellingInterval = Duration.seconds(1)
    /// After so many writes the log drops what was written over, so that it grows with the board and with what was ever taken off it, and not with time.
    private static let compactionInterval: UInt64 = 2_000

    /// Opens the directory, if there is one.
    init(_ options: Options, security: LinkSecurity) async throws(CommandFailure) {
        guard options.advertise != nil || !Self.isEverywhere(options.listen.host) else {
            throw CommandFailure(
                "\(options.listen) is every address of this machine; say with --advertise HOST:PORT which of them the others use",
                status: 64)
        }
        let storage = if let data = options.data { try await GossipStorage.open(data) } else { nil as GossipStorage? }
        let identity = storage?.identity ?? .random
        self.options = options
        self.storage = storage
        let board = GossipBoard()
        self.board = board
        let replica = try await Self.replica(board, identity, Self.cluster(options.secret), storage)
        self.replica = replica
        var configuration = MembershipNode.Configuration(id: identity.member, epoch: Timestamp.now.milliseconds)
        configuration.incarnation = identity.starts
        configuration.name = options.name ?? ""
        configuration.seeds = options.join
        configuration.secret = options.secret
        node = MembershipNode(
            configuration, transport: TCPMemberTransport(on: options.listen, advertising: options.advertise, security: security))
        mesh = ReplicaMesh(node: node) { link, _ in await Self.replicate(replica, over: link) }
    }

    private static func replica(
        _ board: GossipBoard, _ identity: GossipIdentity, _ cluster: UInt64, _ storage: GossipStorage?
    ) async throws(CommandFailure) -> Replica {
        var configuration = ReplicaConfiguration()
        configuration.cluster = cluster
        // One origin for each directory, and one for each start without: nobody writes under an origin twice with another history.
        configuration.identity = FeedIdentity(
            cluster: cluster, site: identity.member.rawValue, origin: OriginID(rawValue: identity.member.rawValue), epoch: identity.starts)
        if let storage { return try await storage.replica(board, configuration) }
        do throws(ReplicaError) { return try Replica([GossipBoard.partName: board.model], configuration: configuration) } catch {
            throw CommandFailure("the board cannot be opened: \(error)")
        }
    }

    /// Replicas of different clusters refuse each other: the number of the cluster comes from its secret.
    private static func cluster(_ secret: [UInt8]?) -> UInt64 {
        guard let secret else { return 0 }
        return HMAC<SHA256>.authenticationCode(for: Array("skerry gossip".utf8), using: SymmetricKey(data: secret)).prefix(8)
            .reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func isEverywhere(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }

    // MARK: Life

    var id: MemberID { node.id }

    func start() async throws(CommandFailure) {
        do throws(MemberError) {
            let address = try await node.start()
            state.withLock { $0.address = address }
        } catch {
            throw CommandFailure(Self.explained(error, options.listen))
        }
        mesh.start()
    }

    private static func explained(_ error: MemberError, _ listen: LinkAddress) -> String {
        switch error.link?.code {
        case .addressInUse?: "\(listen) is in use; choose another port with --listen, or port 0 for any that is free"
        case .insecure?: "\(error.message); use --key and --trust, or --insecure where the network is protected by other means"
        default: error.message
        }
    }

    /// Leaves the cluster, and makes durable what was written.
    func stop() async {
        try? await replica.durable()
        await node.stop()
        await mesh.stop()
        await replica.dispose()
        await storage?.close()
    }

    private static func replicate(_ replica: Replica, over link: any Link) async {
        do throws(ReplicaError) { try await replica.replicate(over: link) } catch {
            link.cut()
        }
    }

    // MARK: Writing

    /// Writes on the board, and returns when that is durable here. While a peer lags far behind it waits for it.
    func set(_ key: String, _ value: String) async throws(CommandFailure) {
        await replica.ready()
        try board.set(key, value)
        try await makeDurable()
    }

    /// - Returns: whether there was anything to take off.
    func unset(_ key: String) async throws(CommandFailure) -> Bool {
        await replica.ready()
        let wasThere = try board.unset(key)
        try await makeDurable()
        return wasThere
    }

    private func makeDurable() async throws(CommandFailure) {
        do throws(ReplicaError) { try await replica.durable() } catch { throw CommandFailure("it is not durable: \(error)") }
    }

    // MARK: Looking

    var digest: GossipDigest { digest(board.rows.hash) }

    private func digest(_ hash: String) -> GossipDigest {
        let applied = board.applied
        return GossipDigest(board: hash, entries: Self.entries(applied), origins: applied.dots.count)
    }

    func view() -> GossipView {
        let members = node.members.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
        let names = Dictionary(
            members.map { ($0.id.rawValue, $0.name.isEmpty ? $0.address : $0.name) }, uniquingKeysWith: { first, _ in first })
        let (rows, hash) = board.rows
        let address = state.withLock { $0.address }
        return GossipView(
            name: options.name ?? address, address: address, members: members,
            rows: rows.map { GossipView.Row(key: $0.key, value: $0.value, author: names[$0.origin.rawValue] ?? "") },
            digest: digest(hash), linked: Set(mesh.linked),
            unreached: node.unreachedSeeds.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
    }

    /// Does what is due, a few times a second: tells the others how far this one is, and compacts the log.
    func maintain() async {
        let applied = board.applied
        let (isNews, isGrown) = state.withLock { state in
            let entries = Self.entries(applied)
            let isGrown = entries >= state.compactedAt + Self.compactionInterval
            if isGrown { state.compactedAt = entries }
            guard state.told != applied, ContinuousClock.now - state.toldAt >= Self.tellingInterval else { return (false, isGrown) }
            (state.told, state.toldAt) = (applied, ContinuousClock.now)
            return (true, isGrown)
        }
        if isNews { node.setApplied(Array(applied.dots.prefix(Self.originsTold))) }
        // A store that failed says so to whoever writes.
        if isGrown { _ = try? await replica.compact() }
    }

    private static func entries(_ applied: CausalContext) -> UInt64 { applied.dots.reduce(0) { $0 + $1.sequence } }

    /// What a member tells of itself has a bound.
    private static let originsTold = 900
}
