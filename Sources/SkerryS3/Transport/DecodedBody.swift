public import HTTPTypes
public import SkerryHTTP
import Synchronization

/// Why a body ended before it was whole.
public enum DecodedBodyError: Error, Sendable, Equatable {
    /// The connection failed.
    case transport(HTTPBodyError)
    /// The aws-chunked framing or one of its signatures is wrong.
    case chunked(ChunkedBodyError)
}

/// The body of a request as it is to be stored: aws-chunked framing taken off, its signatures checked on the way.
///
/// Pieces come as they arrive and **count only when ``next()`` has returned nil**: the signature over a piece may be checked after the piece
/// was handed out, and an error then fails the upload as a whole (see ``ChunkedBodyDecoder`` for why that is safe). A body that is not
/// aws-chunked passes through untouched; its SHA-256, if one was signed, is ``expectedPayloadSHA256``, to be compared by whoever hashes it.
///
/// One task reads at a time. Cancelling it cancels the read below; the body is then of no more use.
public final class DecodedBody: Sendable {
    /// Bytes to come, where the client said: `x-amz-decoded-content-length`, else `Content-Length`.
    public let length: UInt64?
    /// What the plain body's SHA-256 must be, 32 bytes; nil when nothing or something else was signed.
    public let expectedPayloadSHA256: [UInt8]?
    /// Names of the checksums that the trailer will bring, lower case.
    public let announcedTrailers: [String]

    private let body: any HTTPRequestBody
    private let state: Mutex<State>

    /// - Throws: ``ChunkedBodyError`` when the header lacks what the framing needs; nothing was read then.
    public init(_ body: any HTTPRequestBody, of request: HTTPRequest, authentication: Authentication) throws(ChunkedBodyError) {
        self.body = body
        guard let framing = authentication.chunkFraming else {
            length = body.length
            announcedTrailers = []
            if case .sha256(let digest) = authentication.payload { expectedPayloadSHA256 = digest } else { expectedPayloadSHA256 = nil }
            state = Mutex(State())
            return
        }
        let decodedLength = try Self.decodedLength(of: request.headerFields)
        announcedTrailers = try Self.announcedTrailers(of: request.headerFields)
        length = decodedLength
        expectedPayloadSHA256 = nil
        state = Mutex(State(decoder: ChunkedBodyDecoder(framing, decodedLength: decodedLength, announcedTrailers: announcedTrailers)))
    }

    /// The next decoded bytes, at least one; nil when the body is whole and all its signatures were right.
    ///
    /// An error is final: every later call throws it again.
    public func next() async throws(DecodedBodyError) -> ArraySlice<UInt8>? {
        while true {
            if let bytes = try advance({ state throws(DecodedBodyError) in try state.pendingBytes() }) { return bytes }
            if trailer != nil { return nil }
            let piece: ArraySlice<UInt8>?
            do {
                piece = try await body.next()
            } catch {
                throw fail(.transport(error))
            }
            let isDecoding = try advance { state throws(DecodedBodyError) in try state.receive(piece) }
            if piece == nil || !isDecoding { return piece }
        }
    }

    /// What followed the last chunk, verified where signed; nil before ``next()`` has returned nil.
    public var trailer: ChunkedTrailer? { state.withLock { $0.trailer } }

    // MARK: - Private machinery

    private func advance<Result: Sendable>(
        _ step: (inout State) throws(DecodedBodyError) -> Result
    ) throws(DecodedBodyError) -> Result {
        do {
            return try state.withLock { state throws(DecodedBodyError) in try step(&state) }
        } catch {
            throw fail(error)
        }
    }

    private func fail(_ error: DecodedBodyError) -> DecodedBodyError {
        state.withLock { $0.failure = error }
        return error
    }

    private struct State {
        /// nil for a plain body.
        var decoder: ChunkedBodyDecoder?
        var trailer: ChunkedTrailer?
        var failure: DecodedBodyError?

        /// Bytes still to come from the piece that was put in last.
        mutating func pendingBytes() throws(DecodedBodyError) -> ArraySlice<UInt8>? {
            if let failure { throw failure }
            do {
                while let event = try decoder?.next() {
                    if case .bytes(let bytes) = event { return bytes }
                }
            } catch {
                throw .chunked(error)
            }
            return nil
        }

        /// Takes a piece, or the end, and returns whether there is a decoder to take it.
        mutating func receive(_ piece: ArraySlice<UInt8>?) throws(DecodedBodyError) -> Bool {
            if let piece {
                decoder?.receive(piece)
            } else {
                do {
                    trailer = if case .end(let trailer)? = try decoder?.finish() { trailer } else { ChunkedTrailer() }
                } catch {
                    throw .chunked(error)
                }
            }
            return decoder != nil
        }
    }

    private static func decodedLength(of fields: HTTPFields) throws(ChunkedBodyError) -> UInt64 {
        guard let field = fields.first(where: { $0.name.canonicalName == "x-amz-decoded-content-length" }) else {
            throw .missingDecodedLength
        }
        let digits = field.bytes
        guard let first = digits.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            let length = UInt64(String(decoding: digits, as: UTF8.self))
        else { throw .invalidDecodedLength(field.value) }
        return length
    }

    private static func announcedTrailers(of fields: HTTPFields) throws(ChunkedBodyError) -> [String] {
        var names: [String] = []
        for field in fields where field.name.canonicalName == "x-amz-trailer" {
            for name in field.value.split(separator: ",") {
                let name = name.trimmingSpaces.lowercased()
                guard name.hasPrefix("x-amz-checksum-") else { throw .unsupportedTrailer(name) }
                if !names.contains(name) { names.append(name) }
            }
        }
        return names
    }
}

extension Authentication {
    /// How the body is framed; nil when it is plain.
    fileprivate var chunkFraming: ChunkedBodyDecoder.Framing? {
        switch (payload, chunkSigning) {
        case (.signedChunks, let signing?): .signed(signing)
        case (.signedChunksWithTrailer, let signing?): .signedWithTrailer(signing)
        case (.unsignedChunksWithTrailer, _): .unsignedWithTrailer
        default: nil
        }
    }
}
