import Synchronization

/// Many commits awaited together: a slot for each result, and the one waiter who is told when the last is filled.
final class CommitBatch<Value: Sendable>: Sendable {
    fileprivate struct State {
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
        state.withLock { $0.fill(index, result) }?()
    }
}

extension CommitBatch.State {
    /// What is to be done after unlocking: nothing, or to tell the waiter.
    fileprivate mutating func fill(_ index: Int, _ result: Result<Value, ObjectError>) -> (() -> Void)? {
        results[index] = result
        missing -= 1
        guard missing == 0, let waiter else { return nil }
        self.waiter = nil
        let results = results.compactMap { $0 }
        return { waiter.resume(returning: results) }
    }
}
