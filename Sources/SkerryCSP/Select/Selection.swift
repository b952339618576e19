public import Synchronization

/// The one right to end a select, shared by its waiters in several channels, its timers and its cancellation.
///
/// Whoever claims it, by one compare-and-swap, ends the select and names the arm that won; all others find it gone and pass by. It opens
/// for peers while the select holds the locks of all its channels; a timer or a cancellation may claim it earlier.
///
/// Public because the requirements of ``SelectArm`` name it; there is nothing to do with it.
// `continuation` is written before the selection opens, and read once by the claimant that found it open.
public final class Selection: @unchecked Sendable {
    @usableFromInline static var preparing: Int { -1 }
    @usableFromInline static var open: Int { -2 }
    @usableFromInline static var cancelled: Int { -3 }
    @usableFromInline static var refused: Int { -4 }

    @usableFromInline let winner = Atomic<Int>(-1)
    @exclusivity(unchecked) @usableFromInline var continuation: UnsafeContinuation<Void, Never>?

    @inlinable
    init() {}

    #if DEBUG
    deinit {
        precondition(continuation == nil, "a select was dropped before it was resumed")
    }
    #endif

    /// A peer wins the select for `arm` and is to resume it, or returns false when it is over.
    @inlinable
    func claim(_ arm: Int) -> Bool {
        winner.compareExchange(expected: Selection.open, desired: arm, ordering: .acquiringAndReleasing).exchanged
    }

    /// The select itself goes from `preparing` to an arm or to `open`; false when a timer or a cancellation was faster.
    @inlinable
    func advance(to state: Int) -> Bool {
        winner.compareExchange(expected: Selection.preparing, desired: state, ordering: .acquiringAndReleasing).exchanged
    }

    /// A timer or a cancellation ends the select, whether it is open or still being prepared.
    @usableFromInline
    func interrupt(as arm: Int) {
        if claim(arm) { return resume() }
        // It may open between the two attempts, but then only once.
        if !advance(to: arm), claim(arm) { resume() }
    }

    /// Lets the task of the select go on. Called once, by the claimant that found it open.
    @inlinable
    func resume() {
        guard let continuation else { preconditionFailure("a select was resumed twice") }
        self.continuation = nil
        continuation.resume()
    }
}
