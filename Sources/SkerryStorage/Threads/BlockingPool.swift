#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Threads for calls that block: disk, index, sync. The cooperative pool and event loops never wait for any of these.
///
/// Bounded in threads and in waiting calls; a full queue refuses with `unavailable` instead of growing.
public protocol BlockingExecutor: Sendable {
    /// Runs `work` on a thread of the pool and returns its result on the caller's executor.
    func run<Result: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Result) async throws(StorageError) -> Result
}

/// Runs everything on the caller, at once: the same code without threads, for tests and for debugging.
public struct InlineExecutor: BlockingExecutor {
    public init() {}

    public func run<Value: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
        try work()
    }
}

/// A ``BlockingExecutor`` on threads of its own.
///
/// Work is taken in the order it came. A cancelled caller still waits for its work: what a thread is doing to a disk cannot be taken
/// back. When the pool goes away without ``shutdown()``, its threads finish what is queued and end.
///
/// A call costs two wake-ups of a thread: 14 to 24 µs for a lone caller on a virtual machine of two cores, 4 µs for each of many at once.
/// Reads that are known to be short, such as a hit in a cache, are better made where they are.
public final class BlockingPool: BlockingExecutor {
    private let queue: WorkQueue

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threads: 1 at least; as many as the disk serves well at once.
    ///   - waitingMaximum: calls that may wait for a thread.
    /// - Throws: `unavailable` when the operating system gives no thread.
    public init(threads: Int, waitingMaximum: Int = 1024) throws(StorageError) {
        precondition(threads > 0 && waitingMaximum >= 0, "a pool of \(threads) threads and \(waitingMaximum) waiting calls")
        queue = WorkQueue(capacity: threads + waitingMaximum)
        for _ in 0..<threads {
            do throws(StorageError) {
                try queue.startThread()
            } catch {
                queue.stop(whenEnded: nil)
                throw error
            }
        }
    }

    deinit { queue.stop(whenEnded: nil) }

    public func run<Value: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
        let outcome: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            let refusal = queue.add { continuation.resume(returning: Result { () throws(StorageError) in try work() }) }
            if let refusal { continuation.resume(returning: .failure(refusal)) }
        }
        return try outcome.get()
    }

    /// Refuses new work with `closed`, and returns when all work taken before is done and the threads have ended. Idempotent.
    public func shutdown() async {
        await withCheckedContinuation { continuation in
            queue.stop(whenEnded: { continuation.resume() })
        }
    }
}

/// The calls that wait, and the threads that take them.
// @unchecked Sendable: every stored variable is read and written only between lock() and unlock().
private final class WorkQueue: @unchecked Sendable {
    typealias Work = @Sendable () -> Void

    /// Bytes of stack: engines recurse little, and C++ below them wants some room.
    private static let stackSize = 1 << 20

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let capacity: Int
    /// A ring: `count` calls from `first` on.
    private var ring: [Work?]
    private var first = 0
    private var count = 0
    private var running = 0
    private var threads = 0
    private var isStopped = false
    private var endHandlers: [Work] = []

    init(capacity: Int) {
        self.capacity = capacity
        ring = Array(repeating: nil, count: capacity)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Queues `work`, or says why not.
    func add(_ work: @escaping Work) -> StorageError? {
        lock()
        defer { unlock() }
        guard !isStopped else { return StorageError(.closed, "the thread pool is shut down") }
        guard count + running < capacity else { return StorageError(.unavailable, "\(count) calls wait for a thread") }
        ring[(first + count) % capacity] = work
        count += 1
        pthread_cond_signal(condition)
        return nil
    }

    func stop(whenEnded handler: Work?) {
        lock()
        isStopped = true
        pthread_cond_broadcast(condition)
        let hasEnded = threads == 0
        if let handler, !hasEnded { endHandlers.append(handler) }
        unlock()
        if hasEnded { handler?() }
    }

    func startThread() throws(StorageError) {
        lock()
        threads += 1
        unlock()
        let number = spawn()
        guard number != 0 else { return }
        threadEnded()
        throw StorageError(.unavailable, "no thread", errno: number)
    }

    private func spawn() -> CInt {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, WorkQueue.stackSize)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        let retained = Unmanaged.passRetained(self)
        #if canImport(Darwin)
        var thread: pthread_t?
        let body: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = WorkQueue.main
        #else
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { WorkQueue.main($0!) }
        #endif
        let number = pthread_create(&thread, &attributes, body, retained.toOpaque())
        if number != 0 { retained.release() }
        return number
    }

    private static func main(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        let queue = Unmanaged<WorkQueue>.fromOpaque(argument).takeRetainedValue()
        while let work = queue.next() {
            work()
            queue.workEnded()
        }
        queue.threadEnded()
        return nil
    }

    /// Waits for work; nil when there is none left and the queue is stopped.
    private func next() -> Work? {
        lock()
        defer { unlock() }
        while count == 0 {
            if isStopped { return nil }
            pthread_cond_wait(condition, mutex)
        }
        let work = ring[first]
        ring[first] = nil
        first = (first + 1) % capacity
        count -= 1
        running += 1
        return work
    }

    private func workEnded() {
        lock()
        running -= 1
        unlock()
    }

    private func threadEnded() {
        lock()
        threads -= 1
        let handlers = threads == 0 ? endHandlers : []
        if threads == 0 { endHandlers = [] }
        unlock()
        for handler in handlers { handler() }
    }

    private func lock() { pthread_mutex_lock(mutex) }
    private func unlock() { pthread_mutex_unlock(mutex) }
}
