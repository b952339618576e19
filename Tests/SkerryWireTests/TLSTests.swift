import SkerrySession
import Synchronization
import Testing

@testable import SkerryWire

/// Who may speak with whom: node keys on both sides.
@Suite struct TLSTests {
    private let server = NodeKey()
    private let client = NodeKey()
    private let stranger = NodeKey()

    private func withListener(
        _ key: NodeKey, trusting trust: PeerTrust, _ body: (LinkAddress, Accepted, TCPListener) async throws -> Void
    ) async throws {
        var limits = LinkLimits()
        limits.close = .seconds(1)
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .tls(key, trusting: trust), limits: limits)
        let accepted = Accepted()
        let address = try await listener.start { accepted.add($0) }
        do {
            try await body(address, accepted, listener)
        } catch {
            await listener.shutdown(within: .zero)
            throw error
        }
        await listener.shutdown(within: .zero)
    }

    @Test("Each side knows the other by its key, over TCP and over WebSocket")
    func keysAreKnown() async throws {
        try await withListener(server, trusting: .pinned([client.hash])) { address, accepted, _ in
            let link = try await TCPConnector(to: address, security: .tls(client, trusting: .pinned([server.hash]))).connect()
            #expect(link.peer.key == server.hash)
            #expect(link.peer.isPrivate)
            let other = await accepted.next()
            #expect(other.peer.key == client.hash)
            #expect(other.peer.isPrivate)
            link.cut()
        }
        let listener = WebSocketListener(
            on: LinkAddress(host: "127.0.0.1", port: 0), origins: .none, security: .tls(server, trusting: .pinned([client.hash])),
            logger: .silent)
        let accepted = Accepted()
        let address = try await listener.start { accepted.add($0) }
        let link = try await WebSocketConnector(to: address, security: .tls(client, trusting: .pinned([server.hash]))).connect()
        #expect(link.peer.key == server.hash)
        let other = await accepted.next()
        #expect(other.peer.key == client.hash)
        #expect(other.peer.isPrivate)
        link.cut()
        await listener.shutdown(within: .zero)
    }

    @Test("A server with another key than the one pinned is refused, with the key it showed")
    func wrongServer() async throws {
        try await withListener(server, trusting: .anyone) { address, _, _ in
            for connector in [
                try TCPConnector(to: address, security: .tls(client, trusting: .pinned([stranger.hash]))) as any Connector,
                try TCPConnector(to: address, security: .tls(client, trusting: .pinned([]))),
            ] {
                let error = await #expect(throws: LinkError.self) { try await connector.connect() }
                #expect(error?.code == .untrusted)
                #expect(error?.presentedKey == server.hash)
                #expect(error?.isRetryable == false)
            }
        }
    }

    @Test("A client with a key nobody knows is turned away and told so; the listener accepts no link")
    func wrongClient() async throws {
        try await withListener(server, trusting: .pinned([client.hash])) { address, _, listener in
            // The handshake of TLS 1.3 is over for the client before the server has judged its key.
            let error: LinkError?
            do {
                let link = try await TCPConnector(to: address, security: .tls(stranger, trusting: .pinned([server.hash]))).connect()
                error = await Probe.driving(link).ending()
            } catch let failure as LinkError {
                error = failure
            }
            #expect(error?.code == .rejected)
            #expect(listener.statistics.acceptedLinks == 0)
        }
    }

    @Test("Who trusts anyone still knows whom")
    func anyone() async throws {
        try await withListener(server, trusting: .anyone) { address, accepted, _ in
            let link = try await TCPConnector(to: address, security: .tls(stranger, trusting: .anyone)).connect()
            #expect(link.peer.key == server.hash)
            #expect(await accepted.next().peer.key == stranger.hash)
            link.cut()
        }
    }

    @Test("A peer that speaks another protocol, or none of TLS, gets no link")
    func wrongProtocol() async throws {
        try await withListener(server, trusting: .anyone) { address, _, listener in
            let webSocket = try WebSocketConnector(to: address, security: .tls(client, trusting: .anyone))
            let error = await #expect(throws: LinkError.self) { try await webSocket.connect() }
            #expect([.handshakeFailed, .reset].contains(error?.code))
            let plain = try RawSocket.connected(to: address.port)
            try await plain.send([0, 0, 0, 1, 42])
            _ = try await plain.receiveToEnd()
            #expect(listener.statistics.acceptedLinks == 0)
        }
        let plain = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain)
        let accepted = Accepted()
        let address = try await plain.start { accepted.add($0) }
        let connector = try TCPConnector(to: address, security: .tls(client, trusting: .anyone))
        async let probe = Probe.driving(await accepted.next()).ending()
        let error = await #expect(throws: LinkError.self) { try await connector.connect() }
        #expect([.handshakeFailed, .reset].contains(error?.code))
        // The first bytes of TLS, taken for a length.
        #expect(await probe?.code == .packetTooLarge)
        await plain.shutdown(within: .zero)
    }

    @Test("A connection that breaks amid TLS is no polite end")
    func truncation() async throws {
        try await withListener(server, trusting: .anyone) { address, accepted, _ in
            // A relay that stops amid the stream, as somebody on the way could.
            let (front, port) = try RawSocket.listening()
            let connector = try TCPConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .tls(client, trusting: .anyone))
            let attempt = Task { try await connector.connect() }
            let near = try await front.accept()
            let far = try RawSocket.connected(to: address.port)
            let relays = [Task { try await near.relay(to: far) }, Task { try await far.relay(to: near) }]
            let link = try await attempt.value
            let one = Probe.driving(link)
            let two = Probe.driving(await accepted.next())
            one.send([[1]])
            await two.waitForPackets(1)
            near.finishSending()
            let error = await one.ending()
            #expect(error?.code == .truncated || error?.code == .reset)
            near.finishReceiving()
            far.finishReceiving()
            far.finishSending()
            for relay in relays { _ = await relay.result }
            #expect(await two.ending() != nil)
        }
    }
}
