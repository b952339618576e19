public import SkerryWire
internal import Synchronization

/// Bytes that are already there, to be read from begin to end: a file's, to a replica that only reads.
///
/// What is written to it is collected: a replica that only writes fills it.
public final class RecordedStream: DuplexStream {
    private struct State: Sendable {
        var unread: ArraySlice<UInt8>
        var written: [UInt8] = []
    }

    private let state: Mutex<State>
    private let piece: Int

    /// - Parameter piece: most bytes that one read gives.
    public init(_ bytes: [UInt8] = [], piece: Int = 64 << 10) {
        state = Mutex(State(unread: bytes[...]))
        self.piece = piece
    }

    /// What was written so far.
    public var written: [UInt8] { state.withLock { $0.written } }

    public func read() async throws(LinkError) -> [UInt8] {
        state.withLock { state in
            let bytes = Array(state.unread.prefix(piece))
            state.unread = state.unread.dropFirst(bytes.count)
            return bytes
        }
    }

    public func write(_ bytes: [UInt8]) async throws(LinkError) { state.withLock { $0.written += bytes } }
}
