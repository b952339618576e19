/// Where the tasks of operators live. Made by ``withPipes(_:)``; not to be kept beyond it.
///
/// Each operator reads some channels, writes others, and runs as a task of the scope. All have the same manners:
/// - when its inputs have ended it closes its outputs; an input that was closed throwing closes them throwing the same;
/// - when nobody reads its outputs any more it lets go of its inputs, so that their senders learn it; it notices with the next element;
/// - it reads the next element when the last one was delivered: a slow reader is felt at the source.
public struct PipeScope: Sendable {
    typealias Job = @Sendable () async -> Void

    private let jobs: Sender<Job>

    fileprivate init(_ jobs: Sender<Job>) {
        self.jobs = jobs
    }

    /// Runs `job` as a task of the scope. After the end of the scope it is let go of unrun, and with it the halves that it holds.
    func start(_ job: @escaping Job) {
        _ = try? jobs.trySend(job)
    }

    /// Runs `body` as a task that fills `output`, and closes it when it returns or throws.
    func start<Output: Sendable>(filling output: Sender<Output>, _ body: @escaping @Sendable (Sender<Output>) async throws -> Void) {
        start {
            do {
                try await body(output)
                output.close()
            } catch {
                // If it was `output` that is closed, this changes nothing.
                output.close(throwing: error)
            }
        }
    }

    /// An operator with one output.
    func output<Output: Sendable>(
        _ capacity: ChannelCapacity, _ body: @escaping @Sendable (Sender<Output>) async throws -> Void
    ) -> Receiver<Output> {
        let (sender, receiver) = Channel<Output>(capacity).halves
        start(filling: sender, body)
        return receiver
    }

    /// Starts `body` beside the caller and returns the cell that its result will be in.
    ///
    /// It runs to its end even if nobody reads the cell, and is cancelled at the end of the scope.
    public func deferred<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Ivar<Value> {
        let ivar = Ivar<Value>()
        start { ivar.fill(await body()) }
        return ivar
    }
}

/// Calls `body` with a scope in which it connects channels by operators, and returns its result.
///
/// Structured: the operators run while `body` runs. When it returns or throws they are cancelled and waited for, so that none outlives the call. What is to be
/// finished must therefore be read to its end in `body`.
///
/// ```swift
/// let words = try await withPipes { pipes in
///     let merged = pipes.merge([left, right])
///     let loud = pipes.pipeline(4, merged, ordered: true) { $0.uppercased() }
///     return try await loud.fold(into: []) { $0.append($1) }
/// }
/// ```
///
/// - Throws: what `body` throws.
public func withPipes<Result, Failure: Error>(_ body: (PipeScope) async throws(Failure) -> Result) async throws(Failure) -> Result {
    // As many jobs stand here as `body` started operators since the runner looked last.
    let (jobs, queue) = Channel<PipeScope.Job>(.unbounded).halves
    let result = await withTaskGroup(of: Void.self) { group in
        group.addTask { await run(queue) }
        let result: Swift.Result<Result, Failure>
        do throws(Failure) {
            result = .success(try await body(PipeScope(jobs)))
        } catch {
            result = .failure(error)
        }
        jobs.close()
        group.cancelAll()
        return result
    }
    return try result.get()
}

/// Runs jobs as they come, each as a task, until the scope ends; then cancels them and waits.
///
/// Jobs that were started at the last moment run as well, cancelled: so an output that was cut short says so, and does not look like a regular end.
private func run(_ queue: Receiver<PipeScope.Job>) async {
    await withDiscardingTaskGroup { group in
        while let job = try? await queue.receive() {
            group.addTask { await job() }
        }
        group.cancelAll()
    }
}
