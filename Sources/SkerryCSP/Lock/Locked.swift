/// State shared by threads, each access to it under an ``AdaptiveLock``.
///
/// Called like `Mutex` of the standard library; see ``AdaptiveLock`` for why it exists. A class, so that closures can share it and
/// lock and state stand side by side in one allocation: taking the lock brings the state along.
///
/// ```swift
/// let sessions = Locked([SessionID: Session]())
/// let session = sessions.withLock { $0.removeValue(forKey: id) }
/// ```
///
/// Keep the body short, and call no one from it: continuations are resumed and callbacks called after it has returned.
// The state is reached only under the lock, or by the one owner in `deinit`.
public final class Locked<State: ~Copyable>: @unchecked Sendable {
    @usableFromInline let lock = AdaptiveLock()
    /// The lock is what keeps accesses apart; to check that again at run time would cost as much as the lock.
    @exclusivity(unchecked) @usableFromInline var state: State

    @inlinable
    public init(_ state: consuming sending State) {
        self.state = state
    }

    /// Calls `body` with the state, and no other thread inside meanwhile. Not reentrant: a `body` that asks for the same state waits for ever.
    @inlinable @inline(__always)
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&state)
    }

    /// As ``withLock(_:)``, or nil at once if another thread is inside.
    @inlinable @inline(__always)
    public func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result? {
        guard lock.tryLock() else { return nil }
        defer { lock.unlock() }
        return try body(&state)
    }
}
