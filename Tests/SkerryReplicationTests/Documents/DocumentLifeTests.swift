import SkerryCRDT
import SkerryDocuments
import SkerryGossip
import SkerryStorage
import SkerryWire
import Testing

@testable import SkerryReplication

@Suite("What documents go through", .timeLimit(.minutes(2)))
struct DocumentLifeTests {
    private static func settle(_ nodes: DocumentNode...) async throws {
        for _ in 0..<3 { for node in nodes { try await node.documents.settle() } }
    }

    // MARK: - Names

    @Test(
        "names of the same characters in other bytes are other documents, in memory, on disk and on the way",
        arguments: DocumentForm.allCases)
    func names(form: DocumentForm) async throws {
        let names = ["caf\u{E9}", "cafe\u{301}"]
        let (left, right) = (try await DocumentNode("left", form: form), try await DocumentNode("right", form: form))
        let leaf = try await DocumentNode("leaf", form: form)
        // Both are in use at once, and their commits are told together.
        var documents: [Document] = []
        for name in names { documents.append(try await left.documents.document(name)) }
        for (name, document) in zip(names, documents) {
            document.change { $0.text("body").insert(name.utf8.count == 5 ? "one" : "two", at: 0) }
            try await left.store.commit(document)
        }
        try left.replica.start(with: right.replica)
        try await Self.settle(left, right)
        #expect(Set(right.documents.unreadNames.map { Array($0.utf8) }) == Set(names.map { Array($0.utf8) }))
        let (mine, theirs) = MemoryLink.pair()
        left.documents.serve(over: theirs)
        let exchange = try await leaf.documents.subscribe(to: DocumentInterest(names: names), as: "left", over: mine)
        await exchange.caughtUp()
        for node in [left, right, leaf] {
            for life in 0..<2 {
                #expect(try await node.text("caf\u{E9}") == "one", "\(node.name), life \(life)")
                #expect(try await node.text("cafe\u{301}") == "two", "\(node.name), life \(life)")
                #expect(try await node.documents.documents().count == 2, "\(node.name), life \(life)")
                if node !== leaf { continue }
                exchange.close()
                try await exchange.ended()
                try await node.close()
                try await node.reopen()
            }
        }
        try await right.documents.delete("cafe\u{301}")
        try await Self.settle(left, right)
        for node in [left, right] {
            #expect(try await node.documents.documents().map { $0.name.utf8.count } == [5], "\(node.name)")
        }
    }

    // MARK: - Telling

    @Test("what was committed and not told in one life is told in the next, without another commit")
    func nextLife() async throws {
        let (node, peer) = (try await DocumentNode("node"), try await DocumentNode("peer"))
        let document = try await node.documents.document("d")
        document.change { $0.text("body").insert("committed", at: 0) }
        try await node.store.commit(document)
        await node.replica.dispose()
        let next = DocumentReplica(node.store)
        let replica = try Replica(["documents": next], store: node.disk.store())
        try replica.start(with: peer.replica)
        #expect(try await eventually { try await peer.text("d") == "committed" })
    }

