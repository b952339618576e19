internal import NIOCore

/// Runs tasks on an event loop, without a round through its queue where that can be spared.
///
/// A job enqueued while the loop itself is inside ``run(_:)`` stands in a local queue and runs before that call returns. So a request whose
/// service awaits nothing outside the loop goes from the socket's read event to the reply's write in one turn, with no lock and no wake-up.
// @unchecked Sendable: `ready` and `isRunning` are touched only after `eventLoop.inEventLoop` was seen true or asserted.
final class EventLoopExecutor: TaskExecutor, @unchecked Sendable {
    let eventLoop: any EventLoop

    private var ready = CircularBuffer<UnownedJob>(initialCapacity: 16)
    private var isRunning = false

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if eventLoop.inEventLoop, isRunning {
            ready.append(job)
        } else {
            eventLoop.execute { [self] in run { ready.append(job) } }
        }
    }

    /// Jobs run in one turn before the loop looks at its sockets again: a task that yields in a circle must not starve them.
    private static let turnSizeMaximum = 256

    /// Calls `body` and then runs the jobs it made ready, and those that these make ready.
    ///
    /// Called on the event loop. A nested call leaves the jobs to the outer one.
    func run(_ body: () -> Void) {
        eventLoop.assertInEventLoop()
        guard !isRunning else { return body() }
        isRunning = true
        body()
        var jobsLeft = Self.turnSizeMaximum
        while jobsLeft > 0, let job = ready.popFirst() {
            job.runSynchronously(on: asUnownedTaskExecutor())
            jobsLeft -= 1
        }
        isRunning = false
        if !ready.isEmpty { eventLoop.execute { [self] in run {} } }
    }
}
