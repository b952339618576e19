internal import NIOCore
internal import Synchronization

/// Runs tasks on one of the threads that carry links.
///
/// A task that calls a peer from the loop of its own link spares two changes of thread a call: the reply resumes it where it was read, and what it asks next
/// leaves with what the others on the loop ask. Like everything on a loop it must not block or compute for long.
///
/// The jobs that come between two turns are one task of the loop, however many they are: a read that answers a hundred calls gives the loop one thing to do.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    private struct State {
        var jobs: [UnownedJob] = []
        /// A turn is ordered.
        var isDue = false
    }

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustOrder = state.withLock { state in
            state.jobs.append(job)
            defer { state.isDue = true }
            return !state.isDue
        }
        if mustOrder { order() }
    }

    private func order() {
        eventLoop.execute { [self] in turn() }
    }

    /// Runs what has come so far. What comes meanwhile has the next turn, behind the sockets and timers of the loop.
    ///
    /// Many jobs have two tasks of the loop. So what the first half asked of a peer leaves before the second half runs, and both sides work at a time.
    private func turn() {
        let jobs = state.withLock { state in
            var jobs: [UnownedJob] = []
            swap(&jobs, &state.jobs)
            // The next turn will have as many.
            state.jobs.reserveCapacity(min(jobs.count, Self.expectedMaximum))
            return jobs
        }
        let half = jobs.count >= 2 * Self.jobsPerWrite ? (jobs.count + 1) / 2 : jobs.count
        run(jobs[..<half])
        guard half < jobs.count else { return endTurn() }
        eventLoop.execute { [self] in
            run(jobs[half...])
            endTurn()
        }
    }

    /// Jobs whose place is taken beforehand.
    private static let expectedMaximum = 1_024
    /// What so many tasks ask is worth a write of its own.
    private static let jobsPerWrite = 24

    private func run(_ jobs: ArraySlice<UnownedJob>) {
        let executor = asUnownedTaskExecutor()
        for job in jobs { job.runSynchronously(on: executor) }
    }

    private func endTurn() {
        let mustOrder = state.withLock { state in
            state.isDue = !state.jobs.isEmpty
            return state.isDue
        }
        if mustOrder { order() }
    }
}
