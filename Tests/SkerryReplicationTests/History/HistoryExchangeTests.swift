import SkerryMerge
import SkerryReplication
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

private typealias Memory = History<MemoryHistoryStore>
private typealias Exchange = HistoryExchange<MemoryHistoryStore>

private func empty() throws(HistoryError) -> Memory { try Memory(store: MemoryHistoryStore()) }

/// Commits of some size, of which no two hold the same.
private func filled(_ count: Int, size: Int = 200, seed: Int = 1) throws -> Memory {
    var history = try empty()
    var random = SeededRandom(seed)
    for time in 0..<count {
        let content = random.bytes(size)
        try history.commit(
            Snapshot([path("f\(time % 7)"): content, path("d/same"): [1]]), to: "main", author: "", message: "\(time)",
            timestamp: UInt64(time + 1))
    }
    return history
}

@Suite("Exchanges over links")
struct HistoryExchangeTests {
    enum Way: String, CaseIterable {
        case memory, tcp, tls, simulated
    }

    /// Two histories in conversation over a link of some kind.
    private func withPair<Value: Sendable>(
        _ way: Way, _ left: Memory, _ right: Memory, rule: ExchangeSession.PushRule = .all,
        _ body: (Exchange, Exchange) async throws -> Value
    ) async throws -> (Value, left: Memory, right: Memory) {
        let pool = try BlockingPool(threads: 2)
        let near = Exchange(left, peer: "far", executor: pool, patience: nil)
        let far = Exchange(right, peer: "near", pushRule: rule, executor: pool, patience: nil)
        var listener: TCPListener?
        // A machine that stands still for a while must not end a test.
        var limits = LinkLimits()
        (limits.handshake, limits.packet, limits.silence) = (.seconds(600), .seconds(600), .seconds(600))
        switch way {
        case .memory:
            let (a, b) = MemoryLink.pair()
            far.start(on: b)
            near.start(on: a)
        case .simulated:
            let network = SimulatedNetwork(seed: 7, conditions: Self.slow)
            let (a, b) = network.pair()
            far.start(on: b)
            near.start(on: a)
        case .tcp, .tls:
            let keys = (NodeKey(), NodeKey())
            let accepts = way == .tls ? LinkSecurity.tls(keys.0, trusting: .pinned([keys.1.hash])) : .plain
            let connects = way == .tls ? LinkSecurity.tls(keys.1, trusting: .pinned([keys.0.hash])) : .plain
            let place = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: accepts, limits: limits)
            let address = try await place.start { far.start(on: $0) }
            near.start(on: try await TCPConnector(to: address, security: connects, limits: limits).connect())
            listener = place
        }
        let value = try await body(near, far)
        let ends = (await near.close(), await far.close())
        await listener?.shutdown(within: .zero)
        await pool.shutdown()
        return (value, ends.0, ends.1)
    }

    /// A network that delays and keeps order, as links of histories need.
    private static var slow: NetworkConditions {
        var conditions = NetworkConditions()
        conditions.latency = .milliseconds(1)
        conditions.jitter = .milliseconds(3)
        return conditions
    }

    @Test("G-07: clone, push, pull and fetch over every kind of link", arguments: Way.allCases)
    func everything(way: Way) async throws {
        let origin = try filled(60)
        let (_, clone, same) = try await withPair(way, empty(), origin) { near, _ in
            let names = try await near.clone()
            #expect(names == origin.names)
            let error = await #expect(throws: HistoryError.self) { try await near.clone() }
            #expect(error?.code == .notEmpty)
        }
        #expect(clone.branches == origin.branches)
        #expect(try clone.verify().isSound)
        #expect(same.names == origin.names)

        // Both go on: the push is refused until a pull has merged.
        var ours = clone, theirs = origin
        let content = try origin.checkout(origin.resolve(.branch("main")))
        var mine = content, other = content
        mine.files[path("mine")] = Array("mine".utf8)
        other.files[path("theirs")] = Array("theirs".utf8)
        try ours.commit(mine, to: "main", author: "", message: "", timestamp: 1_000)
        try theirs.commit(other, to: "main", author: "", message: "", timestamp: 1_000)
        let (outcome, left, right) = try await withPair(way, ours, theirs) { near, _ in
            let error = await #expect(throws: HistoryError.self) { try await near.push("main") }
            #expect(error?.code == .notFastForward)
            let outcome = try await near.pull("main")
            try await near.push("main")
            try await near.push("main")
            let missing = await #expect(throws: HistoryError.self) { try await near.push("none") }
            #expect(missing?.code == .notFound)
            return outcome
        }
        guard case .merged(let merge, []) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(left.branches == ["main": merge])
        #expect(right.branches == ["main": merge])
        var both = mine
        both.files[path("theirs")] = Array("theirs".utf8)
        #expect(try right.checkout(merge) == both)
        #expect(try right.verify().isSound)
    }

    @Test(
        "G-08: objects larger than a packet, and more of them than the window, pass with little on the way", arguments: [Way.memory, .tcp])
    func large(way: Way) async throws {
        var origin = try filled(3)
        var random = SeededRandom(9)
        let large = random.bytes(2_500_000)
        for index in 0..<6 {
            try origin.commit(
                Snapshot([path("large"): large + [UInt8(index)], path("larger"): large + large + [UInt8(index)]]), to: "main", author: "",
                message: "", timestamp: UInt64(100 + index))
        }
        let (_, clone, _) = try await withPair(way, empty(), origin) { near, _ in try await near.clone() }
        #expect(clone.branches == origin.branches)
        #expect(try clone.verify().isSound)
    }

    @Test("a transfer that breaks off goes on where it was, sending only what is missing", arguments: 0..<6)
    func broken(seed: Int) async throws {
        // Mostly commits for even seeds, one commit of many objects for odd ones.
        var origin = try filled(seed % 2 == 0 ? 300 : 1, size: 70_000, seed: seed)
        if seed % 2 == 1 {
            var random = SeededRandom(seed)
            var files: [FilePath: [UInt8]] = [:]
            for index in 0..<300 { files[path("d\(index % 9)/f\(index)")] = random.bytes(70_000) }
            try origin.commit(Snapshot(files), to: "main", author: "", message: "", timestamp: 9_999)
        }
        let total = try await received(into: empty(), from: origin, cutAfter: nil).bytes
        var history = try empty()
        var sum = 0, breaks = 0
        // The link dies again and again.
        while history.branches != origin.branches {
            breaks += 1
            try #require(breaks < 40)
            let part = try await received(into: history, from: origin, cutAfter: total / 5 + breaks * total / 10)
            sum += part.bytes
            #expect(try part.history.verify().isSound)
            // Opened anew, as after the process ended.
            history = try Memory(store: part.history.store)
        }
        #expect(breaks > 1)
        #expect(history.names == [.branch("main"): origin.branches["main"]!, .remote("far", branch: "main"): origin.branches["main"]!])
        // Of each part at most what was under way is sent again.
        let window = ExchangeSession.windowBytes
        #expect(sum < total + breaks * min(window, total / 2), "\(sum) of \(total) in \(breaks) parts")
        #expect(try history.collect() == 0)
    }

    @Test("a network that cuts links again and again, with or without telling, still carries a clone to its end", arguments: 0..<4)
    func cutting(seed: Int) async throws {
        let origin = try filled(200, size: 4_000, seed: seed)
        var conditions = Self.slow
        conditions.bytesPerSecond = 3_000_000
        conditions.disturbanceInterval = .milliseconds(60)
        conditions.disturbances = [.cut]
        let network = SimulatedNetwork(seed: UInt64(seed + 1), conditions: conditions)
        var history = try empty()
        var links = 0
        while history.branches != origin.branches {
            links += 1
            try #require(links < 200)
            // The last ones are left in peace, so that the end does not depend on luck.
            if links == 25 { network.heal() }
            let pool = try BlockingPool(threads: 2)
            let patience: Duration? = links < 25 ? .milliseconds(200) : nil
            let near = Exchange(history, peer: "far", executor: pool, patience: patience)
            let far = Exchange(origin, peer: "near", executor: pool, patience: patience)
            let (a, b) = network.pair()
            far.start(on: b)
            near.start(on: a)
            do throws(HistoryError) { try await near.clone() } catch { #expect(error.code == .disconnected) }
            history = await near.close()
            _ = await far.close()
            await pool.shutdown()
            #expect(try history.verify().isSound)
        }
        #expect(network.faults.cuts > 0)
    }

    private func received(
        into history: Memory, from origin: Memory, cutAfter limit: Int?
    ) async throws -> (history: Memory, bytes: Int) {
        let pool = try BlockingPool(threads: 2)
        let cut = Cut()
        let near = Exchange(history, peer: "far", executor: pool) { traffic in
            cut.bytes.withLock { $0 = traffic.bytesReceived }
            if let limit, traffic.bytesReceived >= limit { cut.link.withLock { $0 }?.cut() }
        }
        let far = Exchange(origin, peer: "near", executor: pool)
        let (a, b) = MemoryLink.pair()
        cut.link.withLock { $0 = a }
        far.start(on: b)
        near.start(on: a)
        do throws(HistoryError) {
            try await near.clone()
        } catch {
            #expect(error.code == .disconnected)
        }
        let end = await near.close()
        _ = await far.close()
        await pool.shutdown()
        return (end, cut.bytes.withLock { $0 })
    }

    private final class Cut: Sendable {
        let link = Mutex<(any Link)?>(nil)
        let bytes = Mutex(0)
    }

    @Test("a shallow clone is deepened step by step to the whole history, over links")
    func deepening() async throws {
        let origin = try filled(50)
        var (_, clone, _) = try await withPair(.memory, empty(), origin) { near, _ in try await near.clone(depth: 4) }
        #expect(clone.graph.count == 4 + 1)
        for (depth, count) in [(10, 10), (10, 10), (25, 25), (nil, 50)] as [(Int?, Int)] {
            (_, clone, _) = try await withPair(.memory, clone, origin) { near, _ in try await near.deepen(to: depth) }
            #expect(clone.graph.count == count + 1)
            #expect(clone.graph.boundary.isEmpty == (depth == nil))
            #expect(try clone.verify().isSound)
            // Opened anew it is the same.
            clone = try Memory(store: clone.store)
            #expect(clone.graph.count == count + 1)
        }
        #expect(clone.branches == origin.branches)
    }

    @Test("a peer pushes where it may, and nothing of a push that is refused stays")
    func pushRules() async throws {
        let origin = try filled(3)
        var ours = origin
        try ours.createBranch("side", at: ours.resolve(.branch("main")))
        for branch in ["main", "side"] { try ours.commit(["new": branch], to: branch, at: 50) }
        for (rule, main, side) in [
            (ExchangeSession.PushRule.all, true, true), (.allExcept(["main"]), false, true), (.none, false, false),
        ] {
            let (_, _, after) = try await withPair(.memory, ours, origin, rule: rule) { near, _ in
                for (branch, isAllowed) in [("main", main), ("side", side)] {
                    if isAllowed {
                        try await near.push(branch)
                    } else {
                        let error = await #expect(throws: HistoryError.self) { try await near.push(branch) }
                        #expect(error?.code == .refused)
                    }
                }
            }
            #expect(after.branches["main"] == (main ? ours : origin).branches["main"])
            #expect(after.branches["side"] == (side ? ours.branches["side"] : nil))
            #expect(try after.verify().isSound)
            if rule == .none { #expect(try after.verify().unreachableCount == 0) }
        }
    }

    @Test("a server gives each link the history as it is, on disk as well, and hears of pushes")
    func server() async throws {
        let files = MemoryFileLayer()
        let open = { @Sendable () throws(HistoryError) in
            try History(store: DirectoryHistoryStore(directory: "/h", files: files, creates: true))
        }
        var first = try open()
        try first.commit(["f": "1"])
        let pool = try BlockingPool(threads: 3)
        let events = Mutex<[String]>([])
        let server = HistoryServer<DirectoryHistoryStore<MemoryFileLayer>>(executor: pool) { event in
            if case .accepted(let change, _) = event { events.withLock { $0.append("\(change.name)") } }
        } open: { _ throws(HistoryError) in
            .init(history: try open(), peer: "guest", pushRule: .all)
        }
        let listener = MemoryListener()
        try await listener.start(server.accept)
        for round in 0..<3 {
            let exchange = Exchange(try empty(), peer: "origin", executor: pool)
            exchange.start(on: try await listener.connector.connect())
            try await exchange.clone()
            var history = await exchange.close()
            #expect(try history.branches == open().branches)
            try history.commit(["f": "round \(round)"], at: UInt64(round + 2))
            let push = Exchange(history, peer: "origin", executor: pool)
            push.start(on: try await listener.connector.connect())
            try await push.push("main")
            history = await push.close()
            #expect(try open().branches == history.branches)
        }
        #expect(events.withLock { $0 } == ["branches/main", "branches/main", "branches/main"])
        #expect(try open().verify().isSound)
        await listener.shutdown(within: .zero)
        await pool.shutdown()
    }

    @Test("a wish that comes after the end of the link is refused")
    func wishes() async throws {
        let origin = try filled(30)
        _ = try await withPair(.memory, empty(), origin) { near, _ in
            try await near.clone()
            _ = await near.close()
            let error = await #expect(throws: HistoryError.self) { try await near.fetch() }
            #expect(error?.code == .disconnected)
        }
    }

    // MARK: Hostile peers

    /// A peer that says what it likes.
    private final class Hostile: LinkDriver {
        let state: Mutex<(packets: [[UInt8]], received: Int, closed: CheckedContinuation<Void, Never>?, isClosed: Bool)>

        init(_ packets: [[UInt8]]) { state = Mutex((packets, 0, nil, false)) }

        func received(_ packet: UnsafeRawBufferPointer) { state.withLock { $0.received += packet.count } }
        func readCompleted() {}
        func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
            state.withLock { state in
                guard !state.packets.isEmpty else { return false }
                packet += state.packets.removeFirst()
                return true
            }
        }
        func linkClosed(_ error: LinkError?) {
            let waiter = state.withLock { state in
                state.isClosed = true
                return state.closed
            }
            waiter?.resume()
        }
        func closed() async {
            await withCheckedContinuation { continuation in
                let isClosed = state.withLock { state in
                    if !state.isClosed { state.closed = continuation }
                    return state.isClosed
                }
                if isClosed { continuation.resume() }
            }
        }
    }

    private func frame(_ message: ExchangeMessage) -> [UInt8] {
        let bytes = message.encoded
        var frame: [UInt8] = []
        var rest = bytes.count
        while rest >= 0x80 {
            frame.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return frame + [UInt8(rest)] + bytes
    }

    @Test("a hostile peer ends its own link and changes nothing")
    func hostile() async throws {
        let origin = try filled(5)
        let head = origin.branches["main"]!
        let greeting = frame(.greet(hash: "sha256", names: [:], boundary: []))
        let lie = HistoryObject.commit(
            Commit(tree: id(1), parents: [], generation: 0, timestamp: 0, author: "", message: "")
        ).encoded
        let cases: [(String, [[UInt8]])] = [
            ("no greeting", [frame(.sent)]), ("noise", [Array(repeating: 0xFF, count: 100)]), ("an empty message", [[0]]),
            ("a length not of its grammar", [[0x80, 0x00]]),
            // 2 GiB are announced: nothing may be allocated for them.
            ("a promise", [greeting + [0x80, 0x80, 0x80, 0x80, 0x08, UInt8(ascii: "o")]]),
            ("a large message that is none of objects", [greeting + [0x80, 0x80, 0x80, 0x10, UInt8(ascii: "n")]]),
            ("another hash", [frame(.greet(hash: "md5", names: [:], boundary: []))]),
            ("objects that dangle", [greeting, frame(.objects([lie]))]),
            ("a wish for what was never offered", [greeting, frame(.want([id(5)], depth: nil, deepens: false))]),
            ("skipping without a wish", [greeting, frame(.skip([head]))]),
            ("credit nobody gave", [greeting, frame(.taken(5))]),
            ("a push of a tag", [greeting, frame(.push(NameChange(.tag("t"), from: nil, to: head)))]),
            ("a second greeting", [greeting, greeting]), ("an end nobody asked for", [greeting, frame(.sent)]),
            ("a message cut by bytes", [Array(greeting.dropLast(3)) + frame(.sent) + frame(.sent)]),
        ]
        for (name, packets) in cases {
            let pool = try BlockingPool(threads: 1)
            let exchange = Exchange(origin, peer: "p", executor: pool, patience: .seconds(300))
            let (a, b) = MemoryLink.pair()
            let hostile = Hostile(packets)
            b.start(hostile)
            exchange.start(on: a)
            let error = await #expect(throws: HistoryError.self, "\(name)") { try await exchange.ended() }
            #expect([.protocolViolation, .tooLarge, .incompatible, .dangling, .corrupt].contains(error?.code), "\(name): \(error as Any)")
            await hostile.closed()
            let after = await exchange.close()
            #expect(after.names == origin.names, "\(name)")
            #expect(try after.verify() == origin.verify(), "\(name)")
            await pool.shutdown()
        }
    }

    @Test("bytes of any kind in place of messages never trap and never move a name", arguments: 0..<30)
    func noise(seed: Int) async throws {
        var random = SeededRandom(seed)
        let origin = try filled(3)
        var bytes = frame(.greet(hash: "sha256", names: [.branch("x"): id(1)], boundary: []))
        bytes += frame(.want([origin.branches["main"]!], depth: nil, deepens: false)) + frame(.have([], isLast: true))
        bytes += frame(.push(NameChange(.branch("main"), from: nil, to: id(2))))
        for _ in 0..<1 + random.below(4) {
            let at = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes[at] = UInt8(random.below(256))
            case 1: bytes.remove(at: at)
            default: bytes.insert(UInt8(random.below(256)), at: at)
            }
        }
        let pool = try BlockingPool(threads: 1)
        let exchange = Exchange(origin, peer: "p", executor: pool)
        let (a, b) = MemoryLink.pair()
        let hostile = Hostile(stride(from: 0, to: bytes.count, by: 13).map { Array(bytes[$0..<min(bytes.count, $0 + 13)]) })
        b.start(hostile)
        exchange.start(on: a)
        // Says its piece and goes.
        b.close()
        await hostile.closed()
        let after = await exchange.close()
        #expect(after.names == origin.names)
        await pool.shutdown()
    }
}
