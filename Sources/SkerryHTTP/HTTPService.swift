public import HTTPTypes

/// What answers requests: the seam between the faces of the store and whatever carries HTTP.
///
/// A server runs `respond` on the connection's own executor and reads the next request of the connection after the reply was sent.
public protocol HTTPService: Sendable {
    /// Answers one request. Never throws: an error is a reply.
    ///
    /// The reply may be returned with the request body unread or partly read; the server then drains or closes the connection.
    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply
}

/// What a service may know of the connection.
public struct HTTPRequestContext: Sendable {
    /// Unique in this process's life and over restarts, 16 upper-case hexadecimal digits; stands in every answer and log line.
    public var requestID: String
    /// Address of the peer, for logs: `127.0.0.1:51234`.
    public var peer: String
    /// Whether the bytes travel under TLS.
    public var isSecure: Bool

    public init(requestID: String, peer: String, isSecure: Bool) {
        self.requestID = requestID
        self.peer = peer
        self.isSecure = isSecure
    }
}

/// The bytes of a request, pulled by the service: what is not asked for stays in the socket.
public protocol HTTPRequestBody: AnyObject, Sendable {
    /// `Content-Length`, nil when the body is chunked. 0 when there is none.
    var length: UInt64? { get }

    /// The next piece (1 byte to 128 KiB), nil at the end. The first call answers `Expect: 100-continue`.
    func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>?
}

/// Why a request body ended early. The connection is closed after the reply.
public enum HTTPBodyError: Error, Sendable, Equatable {
    /// The peer closed the connection before the body was whole.
    case truncated
    /// The peer sent nothing for too long, or too slowly.
    case timedOut
    /// The framing (chunked encoding) is broken.
    case malformed
}

/// A reply: head and body.
public struct HTTPReply: Sendable {
    public var head: HTTPResponse
    public var body: Body
    /// What takes the connection over behind this reply, which is a 101 without a body then.
    public var upgrade: (any HTTPUpgrade)?

    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Regions of files, sent one behind the other without passing through this process.
        case file([FileRegion])
        /// Pieces pulled as the socket drains; nil ends the body. `length` is sent as Content-Length when known.
        ///
        /// After an error the connection is aborted, so that the client cannot take a part for the whole.
        case stream(length: UInt64?, next: @Sendable () async throws -> Piece?)
    }

    /// A piece of a streamed body.
    public enum Piece: Sendable {
        case bytes([UInt8])
        case file([FileRegion])
    }

    /// `count` bytes from `offset` of an open file.
    public struct FileRegion: Sendable {
        public var descriptor: CInt
        public var offset: UInt64
        public var count: Int
        /// Keeps the descriptor open until the region was sent.
        public var owner: any AnyObject & Sendable

        public init(descriptor: CInt, offset: UInt64, count: Int, owner: any AnyObject & Sendable) {
            self.descriptor = descriptor
            self.offset = offset
            self.count = count
            self.owner = owner
        }
    }

    public init(_ head: HTTPResponse, _ body: Body = .none) {
        self.head = head
        self.body = body
    }
}

/// Speaks another protocol on a connection that began as HTTP (RFC 9110 section 7.8): WebSocket.
///
/// What it needs to do so is between it and the server that carries the connection. A server that cannot hand over its connections to it ends the
/// connection instead, as it does when the request has not asked for an upgrade; ``InProcessClient`` returns the reply and leaves it at that.
public protocol HTTPUpgrade: AnyObject, Sendable {}
