import Logging
import SkerryCRDT
import SkerryDocuments
import SkerryRocksDB
import SkerryStorage

/// Notes, each a document: a title in a register, a body in a text.
struct Notebook {
    static let prefix = "notes/"

    let store: DocumentStore

    /// Opens the notes in a single file.
    ///
    /// Calls run where they are: a command does one thing, so nobody waits for it meanwhile.
    init(file: String) async throws {
        store = try await DocumentStore.open(
            file: file, files: PosixFileLayer(), blocking: InlineExecutor(),
            logger: Logger(label: "notes", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Opens the notes in an engine: RocksDB and a log in a directory.
    init(directory: String) async throws {
        let files = PosixFileLayer()
        try files.createDirectory(directory + "/packs")
        let metadata = try RocksDBEngine(directory: directory + "/rows")
        var configuration = PackLogConfiguration()
        configuration.packCapacity = 4 << 20
        let packs = try PackLog(
            files: files, directory: directory + "/packs", applied: DocumentStore.appliedPosition(of: metadata),
            configuration: configuration)
        store = try await DocumentStore.open(
            metadata: metadata, packs: packs, blocking: InlineExecutor(),
            logger: Logger(label: "notes", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Adds a note and returns its name.
    func add(title: String, body: String) async throws -> String {
        var name: String
        repeat {
            let digits = String(UInt32.random(in: 0 ... .max), radix: 36)
            name = digits
        } while try await store.summary(Notebook.prefix + name) != nil
        try await store.change(Notebook.prefix + name) { change in
            change.register("title").value = .string(title)
            change.text("body").insert(body, at: 0)
        }
        return name
    }

    /// A note that is there.
    func note(_ name: String) async throws -> Document {
        guard let summary = try await store.summary(Notebook.prefix + name), !summary.isDeleted else {
            throw UsageError("there is no note \(name)")
        }
        return try await store.document(Notebook.prefix + name)
    }

    func list() async throws -> [(name: String, title: String)] {
        var found: [(String, String)] = []
        var last: String?
        while true {
            let page = try await store.documents(prefix: Notebook.prefix, after: last, limit: 256)
            guard let end = page.last else { return found }
            for summary in page {
                let title = try await store.document(summary.name).register("title").value
                found.append((String(summary.name.dropFirst(Notebook.prefix.count)), title.flatMap(\.text) ?? ""))
            }
            last = end.name
        }
    }
}

extension DocumentValue {
    /// The string that it is.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}
