import Glibc
import SkerryRocksDB
import SkerryStorage
import Synchronization
import Testing

/// A resource that counts how often it was closed, and fails to close when told to.
private final class Resource: Sendable {
    let closes = Atomic(0)
    let closeFails: Bool

    init(closeFails: Bool = false) { self.closeFails = closeFails }

    func close() throws(StorageError) {
        closes.add(1, ordering: .relaxed)
        if closeFails { throw StorageError(.full, "close") }
    }
}

@Suite("O-07: resources")
struct ResourceTests {
    enum Way: CaseIterable, Sendable { case opening, atHand, suspending }

    /// Runs `body` with the resource, by one of the three functions.
    private func use(_ resource: Resource, _ way: Way, _ body: (Resource) throws(StorageError) -> Int) async throws(StorageError) -> Int {
        switch way {
        case .opening:
            return try withResource(
                { () throws(StorageError) in resource }, close: { resource throws(StorageError) in try resource.close() }
            ) {
                resource throws(StorageError) in try body(resource)
            }
        case .atHand:
            return try withResource(resource, close: { resource throws(StorageError) in try resource.close() }, body)
        case .suspending:
            return try await withResource(
                { () async throws(StorageError) in resource }, close: { resource async throws(StorageError) in try resource.close() }
            ) { resource async throws(StorageError) in try body(resource) }
        }
    }

    @Test("O-07: a resource is closed exactly once after success", arguments: Way.allCases)
    func closedAfterSuccess(way: Way) async throws {
        let resource = Resource()
        let value = try await use(resource, way) { resource throws(StorageError) in
            #expect(resource.closes.load(ordering: .relaxed) == 0)
            return 7
        }
        #expect(value == 7)
        #expect(resource.closes.load(ordering: .relaxed) == 1)
    }

    @Test("O-07: a resource is closed exactly once after an error", arguments: Way.allCases)
    func closedAfterError(way: Way) async throws {
        let resource = Resource()
        let error = await #expect(throws: StorageError.self) {
            _ = try await use(resource, way) { _ throws(StorageError) in throw StorageError(.corrupt, "body") }
        }
        #expect(error?.code == .corrupt)
        #expect(resource.closes.load(ordering: .relaxed) == 1)
    }

    @Test("O-07: a close error never hides the first error", arguments: Way.allCases)
    func firstErrorWins(way: Way) async throws {
        let resource = Resource(closeFails: true)
        let error = await #expect(throws: StorageError.self) {
            _ = try await use(resource, way) { _ throws(StorageError) in throw StorageError(.corrupt, "body") }
        }
        #expect(error?.message == "body")
        #expect(resource.closes.load(ordering: .relaxed) == 1)
    }

    @Test("O-07: on success a close error is thrown, and nothing is closed twice", arguments: Way.allCases)
    func closeErrorIsThrown(way: Way) async throws {
        let resource = Resource(closeFails: true)
        let error = await #expect(throws: StorageError.self) { _ = try await use(resource, way) { _ in 7 } }
        #expect(error?.message == "close")
        #expect(resource.closes.load(ordering: .relaxed) == 1)
    }

    @Test("O-07: what could not be opened is not closed")
    func notOpened() {
        func open() throws(StorageError) -> Resource { throw StorageError(.notFound, "open") }
        func close(_ resource: inout Resource) throws(StorageError) { Issue.record("closed what was never opened") }
        func use(_ resource: inout Resource) throws(StorageError) { Issue.record("used what was never opened") }
        let error = #expect(throws: StorageError.self) { try withResource(open, close: close, use) }
        #expect(error?.code == .notFound)
    }

    @Test("O-07: a cancelled use closes exactly once")
    func cancelled() async {
        let resource = Resource(closeFails: true)
        let task = Task {
            try await withResource({ resource }, close: { resource in try resource.close() }) { _ in
                // Returns at once with an error when the task is cancelled; that is what it waits for.
                try await Task.sleep(for: .seconds(3600))
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(resource.closes.load(ordering: .relaxed) == 1)
    }

    @Test("O-01: the error's type passes through, so handling stays exhaustive")
    func typedErrors() {
        enum Mine: Error { case one, two }
        func run(_ fails: Bool) -> String {
            do throws(Mine) {
                return try withResource(1, close: { _ throws(Mine) in throw .two }) { value throws(Mine) -> String in
                    guard !fails else { throw .one }
                    return "\(value)"
                }
            } catch {
                switch error {
                case .one: return "body"
                case .two: return "close"
                }
            }
        }
        #expect(run(true) == "body")
        #expect(run(false) == "close")
    }

    @Test("O-01: an error seen under another code keeps its message, path and number")
    func errorWithCode() {
        let error = StorageError(.full, "what", path: "where", errno: 28).with(code: .failed)
        #expect(error.code == .failed)
        #expect("\(error)" == "failed: what (where) [errno 28]")
    }

    @Test("O-04: a temporary store is gone after its use, also after an error, and never follows a link out of itself")
    func temporaryDirectory() throws {
        let files = PosixFileLayer()
        try withTemporaryDirectory { outer in
            try files.createDirectory(outer + "/kept")
            try files.open(outer + "/kept/file", .create).write([1], at: 0)
            var inner = ""
            #expect(throws: StorageError.self) {
                try withTemporaryDirectory { directory in
                    inner = directory
                    let engine = try RocksDBEngine(directory: directory + "/index")
                    try engine.put(.feed, [1], [1])
                    #expect(symlink(outer + "/kept", directory + "/link") == 0)
                    throw StorageError(.notFound, "mine")
                }
            }
            #expect(!inner.isEmpty)
            #expect(throws: StorageError.self) { _ = try files.list(inner) }
            #expect(try files.list(outer + "/kept") == ["file"])
        }
    }

    @Test("O-05: one log over two file layers gives the same bytes")
    func highFromLow() throws {
        func write(_ files: some FileLayer, _ directory: String) throws -> [UInt8] {
            let log = try PackLog(files: files, directory: directory, configuration: smallPacks())
            for number in 0..<20 { _ = try log.append([record(number)]) }
            try log.close()
            let file = try files.open(directory + "/0000000000000001.pack", .read)
            return try file.read(at: 0, count: Int(try file.size()))
        }
        let inMemory = try write(MemoryFileLayer(), "packs")
        let onDisk = try withTemporaryDirectory { try write(PosixFileLayer(), $0 + "/packs") }
        #expect(inMemory == onDisk)
        #expect(inMemory.count > 1000)
    }
}
