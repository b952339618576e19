import Crypto

/// Takes aws-chunked framing off a body: pieces in, decoded bytes and events out.
///
/// ```
/// body    = *chunk last [trailer] CRLF
/// chunk   = size [";chunk-signature=" 64HEX] CRLF bytes CRLF     ; size in hexadecimal, not 0
/// last    = "0" [";chunk-signature=" 64HEX] CRLF
/// trailer = 1*(name ":" value CRLF) ["x-amz-trailer-signature:" 64HEX CRLF]
/// ```
///
/// **When bytes count.** The bytes of a signed chunk come out as they arrive and are *pending* until ``Event/chunkVerified(byteCount:)``; a
/// wrong signature is an error, after which nothing comes any more. This is as safe as holding a chunk back: the store makes nothing visible
/// before the body has ended without error, so a caller that commits only after ``Event/end(_:)`` never commits an unverified byte. What it
/// saves is a buffer of a whole chunk for each upload; the decoder itself holds at most one line.
///
/// **What is tolerated**, because clients send it: LF for CRLF in the trailer, an empty line before the trailer's signature, the last CRLF
/// missing, one more CRLF behind it, other chunk extensions.
///
/// A pure value: no clock, no waiting. An error is final: every later call throws it again. What comes out, and which error, does not depend on
/// how the body was cut into pieces.
public struct ChunkedBodyDecoder: Sendable {
    /// What came out.
    public enum Event: Sendable, Equatable {
        /// The next decoded bytes, a slice of a piece that was put in; pending where chunks are signed.
        case bytes(ArraySlice<UInt8>)
        /// The signature over the last `byteCount` bytes is right. Only where chunks are signed.
        case chunkVerified(byteCount: UInt64)
        /// The body is whole. Comes once, last, from ``ChunkedBodyDecoder/finish()``.
        case end(ChunkedTrailer)
    }

    /// The framing, with what it needs.
    public enum Framing: Sendable {
        case signed(ChunkSigning)
        case signedWithTrailer(ChunkSigning)
        case unsignedWithTrailer
    }

    /// Bytes of a chunk's head line or a trailer line. Clients need 85 and about 120.
    public static let lineLengthMaximum = 1_024
    /// Lines of a trailer.
    public static let trailerLineCountMaximum = 16
    /// Bytes of a signed chunk: how much may arrive before its signature is known. Clients send 64 KiB to 1 MiB. Without signatures there is
    /// no limit, for some clients send a whole part as one chunk.
    public static let signedChunkSizeMaximum: UInt64 = 16 << 20

    private enum State {
        /// Within the head line of a chunk.
        case head
        /// Within a chunk's bytes.
        case data(remaining: UInt64)
        /// Before the CRLF behind a chunk's bytes; `1` when its CR was seen.
        case dataEnd(seen: Int)
        /// Behind the last chunk's head line, within the trailer.
        case trailer
        /// Behind the empty line that ends the body.
        case done(extra: Int)
        /// Behind an error.
        case failed(ChunkedBodyError)
    }

    private let trailerIsAllowed: Bool
    private let signatureIsDueInTrailer: Bool
    private let announced: [String]
    private let decodedLength: UInt64
    private var signing: ChunkSigning?

    private var state = State.head
    private var input: ArraySlice<UInt8> = []
    /// Encoded bytes before `input`.
    private var offset: UInt64 = 0
    /// The line begun in earlier pieces.
    private var line: [UInt8] = []
    /// Where that line begins in the encoded body.
    private var lineOffset: UInt64 = 0
    private var received: UInt64 = 0
    private var chunkSize: UInt64 = 0
    private var chunkSignature: ArraySlice<UInt8> = []
    private var chunkHash = SHA256()
    private var trailer = ChunkedTrailer()
    private var trailerLineCount = 0
    /// The trailer as it is signed.
    private var signedTrailer: [UInt8] = []
    private var trailerIsVerified = false

    /// - Parameters:
    ///   - decodedLength: `x-amz-decoded-content-length`.
    ///   - announcedTrailers: The names in `x-amz-trailer`, lower case.
    public init(_ framing: Framing, decodedLength: UInt64, announcedTrailers: [String] = []) {
        switch framing {
        case .signed(let signing):
            self.signing = signing
            trailerIsAllowed = false
            signatureIsDueInTrailer = false
        case .signedWithTrailer(let signing):
            self.signing = signing
            trailerIsAllowed = true
            signatureIsDueInTrailer = true
        case .unsignedWithTrailer:
            trailerIsAllowed = true
            signatureIsDueInTrailer = false
        }
        self.decodedLength = decodedLength
        announced = announcedTrailers
    }

