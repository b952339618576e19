internal import Glibc
public import HTTPTypes

/// Calls a service without a socket: the in-memory citizen of the HTTP seam.
///
/// The whole reply is collected, file regions are read with `pread`. What a real connection adds (framing, timeouts,
/// `Content-Length` of the reply) is absent: the head is what the service returned.
public struct InProcessClient: Sendable {
    private let service: any HTTPService
    private let context: HTTPRequestContext

    public init(
        _ service: any HTTPService,
        context: HTTPRequestContext = .init(requestID: "0000000000000000", peer: "127.0.0.1:1", isSecure: false)
    ) {
        self.service = service
        self.context = context
    }

    /// Sends one request and collects its reply.
    ///
    /// - Throws: ``InProcessError`` when the reply's body ended early, as a client behind a socket would see its connection break.
    public func send(
        _ request: HTTPRequest, body: any HTTPRequestBody = EmptyBody()
    ) async throws(InProcessError) -> CollectedReply {
        let reply = await service.respond(to: request, body: body, context: context)
        var bytes: [UInt8] = []
        do {
            try await Self.collect(reply.body, into: &bytes)
        } catch {
            throw InProcessError(head: reply.head, bytesBefore: bytes, cause: error)
        }
        return CollectedReply(head: reply.head, bytes: bytes)
    }

    private static func collect(_ body: HTTPReply.Body, into bytes: inout [UInt8]) async throws {
        switch body {
        case .none:
            return
        case .bytes(let whole):
            bytes = whole
        case .file(let regions):
            try append(regions, to: &bytes)
        case .stream(let length, let next):
            while let piece = try await next() {
                switch piece {
                case .bytes(let part): bytes.append(contentsOf: part)
                case .file(let regions): try append(regions, to: &bytes)
                }
            }
            // A server that promised more than it gives breaks the connection; here it is the same error.
            if let length, length != UInt64(bytes.count) { throw LengthMismatch(promised: length, given: bytes.count) }
        }
    }

    private static func append(_ regions: [HTTPReply.FileRegion], to bytes: inout [UInt8]) throws {
        for region in regions {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: region.count))
            try bytes.withUnsafeMutableBytes { buffer in
                try read(region, into: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
            }
        }
    }

    /// Fills the buffer from the region. The owner lives in `region`, which the caller holds, so the descriptor stays open.
    private static func read(_ region: HTTPReply.FileRegion, into buffer: UnsafeMutableRawBufferPointer) throws {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = pread(region.descriptor, rest.baseAddress, rest.count, off_t(region.offset) + off_t(filled))
            if count > 0 {
                filled += count
            } else if count == 0 {
                throw FileEnded(offset: region.offset + UInt64(filled))
            } else if errno != EINTR {
                throw ReadFailed(errnoCode: errno)
            }
        }
    }

    struct LengthMismatch: Error {
        var promised: UInt64
        var given: Int
    }

    struct FileEnded: Error {
        var offset: UInt64
    }

    struct ReadFailed: Error {
        var errnoCode: CInt
    }
}

/// A reply with its body in memory.
public struct CollectedReply: Sendable {
    public var head: HTTPResponse
    public var bytes: [UInt8]

    /// The body read as UTF-8, with repairs.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// The reply's body ended before it was whole.
public struct InProcessError: Error {
    public var head: HTTPResponse
    /// What came before the break.
    public var bytesBefore: [UInt8]
    public var cause: any Error
}
