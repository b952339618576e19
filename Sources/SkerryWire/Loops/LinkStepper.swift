public import SkerrySession
internal import Synchronization

/// A loop that a test turns by hand, in virtual time: nothing on its links happens by itself.
///
/// ```swift
/// let stepper = LinkStepper()
/// let (left, right) = MemoryLink.pair(on: stepper)
/// left.start(one); right.start(other)
/// stepper.runUntilIdle()
/// ```
///
/// Jobs run in the order of their time, and in the order they were given where times are equal. Given by one thread, that is the same in each run.
public final class LinkStepper: Sendable {
    private let state = Mutex(State())

    private struct State {
        var now = Moment.zero
        var jobs = TimeQueue<@Sendable () -> Void>()
    }

    public init() {}

    /// The virtual time.
    public var now: Moment { state.withLock { $0.now } }

    /// When the next job is due, nil when there is none.
    public var nextDue: Moment? { state.withLock { $0.jobs.first?.time } }

    /// Moves the time to the next job and runs it. False when there is none, or none until `limit`.
    @discardableResult
    public func step(until limit: Moment = .distantFuture) -> Bool {
        let job = state.withLock { state -> (@Sendable () -> Void)? in
            guard let next = state.jobs.first, next.time <= limit, let job = state.jobs.popFirst() else { return nil }
            state.now = max(state.now, job.time)
            return job.value
        }
        job?()
        return job != nil
    }

    /// Runs everything due until `limit`, which is the time then.
    public func run(until limit: Moment) {
        while step(until: limit) {}
        state.withLock { $0.now = max($0.now, limit) }
    }

    /// Runs until there are no jobs, or that many were run.
    ///
    /// - Returns: Whether there are none.
    @discardableResult
    public func runUntilIdle(jobMaximum: Int = .max) -> Bool {
        for _ in 0..<jobMaximum where !step() { return true }
        return nextDue == nil
    }
}

extension LinkStepper: LinkLoop {
    var isCurrent: Bool { false }

    func execute(_ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.insert(job, at: $0.now) }
    }

    func execute(after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.insert(job, at: $0.now + max(delay, .zero)) }
    }
}