    /// Puts the next piece in. Only when ``next()`` has returned nil since the last one.
    public mutating func receive(_ piece: ArraySlice<UInt8>) {
        precondition(input.isEmpty, "a piece put in before the last one was taken out")
        input = piece
    }

    /// The next event; nil when the next piece is needed, or when the body has ended there.
    public mutating func next() throws(ChunkedBodyError) -> Event? {
        do {
            return try step()
        } catch {
            throw fail(error)
        }
    }

    /// Says that no piece follows.
    ///
    /// - Returns: ``Event/end(_:)``.
    public mutating func finish() throws(ChunkedBodyError) -> Event {
        do throws(ChunkedBodyError) {
            switch state {
            case .done: break
            // The last CRLF may be missing, a begun line may not.
            case .trailer where line.isEmpty: try endTrailer()
            case .failed(let error): throw error
            case .head, .data, .dataEnd, .trailer: throw .truncated
            }
        } catch {
            throw fail(error)
        }
        return .end(trailer)
    }

    // MARK: - Private machinery

    private mutating func fail(_ error: ChunkedBodyError) -> ChunkedBodyError {
        state = .failed(error)
        input = []
        return error
    }

    private mutating func step() throws(ChunkedBodyError) -> Event? {
        if case .failed(let error) = state { throw error }
        while !input.isEmpty {
            switch state {
            case .head:
                if let line = try takeLine(), let event = try headReceived(line) { return event }
            case .data(let remaining):
                return .bytes(try takeData(remaining))
            case .dataEnd(let seen):
                if let event = try takeDataEnd(seen) { return event }
            case .trailer:
                if let line = try takeLine() { try trailerLineReceived(line) }
            case .done(let extra):
                try takeExtra(extra)
            case .failed(let error):
                throw error
            }
        }
        return nil
    }

    // MARK: Taking input

    private mutating func consume(_ count: Int) {
        input = input.dropFirst(count)
        offset += UInt64(count)
    }

    /// The next line without its end, nil when it is not yet whole.
    private mutating func takeLine() throws(ChunkedBodyError) -> ArraySlice<UInt8>? {
        if line.isEmpty { lineOffset = offset }
        let end = input.firstIndex(of: UInt8(ascii: "\n"))
        let count = (end ?? input.endIndex) - input.startIndex
        guard line.count + count <= Self.lineLengthMaximum else {
            if case .trailer = state { throw .malformedTrailer("a line is too long") }
            throw .malformedChunkHead(offset: lineOffset)
        }
        var whole: ArraySlice<UInt8>
        if line.isEmpty, end != nil {
            whole = input.prefix(count)
        } else {
            line.append(contentsOf: input.prefix(count))
            whole = line[...]
        }
        guard end != nil else {
            consume(count)
            return nil
        }
        consume(count + 1)
        line = []
        if whole.last == UInt8(ascii: "\r") { whole.removeLast() }
        return whole
    }

    private mutating func takeData(_ remaining: UInt64) throws(ChunkedBodyError) -> ArraySlice<UInt8> {
        let bytes = input.prefix(Int(clamping: remaining))
        if signing != nil { chunkHash.update(bytes) }
        consume(bytes.count)
        received += UInt64(bytes.count)
        let rest = remaining - UInt64(bytes.count)
        state = rest > 0 ? .data(remaining: rest) : .dataEnd(seen: 0)
        return bytes
    }

    private mutating func takeDataEnd(_ seen: Int) throws(ChunkedBodyError) -> Event? {
        guard input.first == (seen == 0 ? UInt8(ascii: "\r") : UInt8(ascii: "\n")) else { throw .malformedChunkEnd(offset: offset) }
        consume(1)
        if seen == 0 {
            state = .dataEnd(seen: 1)
            return nil
        }
        state = .head
        return try verifyChunk()
    }

    private mutating func takeExtra(_ extra: Int) throws(ChunkedBodyError) {
        guard extra < 2, input.first == (extra == 0 ? UInt8(ascii: "\r") : UInt8(ascii: "\n")) else { throw .extraBytes(offset: offset) }
        consume(1)
        state = .done(extra: extra + 1)
    }

    // MARK: Chunks

