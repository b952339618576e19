internal import HTTPTypes
internal import SkerryHTTP

/// How the end of a reply's body is told to the client (RFC 9112 section 6).
enum ReplyFraming: Equatable {
    /// No body. `Content-Length` is what the service said, if it said anything: HEAD and 304 describe a body that is not sent.
    case bodiless
    /// As `bodiless`, with the length a GET would have had.
    case bodilessWithLength(UInt64)
    /// No body and no `Content-Length`, which RFC 9110 section 8.6 forbids with 1xx and 204.
    case lengthForbidden
    case length(UInt64)
    case chunked
    /// HTTP/1.0 cannot take chunks: the body ends where the connection does.
    case untilClose

    init(of reply: HTTPReply, method: HTTPRequest.Method, isHTTP10: Bool) {
        let code = reply.head.status.code
        if code < 200 || code == 204 {
            self = .lengthForbidden
        } else if code == 304 {
            self = .bodiless
        } else if method == .head {
            self = reply.body.lengthForHead.map(ReplyFraming.bodilessWithLength) ?? .bodiless
        } else if let length = reply.body.length {
            self = .length(length)
        } else {
            self = isHTTP10 ? .untilClose : .chunked
        }
    }

    var sendsBody: Bool {
        switch self {
        case .bodiless, .bodilessWithLength, .lengthForbidden: false
        case .length, .chunked, .untilClose: true
        }
    }
}

extension HTTPReply.Body {
    /// Bytes of the body, nil for a stream that does not know.
    var length: UInt64? {
        switch self {
        case .none: 0
        case .bytes(let bytes): UInt64(bytes.count)
        case .file(let regions): regions.reduce(0) { $0 + UInt64($1.count) }
        case .stream(let length, _): length
        }
    }

    /// `none` answers a HEAD whose length the service gives itself, or leaves unsaid.
    fileprivate var lengthForHead: UInt64? {
        if case .none = self { nil } else { length }
    }
}
