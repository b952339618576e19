internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension LinkError {
    /// What went wrong on a connection, in the words of links.
    init(_ error: any Error, peer: String) {
        switch error {
        case let error as LinkError:
            self = error
        case let error as IOError:
            self.init(errno: error.errnoCode, peer: peer)
        case let error as NIOConnectionError:
            self.init(connecting: error, peer: peer)
        case ChannelError.connectTimeout:
            self.init(.timedOut, "\(peer) did not answer in time")
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            self.init(.unreachable, "\(peer) has no address")
        case NIOSSLError.uncleanShutdown:
            self.init(.truncated, "\(peer) closed without ending TLS")
        case let error as BoringSSLError:
            self.init(tls: "\(error)", peer: peer)
        case let error as NIOSSLError:
            self.init(tls: "\(error)", peer: peer)
        case ChannelError.ioOnClosedChannel, ChannelError.eof, ChannelError.alreadyClosed:
            self.init(.reset, "\(peer) is gone")
        case is CancellationError:
            self.init(.cut, "connecting to \(peer) was cancelled")
        default:
            self.init(.other, "\(peer): \(error)")
        }
    }

    private init(connecting error: NIOConnectionError, peer: String) {
        if let cause = error.connectionErrors.first?.error {
            self.init(cause, peer: peer)
        } else {
            self.init(.unreachable, "\(peer) has no address")
        }
    }

    private init(errno code: CInt, peer: String) {
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        let kind: Code =
            switch code {
            case ECONNREFUSED: .refused
            case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: .unreachable
            case ETIMEDOUT: .timedOut
            case ECONNRESET, EPIPE, ECONNABORTED, ENOTCONN: .reset
            case EADDRINUSE: .addressInUse
            case EADDRNOTAVAIL: .addressNotAvailable
            case EACCES, EPERM: .permissionDenied
            default: .other
            }
        self.init(kind, "\(peer): \(reason)")
    }

    /// BoringSSL says which alert the peer sent only in the text of its error.
    private init(tls text: String, peer: String) {
        let refusals = ["CERTIFICATE", "ACCESS_DENIED", "UNKNOWN_CA"]
        if text.contains("ALERT"), refusals.contains(where: text.contains) {
            self.init(.rejected, "\(peer) does not trust the key of this node: \(text)")
        } else if text.contains("eof") || text.contains("EOF") {
            self.init(.reset, "\(peer) is gone amid TLS: \(text)")
        } else {
            self.init(.handshakeFailed, "TLS with \(peer) failed: \(text)")
        }
    }
}
