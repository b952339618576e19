internal import Glibc
internal import HTTPTypes
internal import NIOHTTP1

/// The head of a request and what its framing says.
struct RequestHead: Sendable {
    var request: HTTPRequest
    /// HTTP/1.0 knows neither chunked replies nor `100 Continue`.
    var isHTTP10: Bool
    /// Whether the client can take another reply on this connection.
    var isKeptAlive: Bool
    /// The client waits for `100 Continue` before it sends the body.
    var expectsContinue: Bool
    /// Bytes of the body, nil when it is chunked.
    var bodyLength: UInt64?
    /// The client would like to go on in another protocol. The parser has stopped then.
    var asksForUpgrade = false
}

/// Why a request is answered by the server itself, with a short text and a closed connection.
enum Refusal: Error, Equatable {
    case malformed
    case headTooLarge
    case headTimedOut
    case unsupportedVersion
    case unsupportedEncoding
    case unsupportedExpectation
    case tooManyConnections

    var status: HTTPResponse.Status {
        switch self {
        case .malformed: .badRequest
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .headTimedOut: .requestTimeout
        case .unsupportedVersion: .httpVersionNotSupported
        case .unsupportedEncoding: .notImplemented
        case .unsupportedExpectation: .expectationFailed
        case .tooManyConnections: .serviceUnavailable
        }
    }

    init(parserError: any Error) {
        switch parserError as? HTTPParserError {
        case .headerOverflow: self = .headTooLarge
        case .invalidVersion: self = .unsupportedVersion
        default: self = .malformed
        }
    }
}

extension RequestHead {
    /// Reads what the parser found.
    ///
    /// Targets are ASCII (RFC 3986): the parser refuses any other byte there, so a key travels percent-encoded or not at all, and what stands
    /// between the percent signs is untouched. Values arrive as strings the parser repaired: bytes that are no UTF-8 have become U+FFFD.
    /// A request with one is refused, for what was signed or is to be stored is no longer known.
    ///
    /// `Host` stands both in `authority` and among the fields, because signatures cover the field.
    init(_ head: HTTPRequestHead, isSecure: Bool) throws(Refusal) {
        guard !head.uri.containsReplacementCharacter else { throw .malformed }
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        var authority: String?
        var framing = Framing()
        for (name, value) in head.headers {
            guard let fieldName = HTTPField.Name(name), !value.containsReplacementCharacter else { throw .malformed }
            try framing.observe(fieldName, value)
            if fieldName == Self.host { authority = value }
            fields.append(HTTPField(name: fieldName, value: value))
        }
        guard let method = HTTPRequest.Method(head.method.rawValue) else { throw .malformed }
        isHTTP10 = head.version.minor == 0
        if isHTTP10, framing.isChunked { throw .malformed }
        request = HTTPRequest(
            method: method, scheme: isSecure ? "https" : "http", authority: authority, path: head.uri, headerFields: fields)
        // The parser stops for good after a request that asks for an upgrade, so the connection ends there unless it is handed over.
        isKeptAlive = head.isKeepAlive && !framing.asksForUpgrade && method != .connect
        asksForUpgrade = framing.asksForUpgrade && !isHTTP10
        expectsContinue = framing.expectsContinue && !isHTTP10
        bodyLength = framing.isChunked ? nil : framing.contentLength
    }

    private static let host = HTTPField.Name("Host")

    /// What the fields say about where the body ends and how the client sends it.
    private struct Framing {
        var contentLength: UInt64 = 0
        var isChunked = false
        var expectsContinue = false
        var asksForUpgrade = false

        mutating func observe(_ name: HTTPField.Name, _ value: String) throws(Refusal) {
            switch name {
            case .contentLength:
                guard let length = UInt64(value) else { throw .malformed }
                contentLength = length
            case .transferEncoding:
                guard value.lowercased() == "chunked" else { throw .unsupportedEncoding }
                isChunked = true
            case .expect:
                guard value.lowercased() == "100-continue" else { throw .unsupportedExpectation }
                expectsContinue = true
            case .upgrade:
                asksForUpgrade = true
            default:
                break
            }
        }
    }
}

extension String {
    /// Whether U+FFFD stands in the string. Nearly every string of a head is ASCII, where its first byte does not occur.
    fileprivate var containsReplacementCharacter: Bool {
        let mayContain = utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, 0xEF, bytes.count) != nil } ?? false
        }
        return mayContain != false && unicodeScalars.contains("\u{FFFD}")
    }
}
