internal import NIOCore
internal import SkerrySession

/// A serial place of execution with a clock, for links that need no sockets.
protocol LinkLoop: Sendable {
    /// Whether the caller runs on the loop. May be false on it, which costs a job and nothing else.
    var isCurrent: Bool { get }

    var now: Moment { get }

    /// Runs `job` later, behind those that were given before.
    func execute(_ job: @escaping @Sendable () -> Void)

    /// Runs `job` when the time has come.
    func execute(after delay: Duration, _ job: @escaping @Sendable () -> Void)
}

/// One of the threads that carry links.
struct ThreadLoop: LinkLoop {
    let eventLoop: any EventLoop

    var isCurrent: Bool { eventLoop.inEventLoop }

    var now: Moment { Moment(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) }

    func execute(_ job: @escaping @Sendable () -> Void) {
        eventLoop.execute(job)
    }

    func execute(after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        eventLoop.scheduleTask(in: TimeAmount(delay), job)
    }
}
