internal import Synchronization

/// A request body pulled from a closure: the bridge from any asynchronous source of bytes.
///
/// The closure is called by one reader at a time, as the service asks; nothing is fetched ahead.
/// Pieces longer than ``HTTPBodyLimits/pieceSizeMaximum`` are cut, empty ones are skipped.
public final class SequenceBody: HTTPRequestBody {
    /// Gives the next bytes, nil at the end.
    public typealias Source = @Sendable () async throws(HTTPBodyError) -> [UInt8]?

    public let length: UInt64?

    private let source: Source
    private let remainder = Mutex<ArraySlice<UInt8>>([])

    public init(length: UInt64?, source: @escaping Source) {
        self.length = length
        self.source = source
    }

    public func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? {
        while true {
            if let piece = remainder.withLock({ Self.cut(&$0) }) { return piece }
            guard let bytes = try await source() else { return nil }
            remainder.withLock { $0 = bytes[...] }
        }
    }

    private static func cut(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !bytes.isEmpty else { return nil }
        let piece = bytes.prefix(HTTPBodyLimits.pieceSizeMaximum)
        bytes = bytes.dropFirst(piece.count)
        return piece
    }
}
