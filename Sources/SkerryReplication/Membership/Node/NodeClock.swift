public import SkerrySession
internal import Synchronization

/// The time of a node, and who wakes it: the only place where one waits.
public protocol NodeClock: Sendable {
    /// Never goes back.
    var now: Moment { get }

    /// Calls `job` once, at `moment` or soon after, from any thread and never inside this call.
    func schedule(at moment: Moment, _ job: @escaping @Sendable () -> Void)
}

/// The machine's monotonic clock. It stands still while the machine sleeps, so that a machine that wakes up does not take all others for dead.
public struct MonotonicNodeClock: NodeClock {
    private let clock = SuspendingClock()
    private let start: SuspendingClock.Instant

    public init() { start = clock.now }

    public var now: Moment { .zero + start.duration(to: clock.now) }

    public func schedule(at moment: Moment, _ job: @escaping @Sendable () -> Void) {
        let clock = clock
        let instant = start.advanced(by: moment - .zero)
        Task {
            // Only a task that is cancelled wakes early, and nobody knows this one.
            try? await clock.sleep(until: instant, tolerance: .milliseconds(1))
            job()
        }
    }
}
