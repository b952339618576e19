import Glibc
import SkerryStorage
import Testing

/// A door that blocks threads until it is opened.
private final class Door: Sendable {
    private let descriptors: (read: CInt, write: CInt)

    init() {
        var pair: [CInt] = [0, 0]
        precondition(pipe(&pair) == 0)
        descriptors = (pair[0], pair[1])
    }

    deinit {
        close(descriptors.read)
        close(descriptors.write)
    }

    func wait() {
        var byte: UInt8 = 0
        read(descriptors.read, &byte, 1)
    }

    /// Lets `count` threads through.
    func open(for count: Int) {
        let bytes = [UInt8](repeating: 0, count: count)
        write(descriptors.write, bytes, count)
    }
}

enum ExecutorKind: CaseIterable, Sendable {
    case inline, pool

    func withExecutor(_ body: (any BlockingExecutor) async throws -> Void) async throws {
        switch self {
        case .inline:
            try await body(InlineExecutor())
        case .pool:
            let pool = try BlockingPool(threads: 2)
            try await body(pool)
            await pool.shutdown()
        }
    }
}

@Suite("O-02, O-06: executors for calls that block")
struct BlockingPoolTests {
    @Test("O-06: the same code gives the same result inline and on threads", arguments: ExecutorKind.allCases)
    func sameCode(kind: ExecutorKind) async throws {
        try await kind.withExecutor { executor in
            let log = try PackLog(files: MemoryFileLayer(), directory: "packs", configuration: smallPacks())
            for number in 0..<30 {
                let location = try await executor.run { () throws(StorageError) in try log.append([record(number)])[0] }
                #expect(try await executor.run { () throws(StorageError) in try log.read(location) }.equals(record(number)))
            }
            #expect(try log.numbers() == Array(0..<30))
        }
    }

    @Test("O-02: an error reaches the caller with its type", arguments: ExecutorKind.allCases)
    func errors(kind: ExecutorKind) async throws {
        try await kind.withExecutor { executor in
            do throws(StorageError) {
                try await executor.run { () throws(StorageError) in throw StorageError(.corrupt, "mine") }
                Issue.record("it did not throw")
            } catch {
                #expect(error.code == .corrupt)
            }
        }
    }

    @Test("O-02: work runs on the pool's threads, not on the caller's; inline work on the caller's")
    func threads() async throws {
        let pool = try BlockingPool(threads: 1)
        let first = try await pool.run { UInt(pthread_self()) }
        let second = try await pool.run { UInt(pthread_self()) }
        #expect(first == second, "one thread serves all")
        await pool.shutdown()
    }

    @Test("O-02: work is done in order by one thread, and at once by several")
    func concurrency() async throws {
        let pool = try BlockingPool(threads: 3)
        let door = Door()
        // Three calls that each wait for another's word can only end when all three run.
        try await withThrowingTaskGroup(of: Void.self) { group in
            let arrived = Counter()
            for _ in 0..<3 {
                group.addTask {
                    try await pool.run {
                        if arrived.next() == 3 { door.open(for: 3) }
                        door.wait()
                    }
                }
            }
            try await group.waitForAll()
        }
        await pool.shutdown()
    }

    @Test("O-02: a full queue refuses, and takes again when there is room")
    func bounded() async throws {
        let pool = try BlockingPool(threads: 1, waitingMaximum: 2)
        let door = Door()
        let refusals = Counter()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do throws(StorageError) {
                        try await pool.run { door.wait() }
                        return true
                    } catch {
                        #expect(error.code == .unavailable)
                        // With the door shut three calls have room; the others are all refused, then the door opens.
                        if refusals.next() == 7 { door.open(for: 3) }
                        return false
                    }
                }
            }
            var done = 0
            for try await wasRun in group where wasRun { done += 1 }
            #expect(done == 3)
        }
        #expect(try await pool.run { 7 } == 7)
        await pool.shutdown()
    }

    @Test("O-02: shutdown finishes what was queued, refuses what comes, and may be called twice")
    func shutdown() async throws {
        let pool = try BlockingPool(threads: 2)
        let finished = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    do throws(StorageError) {
                        try await pool.run { _ = finished.next() }
                    } catch {
                        #expect(error.code == .closed)
                        _ = finished.next()
                    }
                }
            }
            group.addTask { await pool.shutdown() }
            group.addTask { await pool.shutdown() }
        }
        #expect(finished.count == 100, "a call was dropped")
        await pool.shutdown()
        let error = await #expect(throws: StorageError.self) { try await pool.run {} }
        #expect(error?.code == .closed)
    }

    @Test("O-02: a cancelled caller still gets what its work gave")
    func cancellation() async throws {
        let pool = try BlockingPool(threads: 1)
        let task = Task { try await pool.run { 7 } }
        task.cancel()
        #expect(try await task.value == 7)
        await pool.shutdown()
    }
}
