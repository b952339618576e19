import Logging
import SkerryHTTP
import SkerryHTTPServer
import SkerrySession
import SkerryWire
import Synchronization
import Testing
import HTTPTypes

/// A kind of link with everything a test needs to have some. Adding a kind is one line in ``all``.
struct LinkKind: Sendable, CustomTestStringConvertible {
    var name: String
    var make: @Sendable (LinkLimits, WireLoops) async throws -> any LinkHouse

    var testDescription: String { name }
    var hasSocket: Bool { !name.hasPrefix("memory") && name != "simulated" }

    static let all: [LinkKind] = [
        LinkKind(name: "memory") { MemoryHouse(limits: $0, loops: $1) },
        LinkKind(name: "memory, listener") { ListenerHouse(.memory, limits: $0, loops: $1) },
        LinkKind(name: "simulated") { SimulatedHouse(limits: $0, loops: $1) },
        LinkKind(name: "TCP") { ListenerHouse(.tcp(isSecure: false), limits: $0, loops: $1) },
        LinkKind(name: "TLS") { ListenerHouse(.tcp(isSecure: true), limits: $0, loops: $1) },
        LinkKind(name: "WebSocket") { ListenerHouse(.webSocket(.binary, isSecure: false), limits: $0, loops: $1) },
        LinkKind(name: "WebSocket, text") { ListenerHouse(.webSocket(.text, isSecure: false), limits: $0, loops: $1) },
        LinkKind(name: "WebSocket on TLS") { ListenerHouse(.webSocket(.binary, isSecure: true), limits: $0, loops: $1) },
        LinkKind(name: "WebSocket on the store's port") { MountedHouse(limits: $0, loops: $1) },
    ]
}

/// Makes links of one kind.
protocol LinkHouse: Sendable {
    /// Two ends of a new link, not started.
    func connect() async throws -> (any Link, any Link)
    /// The accepting side stops and comes up again at the same place. Links break.
    func restart() async throws
    func close() async
}

/// Runs `body` with a house that is closed behind it.
func withHouse(
    _ kind: LinkKind, limits: LinkLimits = .patient, loops: WireLoops = .shared, _ body: (any LinkHouse) async throws -> Void
) async throws {
    let house = try await kind.make(limits, loops)
    do {
        try await body(house)
    } catch {
        await house.close()
        throw error
    }
    await house.close()
}

extension LinkLimits {
    /// Limits that no busy machine reaches; a test that wants one sets it.
    static var patient: LinkLimits {
        var limits = LinkLimits()
        limits.handshake = .seconds(300)
        limits.packet = .seconds(300)
        limits.close = .seconds(60)
        limits.silence = .seconds(300)
        return limits
    }
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Accepted links, in the order they came.
final class Accepted: Sendable {
    private struct State {
        var links: [any Link] = []
        var waiters: [CheckedContinuation<any Link, Never>] = []
    }

    private let state = Mutex(State())

    func add(_ link: any Link) {
        let waiter = state.withLock { state -> CheckedContinuation<any Link, Never>? in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.links.append(link)
            return nil
        }
        waiter?.resume(returning: link)
    }

    func next() async -> any Link {
        await withCheckedContinuation { waiter in
            let link = state.withLock { state -> (any Link)? in
                guard state.links.isEmpty else { return state.links.removeFirst() }
                state.waiters.append(waiter)
                return nil
            }
            if let link { waiter.resume(returning: link) }
        }
    }
}

struct MemoryHouse: LinkHouse {
    let limits: LinkLimits
    let loops: WireLoops
    let pairs = Held()

    func connect() async throws -> (any Link, any Link) {
        let pair = MemoryLink.pair(limits: limits, loops: loops)
        pairs.add(pair.0)
        return pair
    }

    func restart() async throws { pairs.cutAll() }
    func close() async { pairs.cutAll() }
}

struct SimulatedHouse: LinkHouse {
    let limits: LinkLimits
    let network: SimulatedNetwork
    let pairs = Held()

    init(limits: LinkLimits, loops: WireLoops) {
        self.limits = limits
        network = SimulatedNetwork(seed: 1, conditions: .local, limits: limits, loops: loops)
    }

    func connect() async throws -> (any Link, any Link) {
        let pair = network.pair()
        pairs.add(pair.initiator)
        return (pair.initiator, pair.acceptor)
    }

