import Logging
import SkerryCRDT
import SkerryDocuments
import SkerryReplication
import SkerryStorage
import SkerryWire
import Testing

/// The example of `Sources/SkerryReplication/Docs.docc/Documents.md`, line for line.
enum DocumentsExample {
    static func open(_ path: String, _ files: MemoryFileLayer) async throws -> DocumentStore {
        try await DocumentStore.open(file: path, files: files, blocking: InlineExecutor(), logger: Logger(label: "notes"))
    }

    static func run() async throws {
        let files = MemoryFileLayer()
        try files.createDirectory("data")

        // Two nodes with all documents, and settings beside them.
        let (ship, shore) = (DocumentReplica(try await open("data/ship", files)), DocumentReplica(try await open("data/shore", files)))
        let shipNode = try Replica(["documents": ship, "settings": ReplicatedModel<String>()])
        let shoreNode = try Replica(["documents": shore, "settings": ReplicatedModel<String>()])
        try shipNode.start(with: shoreNode)

        try await ship.change("log/monday") { $0.text("body").insert("Wind from the west", at: 0) }
        try await ship.change("log/tuesday") { $0.text("body").insert("Calm", at: 0) }
        try await ship.change("crew") { $0.counter("aboard") += 7 }
        let monday = try await shore.document("log/monday")
        #expect(monday.text("body").string == "Wind from the west")
        #expect(shipNode.digest == shoreNode.digest)

        // A third that wants the log alone.
        let phone = DocumentReplica(try await open("data/phone", files))
        let (here, there) = MemoryLink.pair()
        shore.serve(over: there)
        let exchange = try await phone.subscribe(to: DocumentInterest(prefixes: ["log/"]), as: "shore", over: here)
        await exchange.caughtUp()
        #expect(try await phone.documents().map(\.name) == ["log/monday", "log/tuesday"])
        exchange.close()
    }
}