    @Test("what was committed before the replica became a member is told when it is one")
    func member() async throws {
        func node(_ name: String, _ start: MemberRules.Start) async throws -> (DocumentReplica, Replica, DocumentNode) {
            let node = try await DocumentNode(name)
            await node.replica.dispose()
            let documents = DocumentReplica(node.store)
            let configuration = ReplicaConfiguration(members: MemberRules(start: start))
            return (documents, try Replica(["documents": documents], configuration: configuration), node)
        }
        let (founder, first, _) = try await node("founder", .founds)
        let (joiner, second, _) = try await node("joiner", .joins)
        await #expect(throws: DocumentStoreError.self) {
            try await joiner.change("d") { $0.text("body").insert("early", at: 0) }
        }
        #expect(try await joiner.document("d").text("body").string == "early", "it is durable")
        try second.start(with: first)
        #expect(await eventually { second.membership?.isMember ?? false })
        #expect(try await eventually { try await founder.document("d").text("body").string == "early" })
    }

    // MARK: - Deletions and exchanges

    @Test("what was deleted here does not return as the snapshot of a peer that has not heard of it")
    func snapshot() async throws {
        let (node, peer) = (try await DocumentNode("node"), try await DocumentNode("peer"))
        let session = try node.replica.start(with: peer.replica)
        try await node.append("one", to: "d")
        try await Self.settle(node, peer)
        #expect(try await peer.text("d") == "one")
        session.close()
        try await session.ended()
        try await peer.documents.cutHistory(of: "d")
        try await node.documents.delete("d")
        let (mine, theirs) = MemoryLink.pair()
        peer.documents.serve(over: theirs)
        let exchange = try await node.documents.subscribe(to: .all, as: "peer", over: mine)
        await exchange.caughtUp()
        #expect(exchange.reports.isEmpty, "\(exchange.reports)")
        #expect(try await node.texts().isEmpty)
        try node.replica.start(with: peer.replica)
        try await Self.settle(node, peer)
        for one in [node, peer] { #expect(try await one.texts().isEmpty, "\(one.name)") }
    }

    /// A node gets, by an exchange, what it had deleted and something that nobody had deleted; power goes.
    private static func gift(cut: Int?, ofDisk: Bool) async throws -> Int {
        let (node, giver, peer) = (try await DocumentNode("node"), try await DocumentNode("giver"), try await DocumentNode("peer"))
        func connect() async throws -> DocumentExchange {
            let (mine, theirs) = MemoryLink.pair()
            node.documents.serve(over: theirs)
            return try await giver.documents.subscribe(to: .all, as: "node", over: mine)
        }
        try await node.append("deleted", to: "d")
        let first = try await connect()
        await first.caughtUp()
        first.close()
        try await first.ended()
        let author = Document(origin: OriginID(rawValue: 5))
        author.change { $0.text("body").insert("kept", at: 0) }
        let document = try await giver.documents.document("d")
        try document.merge(author.history())
        try await giver.documents.commit(document)
        try await node.documents.delete("d")
        let before = node.files.operationCount
        node.disk.cut(after: ofDisk ? cut : nil)
        if !ofDisk, let cut { node.files.inject(FileFault(nil, after: before + cut, isLasting: true)) }
        let second = try await connect()
        await second.caughtUp()
        try? await node.documents.settle()
        let count = ofDisk ? node.disk.calls : node.files.operationCount - before
        if cut == nil { #expect(try await node.texts() == ["d": "kept"]) }
        second.close()
        try? await second.ended()
        // The giver does not come again.
        try await node.crash()
        try node.replica.start(with: peer.replica)
        try await settle(node, peer)
        let texts = try await node.texts()
        #expect(try await peer.texts() == texts, "call \(cut ?? -1) of \(ofDisk ? "the replica's store" : "the documents")")
        #expect(texts.isEmpty || texts == ["d": "kept"], "call \(cut ?? -1)")
        #expect(try await node.store.check().isEmpty)
        return count
    }

    @Test(
        "wherever power goes while a document from an exchange is put together as deletions leave it, nodes agree afterwards",
        arguments: [true, false])
    func giftCrashes(ofDisk: Bool) async throws {
        let count = try await Self.gift(cut: nil, ofDisk: ofDisk)
        #expect(count > 3)
        for cut in 0..<count {
            _ = try await Self.gift(cut: cut, ofDisk: ofDisk)
        }
    }

    // MARK: - Memory

    @Test("a document for which much comes is to be looked after once")
    func touched() throws {
        let author = Document(origin: OriginID(rawValue: 5))
        author.change { $0.text("body").insert("x", at: 0) }
        let value = try DocumentFeed.values(of: author.history()[...])[0]
        let part = Relay()
        let replica = try Replica(["documents": part])
        let entry = try #require(try part.publish(value, of: "d"))
        var state = DocumentReplica.State()
        for _ in 0..<100 { try state.take(entry, DocumentRows(prefix: [1, 2])) }
        #expect(state.touched == ["d"])
        _ = replica
    }
}
