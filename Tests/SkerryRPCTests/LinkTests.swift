import Logging
import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

/// The links a session may run over.
enum LinkKind: String, CaseIterable, Sendable {
    case memory, simulated, radio, tcp, tls, webSocket, webSocketText

    /// Runs `body` with a connector to a listener whose links go to `server`.
    func withConnector(
        to server: SessionServer, key: NodeKey, _ body: (any Connector) async throws -> Void
    ) async throws {
        let local = LinkAddress(host: "127.0.0.1", port: 0)
        switch self {
        case .memory:
            let listener = MemoryListener()
            try await listener.start { server.accept($0) }
            try await body(listener.connector)
            await listener.shutdown(within: .zero)
        case .simulated, .radio:
            let network = SimulatedNetwork(seed: 7, conditions: self == .radio ? .quickRadio : .local)
            try await body(SimulatedConnector(network: network, delivery: self == .radio ? .lossy : .ordered, server: server))
        case .tcp:
            let listener = TCPListener(on: local, security: .plain)
            let address = try await listener.start { server.accept($0) }
            try await body(TCPConnector(to: address, security: .plain))
            await listener.shutdown(within: .zero)
        case .tls:
            let listener = TCPListener(on: local, security: .tls(key, trusting: .anyone))
            let address = try await listener.start { server.accept($0) }
            try await body(TCPConnector(to: address, security: .tls(NodeKey(), trusting: .pinned([key.hash]))))
            await listener.shutdown(within: .zero)
        case .webSocket, .webSocketText:
            let listener = WebSocketListener(
                on: local, origins: .none, security: .plain, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let address = try await listener.start { server.accept($0) }
            try await body(
                WebSocketConnector(to: address, encoding: self == .webSocketText ? .text : .binary, security: .plain))
            await listener.shutdown(within: .zero)
        }
    }
}

/// Connects over a simulated network to a server at its other end.
struct SimulatedConnector: Connector {
    let network: SimulatedNetwork
    let delivery: LinkTraits.Delivery
    let server: SessionServer

    func connect() async throws(LinkError) -> any Link {
        let (near, far) = network.pair(delivery: delivery)
        server.accept(far)
        return near
    }
}

extension NetworkConditions {
    /// Loses, doubles, reorders and damages as radio does, but hastily, since it runs in real time.
    static var quickRadio: NetworkConditions {
        var conditions = radio
        conditions.latency = .microseconds(200)
        conditions.jitter = .microseconds(300)
        return conditions
    }
}

@Suite("One body over all links", .timeLimit(.minutes(1)))
struct LinkTests {
    @Test(
        "Y-11, Y-15, Y-30: calls, errors, references, channels and cancellation are the same over every link", arguments: LinkKind.allCases)
    func everything(kind: LinkKind) async throws {
        let registry = Registry(name: "everywhere")
        let calculator = Calculator()
        try registry.add("arith", ArithService.reference(to: calculator))
        let server = SessionServer(root: registry.facet)
        try await kind.withConnector(to: server, key: NodeKey()) { connector in
            let pair = try await SessionPair(connector: connector, acceptor: server)
            try await exercise(pair, calculator)
            try await eventually("no entry is left") {
                let (client, server) = (pair.client.statistics, pair.server.statistics)
                return client.core.questions == 0 && server.core.answers == 0 && client.channelsExported == 0
                    && server.servicesExported <= 1 && server.handlersRunning == 0
            }
            await pair.close()
        }
    }

    private func exercise(_ pair: SessionPair, _ calculator: Calculator) async throws {
        let root = pair.client.root
        #expect(try await root.list() == ["arith", "root"])
        let arith = try await root.get(ArithService.self, "arith")
        // Calls one after the other, and many at once.
        for number in 0..<20 { #expect(try await arith.succ(number) == number + 1) }
        let results = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 { group.addTask { try await arith.plus(number, number) == 2 * number } }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 200)
        // Values of all kinds, large ones too.
        #expect(try await arith.areEqual(Point(x: .max, y: .min), Point(x: .max, y: .min)))
        #expect(try await arith.sum(Array(repeating: 1, count: 20_000), from: nil) == 20_000)
        #expect(try await arith.power(7) == 49)
        for amount in 1...20 { try await arith.note(amount) }
        #expect(try await arith.total() == 210)
        // Errors.
        await #expect(throws: ArithError.overflow(of: "succ")) { try await arith.succ(.max) }
        await #expect(throws: ArithError.divisionByZero) { try await arith.quotient(of: 1, by: 0) }
        let missing = await #expect(throws: CallError.self) { try await root.get("nobody") }
        #expect(missing?.code == .noSuchService)
        let unknown = await #expect(throws: CallError.self) { try await arith.reference.invoke("nothing", .object([:])) }
        #expect(unknown?.code == .noSuchMethod)
        // References, both ways.
        let counter = try await arith.counter(from: 5)
        #expect(try await counter.add(1) == 6)
        #expect(try await arith.read(CounterService.client(CounterService.reference(to: Tally(77)))) == 77)
        // Channels, both ways.
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        async let counted: Void = arith.count(to: 400, into: sender)
        var numbers: [Int] = []
        while let number = try await receiver.receive() { numbers.append(number) }
        try await counted
        #expect(numbers == Array(0..<400))
        let (source, sink) = Channel<Int>(.buffer(4)).halves
        async let sum = arith.drain(sink)
        for number in 1...400 { try await source.send(number) }
        source.close()
        #expect(try await sum == 80_200)
        // Cancellation reaches the callee.
        let (stuckSender, stuckReceiver) = Channel<Int>(.buffer(1)).halves
        let stuck = Task { try await arith.drain(stuckReceiver) }
        try await eventually { pair.server.statistics.handlersRunning == 1 }
        stuck.cancel()
        let cancelled = await #expect(throws: CallError.self) { try await stuck.value }
        #expect(cancelled?.code == .cancelled)
        try await eventually { pair.server.statistics.handlersRunning == 0 }
        _ = consume stuckSender
        // What the service says of itself.
        #expect(try await arith.reference.schema().name == "Arith")
        try await arith.reference.ping()
    }
}
