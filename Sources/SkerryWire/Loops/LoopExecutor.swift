internal import NIOCore

/// Runs tasks on one of the threads that carry links.
///
/// A task that calls a peer from the loop of its own link spares two changes of thread a call: the reply resumes it where it was read, and what it asks next
/// leaves with what the others on the loop ask. Like everything on a loop it must not block or compute for long.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
