import Glibc
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
    /// One for the process: sessions and calls set timers by the thousand and take most of them back.
    private static let timers = ClockTimers(clock: ContinuousClock())

    public init() {}

    /// The clock of ``ContinuousClock``, read without the arithmetic of its 128 bits: each call asks several times.
    public var now: Moment {
        var time = timespec()
        #if os(Linux)
        clock_gettime(CLOCK_BOOTTIME, &time)
        #else
        clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        #endif
        return Moment(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

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