    private mutating func headReceived(_ line: ArraySlice<UInt8>) throws(ChunkedBodyError) -> Event? {
        guard let head = ChunkHead(line), head.signature != nil || signing == nil else { throw .malformedChunkHead(offset: lineOffset) }
        if signing != nil, head.size > Self.signedChunkSizeMaximum { throw .chunkTooLarge(size: head.size) }
        let (total, isTooMuch) = received.addingReportingOverflow(head.size)
        guard !isTooMuch, total <= decodedLength else {
            throw .lengthMismatch(declared: decodedLength, received: isTooMuch ? .max : total)
        }
        chunkSize = head.size
        chunkSignature = head.signature ?? []
        if signing != nil { chunkHash = SHA256() }
        if head.size > 0 {
            state = .data(remaining: head.size)
            return nil
        }
        guard received == decodedLength else { throw .lengthMismatch(declared: decodedLength, received: received) }
        state = .trailer
        return try verifyChunk()
    }

    private mutating func verifyChunk() throws(ChunkedBodyError) -> Event? {
        do {
            try signing?.accept(chunkSignature, chunk: chunkHash.finalize())
        } catch {
            throw .signature(error)
        }
        return signing == nil ? nil : .chunkVerified(byteCount: chunkSize)
    }

    // MARK: The trailer

    private mutating func trailerLineReceived(_ line: ArraySlice<UInt8>) throws(ChunkedBodyError) {
        trailerLineCount += 1
        guard trailerLineCount <= Self.trailerLineCountMaximum else { throw .malformedTrailer("too many lines") }
        if line.isEmpty {
            // Some clients put an empty line between the trailer and its signature.
            if signatureIsDueInTrailer, !trailerIsVerified { return }
            return try endTrailer()
        }
        guard trailerIsAllowed else { throw .malformedTrailer("no trailer belongs to this body") }
        guard !trailerIsVerified else { throw .malformedTrailer("a line behind the signature") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformedTrailer("a line without a colon") }
        let name = String(decoding: line[..<colon].trimmed, as: UTF8.self).lowercased()
        let value = line[(colon + 1)...].trimmed
        if name == "x-amz-trailer-signature" { return try trailerSignatureReceived(value) }
        guard announced.contains(name) else { throw .malformedTrailer("\(name) was not announced") }
        guard trailer[name] == nil else { throw .malformedTrailer("\(name) stands twice") }
        trailer.fields.append((name, String(decoding: value, as: UTF8.self)))
        signedTrailer.append(contentsOf: name.utf8)
        signedTrailer.append(UInt8(ascii: ":"))
        signedTrailer.append(contentsOf: value)
        signedTrailer.append(UInt8(ascii: "\n"))
    }

    private mutating func trailerSignatureReceived(_ signature: ArraySlice<UInt8>) throws(ChunkedBodyError) {
        guard signatureIsDueInTrailer else { throw .malformedTrailer("a signature where none belongs") }
        do {
            try signing?.accept(signature, trailer: signedTrailer)
        } catch {
            throw .signature(error)
        }
        trailerIsVerified = true
    }

    private mutating func endTrailer() throws(ChunkedBodyError) {
        if let missing = announced.first(where: { trailer[$0] == nil }) { throw .malformedTrailer("\(missing) is missing") }
        if signatureIsDueInTrailer, !trailerIsVerified { throw .malformedTrailer("its signature is missing") }
        state = .done(extra: 0)
    }
}

/// What followed the last chunk: checksums, verified where they were signed.
public struct ChunkedTrailer: Sendable, Equatable {
    /// Names in lower case, in the order they came; no name twice.
    public fileprivate(set) var fields: [(name: String, value: String)] = []

    /// No trailer.
    public init() {}

    /// The value of a field, its name in lower case.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    public static func == (lhs: ChunkedTrailer, rhs: ChunkedTrailer) -> Bool {
        lhs.fields.elementsEqual(rhs.fields) { $0 == $1 }
    }
}

/// The head line of a chunk.
private struct ChunkHead {
    /// Digits that a size may have: 16 fill 64 bits.
    static let digitCountMaximum = 16

    var size: UInt64 = 0
    var signature: ArraySlice<UInt8>?

    /// - Parameter line: Without its end; nil when it does not begin with a size.
    init?(_ line: ArraySlice<UInt8>) {
        let parts = line.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let digits = parts.first?.trimmed, !digits.isEmpty, digits.count <= Self.digitCountMaximum else { return nil }
        for digit in digits {
            guard let value = Hex.value(digit) else { return nil }
            size = size << 4 | UInt64(value)
        }
        let name = "chunk-signature="
        for part in parts.dropFirst() where part.trimmed.starts(with: name.utf8) {
            signature = part.trimmed.dropFirst(name.utf8.count)
        }
    }
}
