/// Where time comes from: calls a closure when a duration has passed. What a select, a throttle and a choice wait on.
///
/// Two are here: ``ClockTimers``, which follow a `Clock`, and ``ManualTimers``, which a test moves by hand.
public protocol TimerService: Sendable {
    /// Calls `body` once, `duration` from now, unless it is cancelled before. `body` is short and may run on any thread.
    func schedule(after duration: Duration, _ body: @escaping @Sendable () -> Void) -> TimerID

    /// Takes the timer back. Too late if it has fired, or is firing now.
    func cancel(_ id: TimerID)
}

extension TimerService {
    /// Returns when `duration` has passed.
    ///
    /// - Throws: `CancellationError` at once when the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        try await select {
            after(duration, on: self) {}
        }
    }
}

/// Names a pending timer of one ``TimerService``.
@frozen
public struct TimerID: Hashable, Sendable {
    public let rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}
