import Synchronization

/// Many commits awaited together: a slot for each result, and the one waiter who is told when the last is filled.
final class CommitBatch<Value: Sendable>: Sendable {
    private struct State {
        var results: [Result<Value, ObjectError>?]
        var missing: Int
        var waiter: UnsafeContinuation<[Result<Value, ObjectError>], Never>?
    }

    private let state: Mutex<State>

    init(count: Int, waiter: UnsafeContinuation<[Result<Value, ObjectError>], Never>) {
        state = Mutex(State(results: Array(repeating: nil, count: count), missing: count, waiter: waiter))
    }

    /// Fills a slot, once.
    func fill(_ index: Int, _ result: Result<Value, ObjectError>) {
        let (waiter, results) = state.withLock { state in
            state.results[index] = result
            state.missing -= 1
            guard state.missing == 0 else { return (nil as UnsafeContinuation<[Result<Value, ObjectError>], Never>?, []) }
            defer { state.waiter = nil }
            return (state.waiter, state.results.compactMap { $0 })
        }
        waiter?.resume(returning: results)
    }
}
