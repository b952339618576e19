import SkerryCRDT
import SkerryDocuments
import SkerryGossip
import SkerryStorage
import SkerryWire
import Testing

@testable import SkerryReplication

@Suite("Documents that are deleted", .timeLimit(.minutes(2)))
struct DocumentDeletionTests {
    private static func settle(_ nodes: DocumentNode...) async throws {
        for _ in 0..<3 { for node in nodes { try await node.documents.settle() } }
    }

    private static func part(_ sessions: ReplicaSession...) async throws {
        for session in sessions {
            session.close()
            try await session.ended()
        }
    }

    @Test("a deletion reaches whoever has the document, has it beside it unread, or gets it later; its chunks go, and the name is free")
    func everywhere() async throws {
        let (left, right, late) = (try await DocumentNode("left"), try await DocumentNode("right"), try await DocumentNode("late"))
        try left.replica.start(with: right.replica)
        try await left.append("read", to: "a")
        try await left.append("unread", to: "b")
        #expect(try await right.text("a") == "read")
        try await left.documents.delete("a")
        try await left.documents.delete("b")
        try await Self.settle(left, right)
        for node in [left, right] {
            #expect(try await node.texts().isEmpty && node.documents.unreadNames.isEmpty)
            #expect(node.events.all.contains(.deleted("a")))
        }
        #expect(try await right.store.summary("a")?.storedBytes == 0)
        #expect(try await right.store.summary("b") == nil, "it was never put together")
        #expect(right.replica.digest.dots.map(\.sequence) == [4], "nobody says a deletion again")
        await #expect(throws: DocumentStoreError.self) { try await left.documents.delete("a") }

        try await right.append("new", to: "a")
        try late.replica.start(with: right.replica)
        try await Self.settle(left, right, late)
        for node in [left, right, late] {
            #expect(try await node.texts() == ["a": "new"])
            #expect(node.documents.refusals.isEmpty)
            try await node.close()
            try await node.reopen()
            #expect(try await node.texts() == ["a": "new"])
            #expect(try await node.store.check().isEmpty)
        }
    }

