import Logging
import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

@Suite("Rights", .timeLimit(.minutes(1)))
struct CapabilityTests {
    @Test("a revocable reference works until it is revoked, here and for peers", arguments: [true, false])
    func revocable(isRemote: Bool) async throws {
        let gone = Journal<Bool>()
        let (reference, revoker) = CounterService.reference(to: Tally(1) { gone.add(true) }).revocable()
        let registry = Registry()
        try registry.add("tally", reference)
        let pair = try await SessionPair(root: registry.facet)
        let counter = isRemote ? try await pair.client.root.get(CounterService.self, "tally") : CounterClient(reference)
        #expect(try await counter.add(1) == 2)
        revoker.revoke()
        #expect(gone.entries == [true])
        let error = await #expect(throws: CallError.self) { try await counter.add(1) }
        #expect(error?.code == .noSuchReference)
        #expect(error?.maybeExecuted == false)
        await pair.close()
    }

    @Test("a read-only reference answers what changes nothing and refuses the rest", arguments: [true, false])
    func readOnly(isRemote: Bool) async throws {
        let pair = try await SessionPair.withArith()
        let reference = isRemote ? pair.client.rootReference : ArithService.reference(to: Calculator())
        let arith = ArithClient(reference.readOnly())
        #expect(try await arith.total() == 0)
        #expect(try await arith.succ(1) == 2)
        let error = await #expect(throws: CallError.self) { try await arith.deposit(5) }
        #expect(error?.code == .denied)
        await #expect(throws: CallError.self) { try await arith.note(5) }
        #expect(try await arith.total() == 0)
        #expect(try await arith.reference.schema().name == "Arith")
        await pair.close()
    }

    @Test("a limited reference lets so many calls through and says when to come again")
    func limited() async throws {
        let clock = ManualClock()
        let arith = ArithClient(ArithService.reference(to: Calculator()).limited(calls: 3, per: .seconds(3), clock: clock))
        for number in 0..<3 { #expect(try await arith.succ(number) == number + 1) }
        let error = await #expect(throws: CallError.self) { try await arith.succ(3) }
        #expect(error?.code == .overloaded)
        #expect(error?.retryAfter == .seconds(1))
        clock.advance(by: .seconds(1))
        #expect(try await arith.succ(3) == 4)
        await #expect(throws: CallError.self) { try await arith.succ(4) }
    }

    @Test("a logged reference logs method, outcome and time")
    func logged() async throws {
        let lines = Journal<String>()
        var logger = Logger(label: "test") { _ in JournalHandler(lines: lines) }
        logger.logLevel = .info
        let arith = ArithClient(ArithService.reference(to: Calculator()).logged(to: logger))
        _ = try await arith.succ(1)
        await #expect(throws: ArithError.self) { try await arith.quotient(of: 1, by: 0) }
        #expect(lines.entries == ["call answered succ", "call failed quotient ArithError"])
    }

    @Test("the words of a sturdy reference are read and written, and never logged whole")
    func sturdyText() throws {
        let hash = try #require(NodeKey.Hash(bytes: Array(0..<32)))
        let sturdy = SturdyReference(node: hash, address: LinkAddress(host: "::1", port: 7_070), secret: Array(0xA0..<0xB0))
        #expect(sturdy.text == "skerry://\(hash)@[::1]:7070/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
        #expect(SturdyReference(sturdy.text) == sturdy)
        #expect(!"\(sturdy)".contains("a0a1a2"))
        let broken = [
            "", "skerry://", "http://\(hash)@a:1/101112131415161718191a1b1c1d1e1f", "skerry://\(hash)@a:1/10", "skerry://\(hash)@a/1011",
            "skerry://\(hash)@a:99999/101112131415161718191a1b1c1d1e1f", "skerry://12@a:1/101112131415161718191a1b1c1d1e1f",
            "skerry://\(hash)@:1/101112131415161718191a1b1c1d1e1f", "skerry://\(hash)@a:1/101112131415161718191a1b1c1d1e1g",
        ]
        for text in broken { #expect(SturdyReference(text) == nil, "\(text)") }
    }

    @Test("a sturdy reference opens a private service over a link that proves the node, until it expires, is revoked or never was")
    func sturdy() async throws {
        let (nodeKey, callerKey) = (NodeKey(), NodeKey())
        let registry = Registry()
        try registry.add("vault", CounterService.reference(to: Tally(7)), visibility: .private)
        let now = Locked<Int64>(1_000)
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .tls(nodeKey, trusting: .anyone))
        var options = SessionOptions()
        options.nodeKey = nodeKey.hash.bytes
        let server = SessionServer(root: registry.facet, options: options)
        let address = try await listener.start { server.accept($0) }
        let references = try SturdyReferences(registry, node: nodeKey.hash, at: address) { now.withLock { $0 } }
        let sturdy = try references.issue("vault", lifetime: .seconds(10))
        let forged = SturdyReference(node: nodeKey.hash, address: address, secret: [UInt8](repeating: 1, count: 16))

        options.nodeKey = callerKey.hash.bytes
        let connector = try TCPConnector(to: sturdy.address, security: .tls(callerKey, trusting: .pinned([sturdy.node])))
        let session = try await Session.open(to: connector, options: options)
        #expect(try await CounterClient(sturdy.enter(session)).add(1) == 8)
        for bad in [forged, SturdyReference(node: callerKey.hash, address: address, secret: sturdy.secret)] {
            let error = await #expect(throws: CallError.self) { try await bad.enter(session) }
            #expect(error?.code == .denied)
        }
        // What is kept opens nothing, and survives a restart of the table.
        let records = references.records
        #expect(records.count == 1 && records[0].hash != sturdy.secret && records[0].service == "vault")
        #expect(references.revoke(sturdy))
        await #expect(throws: CallError.self) { try await sturdy.enter(session) }
        references.restore(records)
        #expect(try await CounterClient(sturdy.enter(session)).add(1) == 9)
        now.withLock { $0 = 11_001 }
        await #expect(throws: CallError.self) { try await sturdy.enter(session) }
        #expect(references.records.isEmpty)
        await session.close()
        await listener.shutdown(within: .zero)
    }
}

/// Writes log lines into a journal.
struct JournalHandler: LogHandler {
    let lines: Journal<String>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(lines: Journal<String>) {
        self.lines = lines
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String, function: String, line: UInt
    ) {
        let words = ["method", "error"].compactMap { metadata?[$0].map { "\($0)" } }
        lines.add((["\(message)"] + words).joined(separator: " "))
    }
}
