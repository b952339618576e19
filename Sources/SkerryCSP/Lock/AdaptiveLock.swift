import CSkerryLock
public import Synchronization

/// A lock for sections of tens of nanoseconds: one word, a short spin, then sleep in the kernel.
///
/// Why not `Mutex`: in Swift 6.3 that of Linux is a priority-inheritance futex. Once one thread waits, each hand-over goes through the
/// kernel, which costs a contended channel two to three times its throughput (swiftlang/swift#88440). This is the plain three-state futex lock of
/// Drepper's "Futexes are tricky" (2011), section 5, with a spin before the first sleep. It is unfair, and it has no priority
/// inheritance: hold it for moments, never across a call into a user's code.
///
/// The two quick transitions are inlined into the caller; contention is a call.
///
/// - Invariant: 0 is free, 1 is held, 2 is held and somebody may sleep.
@frozen
public struct AdaptiveLock: ~Copyable, Sendable {
    @usableFromInline let word: Atomic<UInt32>

    @inlinable
    public init() {
        word = Atomic(0)
    }

    /// Waits for the lock and takes it. Blocks the thread; a thread that holds it already waits for ever.
    @inlinable @inline(__always)
    public borrowing func lock() {
        guard word.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged else { return lockContended() }
    }

    /// Takes the lock if it is free.
    @inlinable @inline(__always)
    public borrowing func tryLock() -> Bool {
        word.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged
    }

    /// Frees the lock, which the caller holds.
    @inlinable @inline(__always)
    public borrowing func unlock() {
        if word.exchange(0, ordering: .releasing) == 2 { wakeSleeper() }
    }

    @usableFromInline @inline(never)
    borrowing func lockContended() {
        withWord { skerry_lock_contended($0) }
    }

    @usableFromInline @inline(never)
    borrowing func wakeSleeper() {
        withWord { skerry_lock_wake($0) }
    }

    /// An `Atomic` has its value in place and never moves while it is borrowed, so that its address is the address of the word.
    private borrowing func withWord(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
        withUnsafePointer(to: word) { pointer in
            body(UnsafeMutableRawPointer(mutating: UnsafeRawPointer(pointer)).assumingMemoryBound(to: UInt32.self))
        }
    }
}
