import SkerrySession
import Synchronization
import Testing

@testable import SkerryWire

/// What is particular to TCP: hostile peers, limits, listening.
@Suite struct TCPTests {
    /// Runs a listener around `body`, with the links it accepts.
    private func withListener(
        _ configure: (inout LinkLimits) -> Void = { _ in }, loops: WireLoops = .shared,
        _ body: (TCPListener, Int, Accepted) async throws -> Void
    ) async throws {
        var limits = LinkLimits.patient
        configure(&limits)
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain, limits: limits, loops: loops)
        let accepted = Accepted()
        let port = try await listener.start { accepted.add($0) }.port
        do {
            try await body(listener, port, accepted)
        } catch {
            await listener.shutdown(within: .zero)
            throw error
        }
        await listener.shutdown(within: .zero)
    }

    @Test(
        "A peer that announces too much is cut off at the announcement, whatever protocol it thinks it speaks",
        arguments: ["\u{7F}\u{7F}\u{7F}\u{7F}", "GET / HTTP/1.1\r\n\r\n"])
    func oversized(_ bytes: String) async throws {
        try await withListener { _, port, accepted in
            let peer = try RawSocket.connected(to: port)
            let probe = Probe.driving(await accepted.next())
            try await peer.send(bytes)
            #expect(await probe.ending()?.code == .packetTooLarge || probe.endings.isEmpty)
            #expect(try await peer.receiveToEnd().bytes == [])
            #expect(probe.received == [])
        }
    }

    @Test("A peer that closes amid a packet is told from one that said goodbye and from one that just went")
    func endings() async throws {
        try await withListener { _, port, accepted in
            for (bytes, code) in [([0, 0, 0, 9, 1], .truncated), ([0, 0], .truncated), ([], .reset), ([255, 255, 255, 255], nil)]
                as [([UInt8], LinkError.Code?)]
            {
                let peer = try RawSocket.connected(to: port)
                let probe = Probe.driving(await accepted.next())
                try await peer.send([0, 0, 0, 1, 42] + bytes)
                peer.finishSending()
                #expect(await probe.ending()?.code == code)
                #expect(probe.received == [[42]])
            }
        }
    }

    @Test("Bytes behind a goodbye are a broken rule, and a goodbye is answered by one")
    func behindGoodbye() async throws {
        try await withListener { _, port, accepted in
            let rude = try RawSocket.connected(to: port)
            let probe = Probe.driving(await accepted.next())
            try await rude.send([255, 255, 255, 255, 1])
            #expect(await probe.ending()?.code == .malformed)
            let polite = try RawSocket.connected(to: port)
            let other = Probe.driving(await accepted.next())
            other.send([[7]])
            #expect(try await polite.receive(5) == [0, 0, 0, 1, 7])
            try await polite.send([255, 255, 255, 255])
            #expect(try await polite.receiveToEnd() == ([255, 255, 255, 255], .finished))
            #expect(await other.ending() == nil)
        }
    }

    @Test("A packet that dribbles in is given up after its time, though bytes keep coming")
    func slowPacket() async throws {
        try await withListener({ $0.packet = .milliseconds(60) }) { _, port, accepted in
            let peer = try RawSocket.connected(to: port)
            let probe = Probe.driving(await accepted.next())
            try await peer.send([0, 0, 0, 1, 1, 0, 0x10, 0])
            let dribble = Task { while !Task.isCancelled { do { try await peer.send([0]) } catch { return } } }
            #expect(await probe.ending()?.code == .timedOut)
            dribble.cancel()
            await dribble.value
            #expect(probe.receivedCount == 1)
        }
    }

    @Test("A peer that sends no packet at all is given up after the handshake's time, one that did may be silent")
    func silentPeer() async throws {
        // Threads of its own: where another test holds the loop up, the time is over before the packet is read.
        let loops = WireLoops(count: 1)
        try await withListener({ $0.handshake = .milliseconds(400) }, loops: loops) { _, port, accepted in
            let talker = try RawSocket.connected(to: port)
            try await talker.send([0, 0, 0, 1, 1])
            let kept = Probe.driving(await accepted.next())
            await kept.waitForPackets(1)
            let silent = try RawSocket.connected(to: port)
            let probe = Probe.driving(await accepted.next())
            #expect(await probe.ending()?.code == .timedOut)
            #expect(try await silent.receiveToEnd().bytes == [])
            #expect(kept.endings.isEmpty)
        }
        await loops.shutdown()
    }

    @Test("A peer that takes nothing keeps a closed link no longer than the limit")
    func closeTimeout() async throws {
        try await withListener({ $0.close = .milliseconds(60) }) { _, port, accepted in
            let peer = try RawSocket.connected(to: port)
            let link = await accepted.next()
            let probe = Probe.driving(link)
            try await peer.send([0, 0, 0, 1, 1])
            let bytes = [UInt8](repeating: 1, count: 1 << 20)
            probe.send((0..<32).map { _ in bytes })
            link.close()
            #expect(await probe.ending()?.code == .timedOut)
        }
    }

    @Test("Connections above the limit are closed at once and counted, and a place that is left is taken")
    func connectionLimit() async throws {
        try await withListener({ $0.links = 2 }) { listener, port, accepted in
            let first = try RawSocket.connected(to: port)
            let second = try RawSocket.connected(to: port)
            let probes = [Probe.driving(await accepted.next()), Probe.driving(await accepted.next())]
            let third = try RawSocket.connected(to: port)
            #expect(try await third.receiveToEnd().bytes == [])
            #expect(listener.statistics.refusedConnections == 1)
            #expect(listener.statistics.openLinks == 2)
            first.close()
            second.close()
            for probe in probes { _ = await probe.ending() }
            try await until("both links are gone") { listener.statistics.openLinks == 0 }
            let fourth = try RawSocket.connected(to: port)
            _ = Probe.driving(await accepted.next())
            try await fourth.send([0, 0, 0, 0])
            #expect(listener.statistics.acceptedLinks == 3)
        }
    }

    @Test("A listener that stops lets links end by themselves, closes those that do not, and accepts nothing meanwhile")
    func gracefulShutdown() async throws {
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain)
        let accepted = Accepted()
        let address = try await listener.start { accepted.add($0) }
        let connector = try TCPConnector(to: address, security: .plain)
        let (link, other) = (try await connector.connect(), await accepted.next())
        let (one, two) = (Probe.driving(link), Probe.driving(other))
        let stopping = Task { await listener.shutdown(within: .seconds(60)) }
        // The port closes first: wait for that, then see that the link still works.
        try await until("the port closes") { (try? await connector.connect().cut()) == nil }
        one.send([[1]])
        await two.waitForPackets(1)
        #expect(two.endings.isEmpty)
        link.close()
        #expect(await two.ending() == nil)
        await stopping.value
        #expect(listener.statistics.openLinks == 0)
    }

    @Test("A plain listener is for this machine only, unless somebody says otherwise")
    func insecure() async throws {
        for host in ["0.0.0.0", "::", "192.0.2.1"] {
            let listener = TCPListener(on: LinkAddress(host: host, port: 0), security: .plain)
            let error = await #expect(throws: LinkError.self) { try await listener.start { $0.cut() } }
            #expect(error?.code == .insecure)
        }
        let open = TCPListener(on: LinkAddress(host: "0.0.0.0", port: 0), security: .plainAnywhere)
        try await open.start { $0.cut() }
        await open.shutdown(within: .zero)
        let webSocket = WebSocketListener(on: LinkAddress(host: "0.0.0.0", port: 0), origins: .none, security: .plain, logger: .silent)
        let error = await #expect(throws: LinkError.self) { try await webSocket.start { $0.cut() } }
        #expect(error?.code == .insecure)
    }

    @Test("Errors of listening and connecting say what to do")
    func errors() async throws {
        try await withListener { listener, port, _ in
            let again = await #expect(throws: LinkError.self) { try await listener.start { $0.cut() } }
            #expect(again?.code == .alreadyStarted)
            let second = TCPListener(on: LinkAddress(host: "127.0.0.1", port: port), security: .plain)
            let taken = await #expect(throws: LinkError.self) { try await second.start { $0.cut() } }
            #expect(taken?.code == .addressInUse)
            let webSocket = WebSocketListener(
                on: LinkAddress(host: "127.0.0.1", port: port), origins: .none, security: .plain, logger: .silent)
            let takenToo = await #expect(throws: LinkError.self) { try await webSocket.start { $0.cut() } }
            #expect(takenToo?.code == .addressInUse)
        }
        let (socket, port) = try RawSocket.listening()
        socket.close()
        let connector = try TCPConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .plain)
        let refused = await #expect(throws: LinkError.self) { try await connector.connect() }
        #expect(refused?.code == .refused)
        #expect(refused?.isRetryable == true)
    }

    @Test("An attempt to connect ends with its task, and with its time")
    func attempts() async throws {
        let (socket, port) = try RawSocket.listening()
        let address = LinkAddress(host: "127.0.0.1", port: port)
        let patient = try TCPConnector(to: address, security: .tls(NodeKey(), trusting: .anyone))
        let attempt = Task { try await patient.connect() }
        let accepted = try await socket.accept()
        attempt.cancel()
        let error = await #expect(throws: LinkError.self) { try await attempt.value }
        #expect(error?.code == .cut)
        _ = try await accepted.receiveToEnd()

        var limits = LinkLimits()
        limits.handshake = .milliseconds(50)
        for connector in [
            try TCPConnector(to: address, security: .tls(NodeKey(), trusting: .anyone), limits: limits) as any Connector,
            try WebSocketConnector(to: address, security: .plain, limits: limits),
        ] {
            let error = await #expect(throws: LinkError.self) { try await connector.connect() }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("The address of a link's peer is known")
    func addresses() async throws {
        try await withListener { _, port, accepted in
            let link = try await TCPConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .plain).connect()
            #expect(link.peer == LinkPeer(address: "127.0.0.1:\(port)"))
            let other = await accepted.next()
            #expect(other.peer.address.hasPrefix("127.0.0.1:"))
            #expect(other.peer.key == nil && !other.peer.isPrivate)
            link.cut()
        }
        #expect(LinkAddress(host: "::1", port: 80).description == "[::1]:80")
    }
}
