internal import Synchronization

/// A request body that stands in memory, handed out piece by piece in the order given.
///
/// Pieces longer than ``HTTPBodyLimits/pieceSizeMaximum`` are cut, empty ones are skipped, so that a service sees what a socket would give it.
public final class PiecesBody: HTTPRequestBody {
    /// How the body ends once its pieces are used up.
    public enum Ending: Sendable {
        /// Like a whole request.
        case complete
        /// Like a request that broke; the error is thrown by every later call too.
        case failure(HTTPBodyError)
    }

    public let length: UInt64?

    private let ending: Ending
    private let rest: Mutex<Rest>

    /// - Parameters:
    ///   - pieces: The body, cut as the service shall see it.
    ///   - isLengthKnown: false gives a body of unknown length, as chunked requests have.
    ///   - ending: What follows the last piece.
    public init(_ pieces: [[UInt8]], isLengthKnown: Bool = true, ending: Ending = .complete) {
        self.length = isLengthKnown ? pieces.reduce(0) { $0 + UInt64($1.count) } : nil
        self.ending = ending
        self.rest = Mutex(Rest(pieces: pieces))
    }

    /// A body of the given bytes, in as few pieces as the limit allows.
    public convenience init(bytes: [UInt8]) {
        self.init([bytes])
    }

    public func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? {
        if let piece = rest.withLock({ $0.next() }) { return piece }
        if case .failure(let error) = ending { throw error }
        return nil
    }

    /// How many bytes the service has taken so far.
    public var bytesTaken: UInt64 {
        rest.withLock { $0.bytesTaken }
    }

    private struct Rest {
        var pieces: [[UInt8]]
        var index = 0
        var offset = 0
        var bytesTaken: UInt64 = 0

        init(pieces: [[UInt8]]) {
            self.pieces = pieces
        }

        mutating func next() -> ArraySlice<UInt8>? {
            while index < pieces.count {
                let piece = pieces[index]
                let end = min(offset + HTTPBodyLimits.pieceSizeMaximum, piece.count)
                let slice = piece[offset..<end]
                offset = end
                if end == piece.count {
                    index += 1
                    offset = 0
                }
                guard !slice.isEmpty else { continue }
                bytesTaken += UInt64(slice.count)
                return slice
            }
            return nil
        }
    }
}

/// Bounds every request body keeps.
public enum HTTPBodyLimits {
    /// Bytes in the longest piece ``HTTPRequestBody/next()`` may return.
    public static let pieceSizeMaximum = 128 * 1024
}