    @Test(
        "an edit that the deletion had not seen brings the document back, with all its author had; one that it had seen does not",
        arguments: [false, true])
    func concurrent(isDeletedFirst: Bool) async throws {
        let (left, right, third) = (try await DocumentNode("left"), try await DocumentNode("right"), try await DocumentNode("third"))
        let first = try left.replica.start(with: right.replica)
        try await left.append("one ", to: "d")
        try await left.append("seen", to: "e")
        try await Self.settle(left, right)
        _ = try await right.texts()
        try await Self.part(first)
        try await right.append("two", to: "d")
        try await left.documents.delete("d")
        try await left.documents.delete("e")
        let order = isDeletedFirst ? [left, right] : [right, left]
        for node in order { try await Self.part(try third.replica.start(with: node.replica, ReplicaOptions(tail: false))) }
        try left.replica.start(with: right.replica)
        try third.replica.start(with: left.replica)
        try await Self.settle(left, right, third)
        for node in [left, right, third] { #expect(try await node.texts() == ["d": "one two"], "\(node.name)") }
        // Deleted by somebody who has seen all, it stays so.
        try await third.documents.delete("d")
        try await Self.settle(left, right, third)
        for node in [left, right, third] { #expect(try await node.texts().isEmpty, "\(node.name)") }
    }

    @Test("of two documents of one name that began apart a deletion takes the one that it had seen")
    func apart() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        try await left.append("left", to: "d")
        try await right.append("right", to: "d")
        let third = try await DocumentNode("third")
        try await Self.part(try third.replica.start(with: left.replica, ReplicaOptions(tail: false)))
        try await Self.part(try third.replica.start(with: right.replica, ReplicaOptions(tail: false)))
        #expect(try await third.text("d").count == 9)
        try await left.documents.delete("d")
        try left.replica.start(with: right.replica)
        try third.replica.start(with: right.replica)
        try await Self.settle(left, right, third)
        for node in [left, right, third] {
            #expect(try await node.texts() == ["d": "right"], "\(node.name)")
            #expect(try await node.store.check().isEmpty)
        }
        #expect(third.events.all.contains(.replaced("d")))
    }

    @Test("a change that is in memory alone when the deletion comes is not lost")
    func inMemory() async throws {
        let (left, right) = (try await DocumentNode("left"), try await DocumentNode("right"))
        let session = try left.replica.start(with: right.replica)
        try await left.append("one ", to: "d")
        let document = try await right.documents.document("d")
        try await Self.part(session)
        try await left.documents.delete("d")
        document.change { $0.text("body").insert("two", at: 4) }
        try left.replica.start(with: right.replica)
        try await Self.settle(right, left)
        for node in [left, right] { #expect(try await node.texts() == ["d": "one two"]) }
    }

    @Test("wherever power goes while a document is deleted, or brought back, both sides agree afterwards")
    func crashes() async throws {
        func run(_ cut: Int?, _ ofDisk: Bool) async throws -> Int {
            let (node, peer) = (try await DocumentNode("node"), try await DocumentNode("peer"))
            let session = try node.replica.start(with: peer.replica)
            for name in ["gone", "back"] { try await node.append("one ", to: name) }
            try await Self.settle(node, peer)
            _ = try await peer.texts()
            try await Self.part(session)
            try await peer.append("theirs", to: "apart")
            try await node.append("mine", to: "apart")
            try await node.append("two", to: "back")
            // The node has both, the peer its own alone.
            let carrier = try Replica(["model": ReplicatedModel<String>()])
            for one in [peer, node] { try await carrier.start(with: one.replica, ReplicaOptions(tail: false)).ended() }
            #expect(try await node.text("apart").count == 10)
            for name in ["gone", "back", "apart"] { try await peer.documents.delete(name) }
            let before = node.files.operationCount
            node.disk.cut(after: ofDisk ? cut : nil)
            if !ofDisk, let cut { node.files.inject(FileFault(nil, after: before + cut, isLasting: true)) }
            do {
                try node.replica.start(with: peer.replica)
                try await node.documents.settle()
            } catch { if cut == nil { Issue.record("\(error)") } }
            let count = ofDisk ? node.disk.calls : node.files.operationCount - before
            try await node.crash()
            try node.replica.start(with: peer.replica)
            try await Self.settle(node, peer)
            let texts = ["back": "one two", "apart": "mine"]
            for one in [node, peer] {
                #expect(try await one.texts() == texts, "call \(cut ?? -1) of \(ofDisk ? "the replica's store" : "the documents")")
                #expect(try await one.store.check().isEmpty)
            }
            return count
        }
        for ofDisk in [true, false] {
            let count = try await run(nil, ofDisk)
            #expect(count > 5)
            for cut in stride(from: 0, to: count, by: isDocumentSoak ? 1 : 3) { _ = try await run(cut, ofDisk) }
        }
    }

    @Test("a document that only some nodes want comes back by the exchange when it was changed there, and not otherwise")
    func exchange() async throws {
        let (full, leaf) = (try await DocumentNode("full"), try await DocumentNode("leaf"))
        let other = try await DocumentNode("other")
        try full.replica.start(with: other.replica)
        try await full.append("one ", to: "changed")
        try await full.append("same", to: "same")
        func connect() async throws -> DocumentExchange {
            let (mine, theirs) = MemoryLink.pair()
            full.documents.serve(over: theirs)
            let exchange = try await leaf.documents.subscribe(to: .all, as: "full", over: mine)
            await exchange.caughtUp()
            return exchange
        }
        let exchange = try await connect()
        #expect(try await leaf.texts().count == 2)
        exchange.close()
        try await exchange.ended()
        try await leaf.append("two", to: "changed")
        for name in ["changed", "same"] { try await full.documents.delete(name) }
        let again = try await connect()
        #expect(try await eventually { try await full.texts() == ["changed": "one two"] })
        try await Self.settle(full, other)
        #expect(try await other.texts() == ["changed": "one two"])
        again.close()
        try await again.ended()
    }
}
