import SkerryCSP

/// The tasks of one group: counts those that have ended, and ends the wait at the last one, at the deadline, or when the caller is cancelled.
///
/// Not a task group: those wait for children that ignore their cancellation, and a group must end when its time is over.
final class GroupRun: Sendable {
    private struct State {
        var remaining: Int
        var tasks: [Task<Void, Never>] = []
        var code: CallError.Code?
        var isOver = false
        var continuation: UnsafeContinuation<CallError.Code?, Never>?
    }

    private let state: Locked<State>

    init(count: Int) {
        state = Locked(State(remaining: count, isOver: count == 0))
    }

    /// Begins a member; it runs up to its first suspension before this returns.
    func start(_ body: @escaping @Sendable () async -> Void) {
        let task = Task.immediate {
            await body()
            self.memberEnded()
        }
        let isOver = state.withLock { state in
            if !state.isOver { state.tasks.append(task) }
            return state.isOver && state.code != nil
        }
        if isOver { task.cancel() }
    }

    /// Waits for the last member. Nil when all have ended, else why the wait ended before.
    func wait() async -> CallError.Code? {
        let timer = Call.afterDeadline { self.end(.timeout) }
        defer { timer?.cancel() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let code: CallError.Code?? = state.withLock { state in
                    if state.isOver { return .some(state.code) }
                    state.continuation = continuation
                    return nil
                }
                if let code { continuation.resume(returning: code) }
            }
        } onCancel: {
            self.end(.cancelled)
        }
    }

    private func memberEnded() {
        let continuation = state.withLock { state -> UnsafeContinuation<CallError.Code?, Never>? in
            state.remaining -= 1
            guard state.remaining == 0, !state.isOver else { return nil }
            state.isOver = true
            state.tasks = []
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: nil)
    }

    private func end(_ code: CallError.Code) {
        let (continuation, tasks) = state.withLock { state -> (UnsafeContinuation<CallError.Code?, Never>?, [Task<Void, Never>]) in
            guard !state.isOver else { return (nil, []) }
            state.isOver = true
            state.code = code
            defer { (state.continuation, state.tasks) = (nil, []) }
            return (state.continuation, state.tasks)
        }
        for task in tasks { task.cancel() }
        continuation?.resume(returning: code)
    }
}
