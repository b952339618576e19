import Logging
import SkerryObjects
import SkerryRocksDB
import SkerryStorage
import Testing

@testable import skerry

@Suite("Data directories of the program")
struct StoreDirectoryTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Opens the store in `path`, runs `body`, closes.
    private func withStore(_ path: String, creates: Bool = false, _ body: (OpenStore) async throws -> Void) async throws {
        let open = try await OpenStore(StoreDirectory(path: path, creates: creates), StoreOptions(), logger)
        do {
            try await body(open)
        } catch {
            try? await open.close()
            throw error
        }
        try await open.close()
    }

    private func founded(_ path: String) async throws {
        try await withStore(path, creates: true) { open in
            try await open.store.install(RootCredentialPlan(environment: nil, record: nil))
            try await open.store.makeBucket("photos", region: "eu")
        }
    }

    @Test("a directory that is not there is not made by looking")
    func missing() throws {
        try withTemporaryDirectory { parent in
            let path = parent + "/data"
            try DataDirectory.check(path: path)
            let error = #expect(throws: StorageError.self) { try StoreDirectory(path: path, creates: false) }
            #expect(error?.code == .notFound)
            #expect(error.map { CommandFailure($0, directory: path).message.contains("skerry serve --data \(path)") } == true)
            #expect(try PosixFileLayer().list(parent).isEmpty)
        }
    }

    @Test("a held directory is seen by looking, and free after closing")
    func locked() async throws {
        try await withTemporaryDirectory { parent in
            let path = parent + "/data"
            try await withStore(path, creates: true) { _ in
                let error = #expect(throws: StorageError.self) { try DataDirectory.check(path: path) }
                #expect(error?.code == .locked)
            }
            try DataDirectory.check(path: path)
            try await withStore(path) { _ in }
        }
    }

    @Test("the endpoint of a server goes with the store")
    func endpoint() async throws {
        try await withTemporaryDirectory { parent in
            let path = parent + "/data"
            try await withStore(path, creates: true) { _ in
                let address = try #require(ListenAddress("127.0.0.1:1"))
                try AdminEndpoint(address: address, token: AdminToken(text: "t")).write(in: path)
                #expect(AdminEndpoint.read(in: path) != nil)
            }
            #expect(AdminEndpoint.read(in: path) == nil)
        }
    }

    @Test("a rebuilt index holds what the packs hold, also when the old one is gone or damaged", arguments: ["whole", "gone", "damaged"])
    func rebuild(_ state: String) async throws {
        try await withTemporaryDirectory { parent in
            let path = parent + "/data"
            try await founded(path)
            if state == "gone" { try FileAccess.removeDirectory(path + "/index") }
            if state == "damaged" { try FileAccess.replace(path + "/index/CURRENT", with: Array("nonsense\n".utf8)) }
            let records = try IndexRebuild.run(path: path) { _, _ in }
            #expect(records > 0)
            #expect(try PosixFileLayer().list(path).filter { $0.hasPrefix("index") } == ["index"])
            try await withStore(path) { open in
                let bucket = try open.store.bucket(named: "photos")
                #expect(bucket.region == "eu")
                #expect(open.store.accessKeys(of: "root").count == 1)
            }
        }
    }

    @Test("a rebuild that finds damage in the packs leaves the index as it was")
    func failedRebuild() async throws {
        try await withTemporaryDirectory { parent in
            let path = parent + "/data"
            try await founded(path)
            let pack = try #require(try PosixFileLayer().list(path + "/packs").last)
            var bytes = try FileAccess.read(path + "/packs/" + pack, limit: 1 << 30)
            // Somewhere among the records of users and buckets, behind the header of the pack.
            bytes[200] ^= 1
            try FileAccess.replace(path + "/packs/" + pack, with: bytes)
            #expect(throws: StorageError.self) { try IndexRebuild.run(path: path) { _, _ in } }
            try await withStore(path) { open in _ = try open.store.bucket(named: "photos") }
        }
    }

    @Test("each way a directory can be refused says what to do in one line")
    func advice() {
        let codes: [StorageError.Code] = [.locked, .foreign, .newerFormat, .permissionDenied, .notFound, .full, .corrupt, .failed]
        for code in codes {
            let failure = CommandFailure(StorageError(code, "reason"), directory: "/some/where")
            #expect(failure.message.hasPrefix("/some/where") || failure.message.contains("at /some/where"))
            #expect(failure.status == 1)
        }
    }
}
