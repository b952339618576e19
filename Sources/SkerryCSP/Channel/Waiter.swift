/// How the wait of a parked operation ended.
@usableFromInline
@frozen
enum WaitOutcome: UInt8, Sendable {
    /// The element was handed over.
    case done
    /// The channel closed; nothing was handed over.
    case closed
    /// The task was cancelled before anyone took the waiter; nothing was handed over.
    case cancelled
    /// As many waited as may; this one did not begin to.
    case refused
    /// Whoever had taken the element for a trial does not know what became of it.
    case failed
}

/// One parked operation of one side of a channel, and the slot through which its element passes.
///
/// Whoever takes the waiter out of its queue, under both locks of the channel, has the right and the duty to resume it, exactly once:
/// a peer, `close` or a cancellation. A waiter of a select has a further gate: its ``Selection`` is shared with waiters of other channels and
/// must be won as well, since their locks are not held.
// Every field but `continuation`'s use after removal is touched only under both locks of the channel it waits in, or by the one
// task that owns it before it is parked and after it is resumed.
@usableFromInline
final class Waiter<Element: Sendable>: @unchecked Sendable {
    @usableFromInline
    enum Place: UInt8 {
        /// Not parked yet.
        case idle
        case queued
        /// Taken out by someone who resumes it.
        case taken
        /// Cancelled before it was parked.
        case cancelled
    }

    @exclusivity(unchecked) @usableFromInline var next: Waiter?
    @exclusivity(unchecked) @usableFromInline unowned(unsafe) var previous: Waiter?
    @exclusivity(unchecked) @usableFromInline var place = Place.idle
    @exclusivity(unchecked) @usableFromInline var outcome = WaitOutcome.done
    /// What a sender brings or a receiver gets.
    @exclusivity(unchecked) @usableFromInline var element: Element?
    /// Nil for a waiter of a select, and for an element that was posted without waiting.
    @exclusivity(unchecked) @usableFromInline var continuation: UnsafeContinuation<WaitOutcome, Never>?
    /// Called in place of a task that waits; true says that the element was taken. Nil for everybody else.
    @exclusivity(unchecked) @usableFromInline var hook: (@Sendable (Bool) -> Void)?
    /// Why an element that was taken for a trial was neither received nor put back.
    @exclusivity(unchecked) @usableFromInline var error: (any Error)?
    /// The task was cancelled while somebody had the element for a trial.
    @exclusivity(unchecked) @usableFromInline var wasCancelled = false
    /// The selection was won when somebody took the element for a trial, and is not to be won again.
    @exclusivity(unchecked) @usableFromInline var isWon = false
    @usableFromInline let selection: Selection?
    /// Index of the arm in its select.
    @usableFromInline let arm: Int

    @inlinable
    init(element: Element?, selection: Selection? = nil, arm: Int = 0) {
        self.element = element
        self.selection = selection
        self.arm = arm
    }

    #if DEBUG
    deinit {
        precondition(place != .queued && continuation == nil, "a waiter of a channel of \(Element.self) was dropped before it was resumed")
    }
    #endif

    /// Nobody waits for this element to be taken; it stays when the channel closes.
    @inlinable
    var isPosted: Bool { continuation == nil && selection == nil && hook == nil }

    /// Ends the wait. Called once, without a lock, by whoever took the waiter out of its queue.
    @inlinable
    func resume() {
        if let selection {
            selection.resume()
        } else if let continuation {
            self.continuation = nil
            continuation.resume(returning: outcome)
        } else if let hook {
            self.hook = nil
            hook(outcome == .done)
        }
    }
}

/// Waiters in the order they came, linked through themselves: putting in, taking out and leaving from the middle are O(1), so that
/// a cancelled or outrun waiter leaves at once and no dead ones gather.
@usableFromInline
@frozen
struct WaiterQueue<Element: Sendable> {
    @usableFromInline var first: Waiter<Element>?
    @usableFromInline unowned(unsafe) var last: Waiter<Element>?
    @usableFromInline var count = 0

    @inlinable
    init() {}

    @inlinable
    var isEmpty: Bool { count == 0 }

    @inlinable
    mutating func append(_ waiter: Waiter<Element>) {
        if let last {
            last.next = waiter
            waiter.previous = last
        } else {
            first = waiter
        }
        last = waiter
        count += 1
    }

    /// Puts a waiter before all others.
    @inlinable
    mutating func prepend(_ waiter: Waiter<Element>) {
        if let first {
            first.previous = waiter
            waiter.next = first
        } else {
            last = waiter
        }
        first = waiter
        count += 1
    }

    @inlinable
    mutating func remove(_ waiter: Waiter<Element>) {
        let next = waiter.next
        if let next { next.previous = waiter.previous } else { last = waiter.previous }
        if let previous = waiter.previous { previous.next = next } else { first = next }
        waiter.next = nil
        waiter.previous = nil
        count -= 1
    }

    @inlinable
    mutating func popFirst() -> Waiter<Element>? {
        guard let waiter = first else { return nil }
        remove(waiter)
        return waiter
    }
}

/// What is to be done once the locks are free: resume tasks, call hooks, let go of elements.
@usableFromInline
struct Wakes<Element: Sendable> {
    @usableFromInline var waiters = WaiterQueue<Element>()
    @usableFromInline var hooks: [@Sendable () -> Void] = []
    /// Dropped elements; their `deinit` is a user's code and must not run under a lock.
    @usableFromInline var dropped: [Element] = []

    @inlinable
    init() {}

    @inlinable
    mutating func fire() {
        while let waiter = waiters.popFirst() { waiter.resume() }
        guard !hooks.isEmpty else { return }
        for hook in hooks { hook() }
    }
}
