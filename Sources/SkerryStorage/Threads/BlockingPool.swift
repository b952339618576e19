/// Threads for calls that block: disk, index, sync. The cooperative pool and event loops never wait for any of these.
///
/// Bounded in threads and in waiting calls; a full queue refuses with `unavailable` instead of growing.
public protocol BlockingExecutor: Sendable {
    /// Runs `work` on a thread of the pool and returns its result on the caller's executor.
    func run<Result: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Result) async throws(StorageError) -> Result
}