    func restart() async throws { network.cut(noticedBy: .both) }
    func close() async { pairs.cutAll() }
}

/// Links to cut in the end.
final class Held: Sendable {
    private let links = Mutex<[any Link]>([])
    func add(_ link: any Link) { links.withLock { $0.append(link) } }
    func cutAll() {
        let all = links.withLock { links in
            defer { links = [] }
            return links
        }
        for link in all { link.cut() }
    }
}

/// Links through a listener.
final class ListenerHouse: LinkHouse {
    enum Kind: Sendable {
        case memory
        case tcp(isSecure: Bool)
        case webSocket(LinkTraits.Encoding, isSecure: Bool)
    }

    private struct State {
        var listener: (any Listener)?
        var connector: (any Connector)?
        var address = LinkAddress(host: "127.0.0.1", port: 0)
    }

    private static let serverKey = NodeKey()
    private static let clientKey = NodeKey()

    private let kind: Kind
    private let limits: LinkLimits
    private let loops: WireLoops
    private let accepted = Accepted()
    private let state = Mutex(State())

    init(_ kind: Kind, limits: LinkLimits, loops: WireLoops) {
        self.kind = kind
        self.limits = limits
        self.loops = loops
    }

    func connect() async throws -> (any Link, any Link) {
        let link = try await connector().connect()
        return (link, await accepted.next())
    }

    func restart() async throws {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        await listener?.shutdown(within: .zero)
    }

    func close() async { try? await restart() }

    private func connector() async throws -> any Connector {
        if let connector = state.withLock({ $0.listener == nil ? nil : $0.connector }) { return connector }
        let (listener, connect) = try makeListener(at: state.withLock { $0.address })
        let address = try await listener.start { [accepted] in accepted.add($0) }
        let connector = try connect(address)
        state.withLock { $0 = State(listener: listener, connector: connector, address: address) }
        return connector
    }

    private func makeListener(at address: LinkAddress) throws -> (any Listener, (LinkAddress) throws -> any Connector) {
        let (limits, loops) = (limits, loops)
        switch kind {
        case .memory:
            let listener = MemoryListener(limits: limits, loops: loops)
            return (listener, { _ in listener.connector })
        case .tcp(let isSecure):
            return (
                TCPListener(on: address, security: Self.server(isSecure), limits: limits, loops: loops),
                { try TCPConnector(to: $0, security: Self.client(isSecure), limits: limits, loops: loops) }
            )
        case .webSocket(let encoding, let isSecure):
            return (
                WebSocketListener(on: address, origins: .none, security: Self.server(isSecure), limits: limits, logger: .silent),
                { try WebSocketConnector(to: $0, encoding: encoding, security: Self.client(isSecure), limits: limits, loops: loops) }
            )
        }
    }

    private static func server(_ isSecure: Bool) -> LinkSecurity {
        isSecure ? .tls(serverKey, trusting: .pinned([clientKey.hash])) : .plain
    }

    private static func client(_ isSecure: Bool) -> LinkSecurity {
        isSecure ? .tls(clientKey, trusting: .pinned([serverKey.hash])) : .plain
    }
}

/// Links through the port of an HTTP server that serves something else as well.
final class MountedHouse: LinkHouse {
    private struct State {
        var server: HTTPServer?
        var port = 0
    }

    private let limits: LinkLimits
    private let loops: WireLoops
    private let accepted = Accepted()
    private let state = Mutex(State())

    init(limits: LinkLimits, loops: WireLoops) {
        self.limits = limits
        self.loops = loops
    }

    func connect() async throws -> (any Link, any Link) {
        let connector = try WebSocketConnector(
            to: LinkAddress(host: "127.0.0.1", port: try await port()), security: .plain, limits: limits, loops: loops)
        let link = try await connector.connect()
        return (link, await accepted.next())
    }

    func restart() async throws {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        await server?.shutdownGracefully()
    }

    func close() async { try? await restart() }

    func port() async throws -> Int {
        if let port = state.withLock({ $0.server == nil ? nil : $0.port }) { return port }
        let endpoint = WebSocketEndpoint(origins: .none, limits: limits) { [accepted] in accepted.add($0) }
        let server = HTTPServer(
            configuration: .init(host: "127.0.0.1", port: state.withLock { $0.port }), service: endpoint.before(OtherService()),
            logger: .silent)
        let port = try await server.start().port
        state.withLock { $0 = State(server: server, port: port) }
        return port
    }
}

/// What shares the port with links.
struct OtherService: HTTPService {
    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        HTTPReply(HTTPResponse(status: .ok), .bytes(Array("other".utf8)))
    }
}
