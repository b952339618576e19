/// State shared by threads, each access to it under an ``AdaptiveLock``.
///
/// Shaped like `Mutex` of the standard library, so that one can replace the other; see ``AdaptiveLock`` for why it exists. Lock and state
/// stand side by side in one allocation, so that taking the lock brings the state along.
///
/// ```swift
/// let sessions = Locked([SessionID: Session]())
/// let session = sessions.withLock { $0.removeValue(forKey: id) }
/// ```
///
/// Keep the body short, and call no one from it: continuations are resumed and callbacks called after it has returned.
// The state is reached only under the lock, or by the one owner in `deinit`.
@frozen
public struct Locked<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline
    @frozen
    struct Cell: ~Copyable {
        @usableFromInline let lock: AdaptiveLock
        @usableFromInline var state: State

        @inlinable
        init(_ state: consuming State) {
            lock = AdaptiveLock()
            self.state = state
        }
    }

    @usableFromInline let cell: UnsafeMutablePointer<Cell>

    @inlinable
    public init(_ state: consuming sending State) {
        cell = .allocate(capacity: 1)
        cell.initialize(to: Cell(state))
    }

    @inlinable
    deinit {
        cell.deinitialize(count: 1)
        cell.deallocate()
    }

    /// Calls `body` with the state, and no other thread inside meanwhile. Not reentrant: a `body` that asks for the same state waits for ever.
    @inlinable @inline(__always)
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        cell.pointee.lock.lock()
        defer { cell.pointee.lock.unlock() }
        return try body(&cell.pointee.state)
    }

    /// As ``withLock(_:)``, or nil at once if another thread is inside.
    @inlinable @inline(__always)
    public borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result? {
        guard cell.pointee.lock.tryLock() else { return nil }
        defer { cell.pointee.lock.unlock() }
        return try body(&cell.pointee.state)
    }
}
