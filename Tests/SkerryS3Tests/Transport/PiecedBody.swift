import SkerryHTTP
import Synchronization
import Testing

/// A body that arrives in pieces of given sizes, taken in turn, and may fail at its end.
///
/// Asking it again behind its end or its failure is recorded as an issue: whoever wraps a body keeps its own end.
final class PiecedBody: HTTPRequestBody {
    let length: UInt64?
    private let pieces: Mutex<[ArraySlice<UInt8>]>
    private let failure: HTTPBodyError?
    private let isOver = Mutex(false)

    init(_ bytes: [UInt8], sizes: [Int] = [1 << 16], failure: HTTPBodyError? = nil) {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + sizes[pieces.count % sizes.count], bytes.count)
            pieces.append(bytes[start..<end])
            start = end
        }
        length = UInt64(bytes.count)
        self.pieces = Mutex(pieces)
        self.failure = failure
    }

    func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? {
        if let piece = pieces.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return piece }
        let wasOver = isOver.withLock { isOver in
            defer { isOver = true }
            return isOver
        }
        if wasOver { Issue.record("read behind the end") } else if let failure { throw failure }
        return nil
    }
}
