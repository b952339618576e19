import Logging
import SkerryRPC
import SkerryWire

/// A server and a client in this process, over one connection on loopback, each on a loop of its own.
struct Setup {
    let session: Session
    let echo: EchoClient

    enum Transport: String, CaseIterable {
        case tcp, tls, websocket
    }

    init(_ transport: Transport) async throws {
        let registry = Registry()
        try registry.add("echo", EchoService.reference(to: EchoKeeper()))
        let server = SessionServer(root: registry.facet)
        let accept: @Sendable (any Link) -> Void = { server.accept($0) }
        let nowhere = LinkAddress(host: "127.0.0.1", port: 0)
        let (serverLoops, clientLoops) = (WireLoops(count: 1), WireLoops(count: 1))
        let connector: any Connector
        switch transport {
        case .tcp:
            let address = try await TCPListener(on: nowhere, security: .plain, loops: serverLoops).start(accept)
            connector = try TCPConnector(to: address, security: .plain, loops: clientLoops)
        case .tls:
            let (serverKey, clientKey) = (NodeKey(), NodeKey())
            let address = try await TCPListener(
                on: nowhere, security: .tls(serverKey, trusting: .pinned([clientKey.hash])), loops: serverLoops
            )
            .start(accept)
            connector = try TCPConnector(to: address, security: .tls(clientKey, trusting: .pinned([serverKey.hash])), loops: clientLoops)
        case .websocket:
            let address = try await WebSocketListener(
                on: nowhere, origins: .none, security: .plain, loopCount: 1,
                logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
            ).start(accept)
            connector = try WebSocketConnector(to: address, security: .plain, loops: clientLoops)
        }
        session = try await Session.open(to: connector)
        echo = try await session.root.get(EchoService.self, "echo")
    }
}
