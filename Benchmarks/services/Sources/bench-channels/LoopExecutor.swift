import SkerryCSP

/// A task executor of one thread, the one that calls `run`: what tasks see that are pinned to an event loop.
// The queue is under a lock; the rest is constant.
final class LoopExecutor: TaskExecutor {
    private let jobs = Locked([UnownedJob]())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Runs jobs until `isDone`. All tasks of the benchmark live here, so that an empty queue before the end would be a deadlock.
    func run(until isDone: () -> Bool) {
        var batch: [UnownedJob] = []
        while !isDone() {
            jobs.withLock { swap(&$0, &batch) }
            for job in batch { job.runSynchronously(on: asUnownedTaskExecutor()) }
            batch.removeAll(keepingCapacity: true)
        }
    }
}
