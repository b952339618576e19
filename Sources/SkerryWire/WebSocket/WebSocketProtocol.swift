internal import SkerrySession

/// The words of RFC 6455 as links use them (docs/formats/links.md).
enum WebSocketProtocol {
    /// Binary packets in binary messages.
    static let binary = "skerry.v1"
    /// Text packets in text messages.
    static let text = "skerry.v1.json"
    static let version = "13"

    static func encoding(of subprotocol: Substring) -> LinkTraits.Encoding? {
        switch subprotocol {
        case binary: .binary
        case text: .text
        default: nil
        }
    }

    static func subprotocol(of encoding: LinkTraits.Encoding) -> String {
        switch encoding {
        case .binary: binary
        case .text: text
        }
    }
}

enum WebSocketOpcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    var isControl: Bool { rawValue & 8 != 0 }
}

/// Close codes (RFC 6455 section 7.4 and IANA's registry).
enum WebSocketCloseCode {
    static let normal: UInt16 = 1000
    static let goingAway: UInt16 = 1001
    static let protocolError: UInt16 = 1002
    static let unsupportedData: UInt16 = 1003
    static let invalidPayload: UInt16 = 1007
    static let policyViolation: UInt16 = 1008
    static let messageTooBig: UInt16 = 1009
    static let internalError: UInt16 = 1011
    static let serviceRestart: UInt16 = 1012
    static let tryAgainLater: UInt16 = 1013

    /// Whether the code may stand in a frame: some are only for what an end without a frame is called.
    static func isAllowed(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// The word of this side.
    static func code(for goodbye: Goodbye) -> UInt16 {
        switch goodbye {
        case .done: normal
        case .stopping: goingAway
        case .failed(.timedOut): policyViolation
        case .failed(.packetTooLarge): messageTooBig
        case .failed: protocolError
        }
    }

    /// What the peer's word means; nil for a polite end.
    static func error(for code: UInt16, reason: String) -> LinkError? {
        let text = reason.isEmpty ? "the peer closed with code \(code)" : "the peer closed with code \(code): \(reason)"
        switch code {
        case normal: return nil
        case goingAway, serviceRestart, tryAgainLater: return LinkError(.stopped, text)
        case internalError: return LinkError(.reset, text)
        case protocolError, unsupportedData, invalidPayload, policyViolation, messageTooBig: return LinkError(.rejected, text)
        default: return LinkError(.other, text)
        }
    }
}
