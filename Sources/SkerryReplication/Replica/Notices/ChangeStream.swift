internal import Synchronization

/// What changed since the last look, as an asynchronous sequence: nothing is dropped, and a reader that is slow gets the sum of what it missed.
///
/// It holds one element at most, whose bound is the element's own (``Coalescing``). For one reader.
/// It ends when the replica is disposed of; a cancelled reader gets nil.
public struct ChangeStream<Element: Coalescing>: AsyncSequence, Sendable {
    final class Source: Sendable {
        private struct State: Sendable {
            var pending: Element?
            var waiter: CheckedContinuation<Element?, Never>?
            var isFinished = false
        }

        private let state = Mutex(State())

        func send(_ element: Element) {
            let waiter = state.withLock { state -> CheckedContinuation<Element?, Never>? in
                guard !state.isFinished else { return nil }
                if let waiter = state.waiter {
                    state.waiter = nil
                    return waiter
                }
                if state.pending == nil { state.pending = element } else { state.pending?.absorb(element) }
                return nil
            }
            waiter?.resume(returning: element)
        }

        func finish() {
            let waiter = state.withLock { state in
                state.isFinished = true
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: nil)
        }

        func next() async -> Element? {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let (answer, old) = state.withLock { state -> (Element??, CheckedContinuation<Element?, Never>?) in
                        if let pending = state.pending {
                            state.pending = nil
                            return (.some(pending), nil)
                        }
                        if state.isFinished || Task.isCancelled { return (.some(nil), nil) }
                        defer { state.waiter = continuation }
                        return (nil, state.waiter)
                    }
                    // A second reader takes the place of the first.
                    old?.resume(returning: nil)
                    if let answer { continuation.resume(returning: answer) }
                }
            } onCancel: {
                let waiter = state.withLock { state in
                    defer { state.waiter = nil }
                    return state.waiter
                }
                waiter?.resume(returning: nil)
            }
        }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let source: Source
        fileprivate let registration: Observation

        public mutating func next() async -> Element? { await source.next() }
    }

    private let source: Source
    private let registration: Observation

    init(_ source: Source, _ registration: Observation) {
        self.source = source
        self.registration = registration
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source, registration: registration) }
}
