import SkerryCSP
public import SkerrySession

/// Time as calls and sessions see it: real, or that of a test.
public protocol CallClock: Sendable {
    /// A moment that never goes back.
    var now: Moment { get }

    /// Runs `body` once at `moment` or soon after, on any thread; at once when it has passed.
    func schedule(at moment: Moment, _ body: @escaping @Sendable () -> Void) -> any ScheduledCall
}

/// Something that a ``CallClock`` is to run.
public protocol ScheduledCall: Sendable {
    /// Takes the order back. Too late when it runs already.
    func cancel()
}

/// The monotonic clock of the system.
public struct SystemCallClock: CallClock {
    private static let start = ContinuousClock.now
    /// One for the process: sessions and calls set timers by the thousand and take most of them back.
    private static let timers = ClockTimers(clock: ContinuousClock())

    public init() {}

    public var now: Moment { .zero + Self.start.duration(to: .now) }

    public func schedule(at moment: Moment, _ body: @escaping @Sendable () -> Void) -> any ScheduledCall {
        let now = now
        // A moment before all time is due like any other that has passed.
        return Timer(id: Self.timers.schedule(after: moment <= now ? .zero : moment - now, body))
    }

    private struct Timer: ScheduledCall {
        let id: TimerID

        func cancel() { timers.cancel(id) }
    }
}
