import Logging
import SkerryCRDT
import SkerryDocuments
import SkerryGossip
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

@testable import SkerryReplication

@Suite("Documents under one feed")
struct DocumentReplicaTests {
    /// Lets everything that came be taken in.
    static func settle(_ nodes: DocumentNode...) async throws {
        for _ in 0..<2 { for node in nodes { try await node.documents.settle() } }
    }

    // MARK: - Convergence

    @Test("U-16: a thousand documents, two nodes, one feed, one digest")
    func thousand() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        try left.replica.start(with: right.replica)
        for number in 0..<1000 { try await left.append("text \(number)", to: "notes/\(number)") }
        try await Self.settle(left, right)
        #expect(left.replica.digest == right.replica.digest)
        #expect(left.replica.digest.dots.map(\.sequence) == [1000], "an entry a commit, whatever document")
        #expect(right.documents.unreadNames.count == 1000, "nobody has asked for them")
        #expect(right.store.residents.count == 0)
        #expect(try await right.documents.documents(limit: 2000).count == 1000)
        #expect(try await right.text("notes/777") == "text 777")
        #expect(right.documents.unreadNames.isEmpty)
        #expect(right.documents.refusals.isEmpty)
    }

    @Test("both sides change what they have while there is no link, and are equal afterwards; a third hears of it through one of them")
    func offline() async throws {
        let (left, right, third) = (try await DocumentNode("left"), try await DocumentNode("right"), try await DocumentNode("third"))
        let session = try left.replica.start(with: right.replica)
        for number in 0..<20 { try await left.append("start", to: "d\(number)") }
        try await Self.settle(left, right)
        session.close()
        for number in 0..<20 {
            try await left.append(" left", to: "d\(number)")
            if number % 2 == 0 { try await right.append(" right", to: "d\(number)") }
            try await right.append("mine", to: "right/\(number)")
        }
        #expect(try await left.text("d0") == "start left")
        try left.replica.start(with: right.replica)
        try third.replica.start(with: right.replica)
        try await Self.settle(left, right, third)
        let texts = try await left.texts()
        #expect(texts.count == 40)
        #expect(try await right.texts() == texts)
        #expect(try await third.texts() == texts)
        #expect(texts["d0"]?.contains(" left") ?? false && texts["d0"]?.contains(" right") ?? false)
        #expect(left.replica.digest == third.replica.digest)
        #expect(left.replica.digest.dots.count == 2, "the third wrote nothing: what came by a feed is not said again")
    }

    @Test("a document that is open gets what others change, as remote changes")
    func remoteChanges() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        try left.replica.start(with: right.replica)
        let document = try await right.documents.document("plan")
        let changes = Mutex<[DocumentChange]>([])
        let observation = document.observe { change in changes.withLock { $0.append(change) } }
        try await left.append("Hello", to: "plan")
        try await Self.settle(right)
        #expect(document.text("body").string == "Hello")
        #expect(changes.withLock { $0.map(\.source) } == [.remote])
        document.change { $0.text("body").insert("!", at: 5) }
        try await right.documents.commit(document)
        try await Self.settle(left)
        #expect(try await left.text("plan") == "Hello!")
        func isTold(_ event: DocumentReplicaEvent) -> Bool {
            if case .imported("plan", let ranges) = event { !ranges.isEmpty } else { false }
        }
        #expect(await eventually { right.events.all.contains(where: isTold) })
        observation.cancel()
    }

    @Test("U-12: models and documents share one feed, one digest and one session")
    func shared() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        let (mine, theirs) = (ReplicatedModel<String>(), ReplicatedModel<String>())
        try left.replica.add(mine, named: "settings")
        try right.replica.add(theirs, named: "settings")
        try left.replica.start(with: right.replica)
        try mine.set("theme", to: "dark")
        try await left.append("a", to: "d")
        try mine.set("size", to: "12")
        try await Self.settle(left, right)
        #expect(try await right.text("d") == "a")
        #expect(theirs["size"] == "12")
        #expect(right.replica.digest.dots.map(\.sequence) == [3])
        #expect(left.replica.statistics.sessions == 1)
    }

    @Test("a replica with documents keeps its log, so that who comes late gets them all")
    func late() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        for round in 0..<20 { try await left.append("\(round) ", to: "d\(round % 3)") }
        try await left.replica.compact()
        try left.replica.start(with: right.replica)
        try await Self.settle(left, right)
        #expect(try await right.texts() == left.texts())
        #expect(right.replica.digest == left.replica.digest)
    }

    @Test("U-14: a replica that takes a position over has all documents behind it for others, after a restart too")
    func takenOver() async throws {
        let (left, right, third) = (try await DocumentNode("left"), try await DocumentNode("right"), try await DocumentNode("third"))
        let session = try left.replica.start(with: right.replica)
        for number in 0..<5 { try await left.append("early", to: "d\(number)") }
        try await Self.settle(left, right)
        session.close()
        for number in 3..<8 { try await left.append(" late", to: "d\(number)") }
        // One that knows of no documents carries them on, and trims its log.
        let carrier = try Replica(["junk": Junk()])
        try await carrier.start(with: left.replica, ReplicaOptions(tail: false)).ended()
        try await carrier.compact()
        try await right.replica.start(with: carrier, ReplicaOptions(tail: false)).ended()
        #expect(right.replica.statistics.repairs == 1)
        try await Self.settle(right)
        #expect(try await right.texts() == left.texts())
        // What builds on each other stays beside the log, whatever the parts say is alive.
        func kept() -> Set<Dot> { Set(right.disk.store().live.kept().map(\.dot)) }
        try await right.replica.durable()
        let before = kept()
        #expect(before.count >= 10)
        try await right.replica.compact()
        #expect(kept() == before)
        try await right.close()
        try await right.reopen()
        try third.replica.start(with: right.replica)
        #expect(await eventually { third.replica.digest == left.replica.digest })
        try await Self.settle(third)
        #expect(try await third.texts() == left.texts())
    }

    @Test("U-07: a stream that goes one way carries documents, and what is written to them later")
    func oneWay() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        for number in 0..<3 { try await left.append("early", to: "d\(number)") }
        try await Self.settle(left)
        let (near, far) = MemoryDuplexStream.pair()
        try left.replica.start(over: near, .writeOnly)
        try right.replica.start(over: far, .readOnly)
        #expect(await eventually { right.replica.digest == left.replica.digest })
        try await left.append(" late", to: "d1")
        try await Self.settle(left)
        #expect(await eventually { right.replica.digest == left.replica.digest })
        try await Self.settle(right)
        #expect(try await right.texts() == left.texts())
        #expect(try await right.text("d1").count == 10)
    }

    // MARK: - Memory

    @Test("more of a document may wait than is known entry by entry: it lies on disk, and comes in its turn")
    func manyWait() async throws {
        let node = try await DocumentNode("node")
        let stream = Junk()
        let peer = try Replica(["documents": stream])
        try peer.start(with: node.replica)
        let author = Document(origin: OriginID(rawValue: 5))
        var updates: [[UInt8]] = []
        for _ in 0..<DocumentLimits.waitingEntries + 100 {
            let before = author.version
            author.change { $0.text("body").insert("x", at: 0) }
            updates += try DocumentFeed.values(of: author.history(since: before)[...])
        }
        for update in updates.dropFirst() { try stream.publish(key: Array("d".utf8), value: update) }
        try await Self.settle(node)
        #expect(try await node.text("d") == "")
        try stream.publish(key: Array("d".utf8), value: updates[0])
        #expect(try await eventually { try await node.text("d").count == updates.count })
        try await Self.settle(node)
        #expect(node.documents.refusals.isEmpty && node.documents.unreadNames.isEmpty)
    }

    @Test("documents pass through a small budget; what nobody uses stays on disk until it is much")
    func memory() async throws {
        let budget = 256 << 10
        let (left, right) = (try await DocumentNode("left", budget: budget), try await DocumentNode("right", budget: budget))
        try left.replica.start(with: right.replica)
        for number in 0..<300 {
            try await left.append(String(repeating: "\(number) ", count: 40), to: "d\(number)")
            #expect(left.store.residents.byteCount <= budget + (64 << 10))
        }
        try await Self.settle(left, right)
        #expect(right.store.residents.count == 0)
        // One of them gets much.
        for _ in 0..<200 { try await left.append("x", to: "d7") }
        try await Self.settle(left, right)
        let waiting = right.documents.state.withLock { $0.unread["d7"]?.entries ?? 0 }
        #expect(waiting <= DocumentLimits.unreadEntries + 1, "\(waiting)")
        #expect(try await right.text("d7").hasSuffix("xxx"))
        for number in 0..<300 {
            #expect(try await right.text("d\(number)").hasPrefix("\(number) "))
            #expect(right.store.residents.byteCount <= budget + (64 << 10))
        }
        #expect(right.documents.state.withLock { $0.heard.count } <= DocumentLimits.heardDocuments)
    }

    // MARK: - Hostile

    @Test("what is no update of a document is refused by name and holds up nobody, also after a restart")
    func hostile() async throws {
        let (good, node) = (try await DocumentNode("good"), try await DocumentNode("node"))
        let evil = Junk()
        let enemy = try Replica(["documents": evil])
        try good.replica.start(with: node.replica)
        try enemy.start(with: node.replica)
        let author = Document(origin: OriginID(rawValue: 5))
        author.change { $0.text("body").insert("evil", at: 0) }
        var damaged = try DocumentFeed.values(of: author.history()[...])[0]
        damaged[damaged.count / 2] ^= 0x40
        try evil.publish(key: [0xFF, 0xFE], value: [1])
        try evil.publish(key: Array("d".utf8), value: [])
        try evil.publish(key: Array("d".utf8), value: [77, 1, 2])
        try evil.publish(key: Array("d".utf8), value: damaged)
        try evil.publish(key: Array("d".utf8), value: [2, 1, 2, 0x81, 0x80, 0x10, 9])
        try evil.remove(key: Array("d".utf8))
        try evil.publish(key: Array("d".utf8), value: DocumentFeed.values(of: author.history()[...])[0])
        try await good.append("good", to: "d")
        #expect(try await node.text("d").contains("good"))
        #expect(try await node.text("d").contains("evil"), "what is an update is taken, whoever wrote it")
        let codes = node.documents.refusals.map(\.code)
        #expect(codes.count == 6, "\(node.documents.refusals)")
        #expect(Set(codes) == [.invalidName, .malformed, .newerVersion, .impossible, .incomplete])
        #expect(node.replica.digest.dots.count == 2)
        #expect(node.documents.unreadNames.isEmpty)
        try await node.close()
        try await node.reopen()
        #expect(node.documents.refusals.isEmpty, "each is refused once")
        #expect(try await node.text("d").contains("good"))
        #expect(try await node.store.check().isEmpty)
    }

    @Test("what builds on a feed that has not come waits on disk, over a restart, until it comes")
    func causalGap() async throws {
        let (first, reader) = (try await DocumentNode("first"), try await DocumentNode("reader"))
        // With a row for each commit: one that is of two commits may be told with what came from elsewhere in the first.
        let second = try await DocumentNode("second", form: .engine)
        try first.replica.start(with: second.replica)
        try await first.append("one", to: "d")
        try await Self.settle(first, second)
        try await second.append(" two", to: "d")
        // The second node's entries alone, as from a log that lacks the first one's.
        let relay = Junk()
        let carrier = try Replica(["documents": relay], configuration: ReplicaConfiguration(cluster: 0))
        let rows = second.disk.state.withLock { $0.synced }
        for entry in rows.read(second.replica.identity.origin, from: 1, charge: 1 << 20) {
            try relay.publish(key: Array(entry.key.dropFirst(10)), value: Array(entry.value))
        }
        try carrier.start(with: reader.replica)
        #expect(try await reader.text("d") == "")
        #expect(reader.documents.unreadNames == ["d"])
        // Whoever takes entries in first, the reader or the replica's own task, shows them a moment before it tells of them.
        func isTold(_ event: DocumentReplicaEvent) -> Bool { if case .lacks("d", let dots) = event { !dots.isEmpty } else { false } }
        #expect(await eventually { reader.events.all.contains(where: isTold) })
        try await reader.close()
        try await reader.reopen()
        #expect(reader.documents.unreadNames == ["d"])
        #expect(try await reader.text("d") == "")
        try first.replica.start(with: reader.replica)
        #expect(try await reader.text("d") == "one two")
        #expect(await eventually { reader.documents.unreadNames.isEmpty })
    }

    @Test("what another writer did is told with its own commit, also when it was there while an earlier one was told")
    func toldWithItsCommit() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        try left.replica.start(with: right.replica)
        let author = Document(origin: OriginID(rawValue: 5))
        author.change { $0.text("body").insert("theirs", at: 0) }
        let document = try await left.documents.document("d")
        document.change { $0.counter("n") += 1 }
        try await left.store.commit(document)
        try document.merge(author.history())
        try await left.documents.settle()
        try await left.documents.commit(document)
        try await Self.settle(left, right)
        #expect(try await right.text("d") == "theirs")
        #expect(try await right.documents.document("d").counter("n").value == 1)
    }

    @Test("a part's write between the pieces of a change tears nothing")
    func piecesAmongParts() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        let (mine, theirs) = (Junk(), Junk())
        try left.replica.add(mine, named: "junk")
        try right.replica.add(theirs, named: "junk")
        try left.replica.start(with: right.replica)
        let author = Document(origin: OriginID(rawValue: 5))
        var draws = SeededDraws(seed: 5)
        let noise = String((0..<900_000).map { _ in Character(UnicodeScalar(UInt8(33 + draws.next(below: 90)))) })
        author.change { $0.text("body").insert(noise, at: 0) }
        let handle = try #require(left.documents.state.withLock { $0.handle })
        left.documents.state.withLock { $0.isAhead = true }
        for value in try DocumentFeed.values(of: author.history()[...]) {
            try handle.publish(key: DocumentFeed.key(of: "large"), value: value)
            try mine.publish(key: [1], value: [2])
        }
        left.documents.state.withLock { $0.isAhead = false }
        try await Self.settle(left, right)
        #expect(try await right.text("large") == noise)
        #expect(right.documents.refusals.isEmpty)
    }

    @Test("what lies beside a document is known entry by entry, however often one comes and goes")
    func entryByEntry() async throws {
        let node = try await DocumentNode("node")
        let replica = node.replica
        let evil = Junk()
        let enemy = try Replica(["documents": evil])
        try enemy.start(with: replica)
        let authors = (0..<3).map { Document(origin: OriginID(rawValue: 5 + UInt64($0))) }
        for author in authors { author.change { $0.text("body").insert("x", at: 0) } }
        for (index, author) in authors.enumerated() {
            try evil.publish(key: Array("d".utf8), value: DocumentFeed.values(of: author.history()[...])[0])
            #expect(try await node.text("d").count == index + 1)
            #expect(node.documents.unreadNames.isEmpty)
        }
        var unread = DocumentReplica.Unread()
        for _ in 0..<2 { unread.insert(Dot(origin: OriginID(rawValue: 1), sequence: 1), bytes: 10) }
        unread.insert(Dot(origin: OriginID(rawValue: 1), sequence: 2), bytes: 5)
        #expect(unread.entries == 2 && unread.bytes == 15)
        for _ in 0..<2 { unread.remove(Dot(origin: OriginID(rawValue: 1), sequence: 1)) }
        #expect(unread.entries == 1 && unread.bytes == 5)
    }

    @Test("a change larger than an entry goes in pieces")
    func pieces() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        try left.replica.start(with: right.replica)
        var draws = SeededDraws(seed: 5)
        let noise = String((0..<1_200_000).map { _ in Character(UnicodeScalar(UInt8(33 + draws.next(below: 90)))) })
        try await left.append(noise, to: "large")
        try await left.append("small", to: "small")
        #expect(left.replica.digest.dots[0].sequence > 4)
        #expect(try await right.text("large") == noise)
        #expect(try await right.text("small") == "small")
    }

    // MARK: - Crashes

    /// What a node does in a crash run: takes from the other, changes, is looked at.
    private static func script(_ node: DocumentNode, _ acknowledged: inout [String]) async throws {
        for round in 0..<4 {
            try await node.append("<\(round)>", to: "shared")
            acknowledged.append("<\(round)>")
            try await node.append("n", to: "own\(round)")
            _ = try await node.text("other\(round)")
        }
        try await node.documents.settle()
    }

    /// A node and a peer that has written before they meet.
    private static func pair(_ form: DocumentForm = .file) async throws -> (node: DocumentNode, peer: DocumentNode) {
        let (node, peer) = (try await DocumentNode("node", form: form), try await DocumentNode("peer"))
        for round in 0..<4 { try await peer.append("p\(round)", to: "other\(round)") }
        try await peer.append("[p]", to: "shared")
        return (node, peer)
    }

    private static func verify(_ node: DocumentNode, _ peer: DocumentNode, _ acknowledged: [String], _ circumstances: String) async throws {
        try await node.crash()
        try node.replica.start(with: peer.replica)
        try await settle(node, peer, node)
        let (mine, theirs) = (try await node.texts(), try await peer.texts())
        #expect(mine == theirs, "\(circumstances)")
        for text in acknowledged { #expect(theirs["shared"]?.contains(text) ?? false, "\(circumstances): \(text) was acknowledged") }
        #expect(node.replica.digest == peer.replica.digest, "\(circumstances)")
        #expect(node.documents.refusals.isEmpty && peer.documents.refusals.isEmpty, "\(circumstances)")
        #expect(try await node.store.check().isEmpty, "\(circumstances)")
    }

    @Test(
        "wherever power goes in the document store, nothing acknowledged is lost, and both sides become equal",
        arguments: DocumentForm.allCases)
    func crashOfDocuments(form: DocumentForm) async throws {
        let (whole, wholePeer) = try await Self.pair(form)
        let before = whole.files.operationCount
        try whole.replica.start(with: wholePeer.replica)
        var all: [String] = []
        try await Self.script(whole, &all)
        let count = whole.files.operationCount - before
        #expect(count > 20)
        for cut in stride(from: 0, to: count, by: isDocumentSoak ? 1 : 3) {
            let (node, peer) = try await Self.pair(form)
            node.files.inject(FileFault(nil, after: node.files.operationCount + cut, isLasting: true))
            try node.replica.start(with: peer.replica)
            var acknowledged: [String] = []
            do { try await Self.script(node, &acknowledged) } catch {}
            try await Self.verify(node, peer, acknowledged, "file call \(cut)")
        }
    }

    @Test(
        "wherever power goes in the replica's store, the entry and what came of it are there or neither, and nothing acknowledged is lost")
    func crashOfReplica() async throws {
        let (whole, wholePeer) = try await Self.pair()
        whole.disk.cut(after: nil)
        try whole.replica.start(with: wholePeer.replica)
        var all: [String] = []
        try await Self.script(whole, &all)
        let count = whole.disk.calls
        #expect(count > 30)
        for cut in stride(from: 0, to: count, by: isDocumentSoak ? 1 : 5) {
            let (node, peer) = try await Self.pair()
            node.disk.cut(after: cut)
            var acknowledged: [String] = []
            do {
                try node.replica.start(with: peer.replica)
                try await Self.script(node, &acknowledged)
            } catch {}
            // What is in the store of one moment: every entry of the other's feed is beside its document or in it.
            let synced = node.disk.state.withLock { $0.synced }
            let marks = synced.state.marks.reduce(into: [OriginID: UInt64]()) { $0[$1.origin] = $1.position.sequence }
            let rows = DocumentRows(prefix: [9] + Array("documents".utf8))
            let digest = synced.rows(withPrefix: rows.digest, from: rows.digest, limit: 1).first?.value.flatMap { DocumentRows.version($0) }
            for (origin, sequence) in marks where origin == peer.replica.identity.origin {
                #expect(digest?.sequence(of: origin) == sequence, "store call \(cut)")
            }
            try await Self.verify(node, peer, acknowledged, "store call \(cut)")
        }
    }

    @Test("a node whose documents and feed are in one engine, served by threads, is there again after a crash")
    func engine() async throws {
        let files = MemoryFileLayer()
        try files.createDirectory("data")
        let pool = try BlockingPool(threads: 2)
        var engine = MemoryMetadataEngine()
        let peer = try await DocumentNode("peer")
        for number in 0..<50 { try await peer.append("p", to: "peer/\(number)") }
        var digest = CausalContext()
        for life in 0..<3 {
            let log = try PackLog(files: files, directory: "data/packs", applied: DocumentStore.appliedPosition(of: engine))
            let store = try await DocumentStore.open(metadata: engine, packs: log, blocking: pool, logger: Logger(label: "test"))
            let documents = DocumentReplica(store)
            let replica = try await Replica.open(
                ["documents": documents], store: EngineReplicaStore(engine: engine, prefix: Array("replica/".utf8)),
                configuration: ReplicaConfiguration(executor: pool))
            #expect(replica.digest.covers(digest), "what was durable is there")
            let (mine, theirs) = MemoryLink.pair()
            let session = try replica.start(over: mine)
            try peer.replica.start(over: theirs)
            try await documents.change("shared") { $0.text("body").insert("\(life)", at: $0.text("body").count()) }
            try await peer.append("!", to: "shared")
            #expect(try await eventually { try await documents.document("shared").text("body").count() == (life + 1) * 2 })
            #expect(try await eventually { try await peer.text("shared").count == (life + 1) * 2 })
            #expect(try await documents.documents(prefix: "peer/").count == 50)
            #expect(try await documents.document("peer/7").text("body").string == "p")
            try await documents.settle()
            digest = replica.digest
            session.close()
            await replica.dispose()
            files.crash(keeping: .synced)
            engine = engine.crash()
        }
        await pool.shutdown()
    }

    // MARK: - Exchange

    @Test("a node that wants some documents gets those over a link, and what it writes reaches everybody by its peer's feed")
    func interest() async throws {
        let (full, other, leaf) = (try await DocumentNode("full"), try await DocumentNode("other"), try await DocumentNode("leaf"))
        try full.replica.start(with: other.replica)
        for number in 0..<100 { try await other.append("text \(number)", to: "\(number % 4 == 0 ? "notes" : "tasks")/\(number)") }
        try await Self.settle(full, other)
        #expect(full.documents.unreadNames.count == 100)

        let (mine, theirs) = MemoryLink.pair()
        let served = full.documents.serve(over: theirs)
        let exchange = try await leaf.documents.subscribe(
            to: DocumentInterest(names: ["tasks/1"], prefixes: ["notes/"]), as: "full", over: mine)
        await exchange.caughtUp()
        #expect(try await leaf.texts().count == 26)
        #expect(try await leaf.text("notes/96") == "text 96")
        // A live change of the third node, and one of the leaf.
        try await other.append("!", to: "notes/96")
        try await Self.settle(full)
        _ = try await full.text("notes/96")
        #expect(try await eventually { try await leaf.text("notes/96") == "text 96!" })
        try await leaf.append("?", to: "notes/0")
        #expect(try await eventually { try await full.text("notes/0") == "text 0?" })
        try await full.documents.settle()
        #expect(try await other.text("notes/0") == "text 0?")
        // A wider interest, and a narrower one.
        try exchange.change(to: DocumentInterest(names: ["tasks/1", "tasks/2"], prefixes: ["notes/"]))
        #expect(try await eventually { try await leaf.text("tasks/2") == "text 2" })
        // It is listed when it is committed, which is after it is seen.
        #expect(try await eventually { try await leaf.texts().count == 27 })
        exchange.close()
        try await exchange.ended()
        try await served.ended()
        #expect(exchange.reports.isEmpty && served.reports.isEmpty, "\(exchange.reports) \(served.reports)")

        // Another life: the bookmark says where it was.
        try await leaf.close()
        try await leaf.reopen()
        try await other.append("?", to: "tasks/2")
        try await other.append("?", to: "tasks/3")
        try await Self.settle(full, other)
        let (again, back) = MemoryLink.pair()
        full.documents.serve(over: back)
        let resumed = try await leaf.documents.subscribe(
            to: DocumentInterest(names: ["tasks/1", "tasks/2"], prefixes: ["notes/"]), as: "full", over: again)
        await resumed.caughtUp()
        #expect(try await eventually { try await leaf.text("tasks/2") == "text 2?" })
        #expect(try await leaf.texts().count == 27)
        #expect(resumed.received.bytes < 2_000, "\(resumed.received)")
        resumed.close()
        try await resumed.ended()
    }

    @Test("where the history was cut a snapshot comes, is kept, and goes on by history")
    func snapshots() async throws {
        let (full, leaf) = (try await DocumentNode("full"), try await DocumentNode("leaf"))
        for round in 0..<10 { try await full.append("\(round)", to: "d") }
        try await full.documents.cutHistory(of: "d")
        try await full.append(" after", to: "d")
        #expect(try await full.store.check().isEmpty)
        let (mine, theirs) = MemoryLink.pair()
        full.documents.serve(over: theirs)
        let exchange = try await leaf.documents.subscribe(to: .all, as: "full", over: mine)
        await exchange.caughtUp()
        #expect(try await leaf.text("d") == "0123456789 after")
        #expect(leaf.events.all.contains(.replaced("d")))
        try await full.append(" on", to: "d")
        #expect(try await eventually { try await leaf.text("d") == "0123456789 after on" })
        try await leaf.append(" back", to: "d")
        #expect(try await eventually { try await full.text("d") == "0123456789 after on back" })
        #expect(exchange.reports.isEmpty, "\(exchange.reports)")
        exchange.close()
        try await exchange.ended()
        #expect(try await leaf.store.check().isEmpty)
        try await leaf.close()
        try await leaf.reopen()
        #expect(try await leaf.text("d") == "0123456789 after on back")
        #expect(try await leaf.store.summary("d")?.isCut == true)
        // Many commits behind the cut: folded, and still read.
        for _ in 0..<300 { try await leaf.append("x", to: "d") }
        #expect(try await leaf.store.check().isEmpty)
        try await leaf.store.compact()
        #expect(try await leaf.store.check().isEmpty)
        leaf.store.evict("d")
        #expect(try await leaf.text("d").count == 324)
    }

    @Test("a peer that speaks no exchange is cut off")
    func hostileLink() async throws {
        let node = try await DocumentNode("node")
        let (mine, theirs) = MemoryLink.pair()
        let served = node.documents.serve(over: theirs)
        let talker = Talker([[0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3]])
        mine.start(talker)
        await #expect(throws: LinkError.self) { try await served.ended() }
        #expect(served.reports.map(\.code) == [.limitExceeded])
    }

    @Test("the example of the page on documents runs")
    func example() async throws {
        try await DocumentsExample.run()
    }
}

/// A part that says what it is told to.
private final class Junk: Replicated {
    private let handle = Mutex<ReplicaPart?>(nil)
    let digest = CausalContext()

    func apply(_ entry: ReplicaEntry) -> Bool { true }
    func history(since digest: CausalContext) -> [ReplicaEntry] { [] }
    func attached(_ handle: ReplicaPart) { self.handle.withLock { $0 = handle } }
    func publish(key: [UInt8], value: [UInt8]) throws { try handle.withLock { $0 }?.publish(key: key, value: value) }
    func remove(key: [UInt8]) throws { try handle.withLock { $0 }?.publish(.removal, key: key) }
}

/// Sends packets, whatever they are.
private final class Talker: LinkDriver {
    private let packets: Mutex<[[UInt8]]>

    init(_ packets: [[UInt8]]) { self.packets = Mutex(packets) }

    func received(_ packet: UnsafeRawBufferPointer) {}
    func readCompleted() {}
    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        packets.withLock { packets in
            guard !packets.isEmpty else { return false }
            packet += packets.removeFirst()
            return true
        }
    }
    func linkClosed(_ error: LinkError?) {}
}
