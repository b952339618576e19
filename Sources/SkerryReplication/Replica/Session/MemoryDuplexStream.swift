public import SkerryWire
internal import Synchronization

/// A stream through memory: two ends, each of which reads what the other writes.
///
/// A writer waits while ``capacity`` bytes are not read. Bytes can be read in small pieces, to see that nobody relies on how they were written.
public final class MemoryDuplexStream: DuplexStream {
    /// One direction.
    final class Pipe: Sendable {
        private struct State: Sendable {
            var bytes: [UInt8] = []
            var isEnded = false
            var failure: LinkError?
            var reader: CheckedContinuation<Void, Never>?
            var writer: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())
        private let capacity: Int
        private let piece: Int

        init(capacity: Int, piece: Int) {
            self.capacity = capacity
            self.piece = piece
        }

        func read() async throws(LinkError) -> [UInt8] {
            while true {
                let (bytes, writer) = try state.withLock { state throws(LinkError) -> ([UInt8]?, CheckedContinuation<Void, Never>?) in
                    if let failure = state.failure { throw failure }
                    guard !state.bytes.isEmpty || state.isEnded else { return (nil, nil) }
                    let bytes = Array(state.bytes.prefix(piece))
                    state.bytes.removeFirst(bytes.count)
                    defer { state.writer = nil }
                    return (bytes, state.writer)
                }
                writer?.resume()
                if let bytes { return bytes }
                try await wait(\.reader) { !$0.bytes.isEmpty || $0.isEnded || $0.failure != nil }
            }
        }

        func write(_ bytes: [UInt8]) async throws(LinkError) {
            let reader = try state.withLock { state throws(LinkError) -> CheckedContinuation<Void, Never>? in
                if let failure = state.failure { throw failure }
                guard !state.isEnded else { throw LinkError(.reset, "the stream was closed") }
                state.bytes += bytes
                state.isEnded = bytes.isEmpty
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume()
            try await wait(\.writer) { [capacity] in $0.bytes.count < capacity || $0.failure != nil }
        }

        func fail(_ error: LinkError) {
            let waiters = state.withLock { state in
                state.failure = state.failure ?? error
                defer { (state.reader, state.writer) = (nil, nil) }
                return [state.reader, state.writer]
            }
            for waiter in waiters { waiter?.resume() }
        }

        var count: Int { state.withLock { $0.bytes.count } }

        private func wait(
            _ place: any (WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable), until isReady: @Sendable (State) -> Bool
        ) async throws(LinkError) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let goesOn = state.withLock { state in
                        let goesOn = isReady(state) || Task.isCancelled
                        if !goesOn { state[keyPath: place] = continuation }
                        return goesOn
                    }
                    if goesOn { continuation.resume() }
                }
            } onCancel: {
                let waiter = state.withLock { state in
                    defer { state[keyPath: place] = nil }
                    return state[keyPath: place]
                }
                waiter?.resume()
            }
            if Task.isCancelled { throw LinkError(.cut, "the task was cancelled") }
        }
    }

    private let incoming: Pipe
    private let outgoing: Pipe

    private init(incoming: Pipe, outgoing: Pipe) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    /// Two ends.
    ///
    /// - Parameters:
    ///   - capacity: bytes that may wait in one direction before a writer waits.
    ///   - piece: most bytes that one read gives.
    public static func pair(capacity: Int = 64 << 10, piece: Int = .max) -> (MemoryDuplexStream, MemoryDuplexStream) {
        let there = Pipe(capacity: capacity, piece: piece)
        let back = Pipe(capacity: capacity, piece: piece)
        return (MemoryDuplexStream(incoming: back, outgoing: there), MemoryDuplexStream(incoming: there, outgoing: back))
    }

    public func read() async throws(LinkError) -> [UInt8] { try await incoming.read() }
    public func write(_ bytes: [UInt8]) async throws(LinkError) { try await outgoing.write(bytes) }

    /// Breaks both directions, as when a cable is cut.
    public func cut() {
        for pipe in [incoming, outgoing] { pipe.fail(LinkError(.reset, "the stream was cut")) }
    }

    /// Bytes written by this end that the other has not read.
    public var unread: Int { outgoing.count }
}
