import Synchronization

/// The changes of a document from when it was asked for, as an asynchronous sequence: in order, none left out.
///
/// A reader that falls behind by ``DocumentChanges/bufferMaximum`` changes gets what follows joined into one of source `several`:
/// counts are added up, a key or a member is told once, typing is one edit.
public struct DocumentChanges: AsyncSequence, Sendable {
    public typealias Element = DocumentChange
    public typealias Failure = Never

    /// Changes that wait for a reader one by one.
    public static let bufferMaximum = 64

    private let buffer: ChangeBuffer

    init(document: Document) {
        let buffer = ChangeBuffer()
        let observation = document.observe { [weak buffer] change in buffer?.append(change) }
        buffer.observation.withLock { $0 = observation }
        self.buffer = buffer
    }

    public func makeAsyncIterator() -> Iterator { Iterator(buffer: buffer) }

    public struct Iterator: AsyncIteratorProtocol {
        let buffer: ChangeBuffer

        /// The next change; nil when the task was cancelled. One reader at a time.
        public mutating func next() async -> DocumentChange? { await buffer.next() }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> DocumentChange? { await buffer.next() }
    }
}

/// Changes on their way to one reader.
final class ChangeBuffer: Sendable {
    struct State {
        var changes: [DocumentChange] = []
        var reader: CheckedContinuation<DocumentChange?, Never>?
    }

    let observation = Mutex<Observation?>(nil)
    private let state = Mutex(State())

    func append(_ change: DocumentChange) {
        let reader = state.withLock { state -> CheckedContinuation<DocumentChange?, Never>? in
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            if state.changes.count < DocumentChanges.bufferMaximum {
                state.changes.append(change)
            } else {
                state.changes[state.changes.count - 1].join(change)
            }
            return nil
        }
        reader?.resume(returning: change)
    }

    func next() async -> DocumentChange? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> DocumentChange?? in
                    if !state.changes.isEmpty { return .some(state.changes.removeFirst()) }
                    if Task.isCancelled { return .some(nil) }
                    precondition(state.reader == nil, "one reader at a time")
                    state.reader = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }
}

extension Document {
    /// The changes from now on.
    public var changes: DocumentChanges { DocumentChanges(document: self) }
}
