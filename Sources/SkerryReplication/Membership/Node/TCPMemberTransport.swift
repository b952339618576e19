public import SkerryWire

/// Members over TCP, or over TLS on TCP. Addresses are `host:port`, `[::1]:7946`.
public struct TCPMemberTransport: MemberTransport {
    /// Links that a node accepts at once: two for each of 64 members and each purpose.
    public static let linksMaximum = 256

    private let listener: TCPListener
    private let security: LinkSecurity
    private let limits: LinkLimits
    private let advertised: LinkAddress?

    /// - Parameters:
    ///   - address: where to listen; with port 0 the system chooses.
    ///   - advertised: what others are told where it differs, as behind a translation of addresses or when listening on all interfaces.
    public init(on address: LinkAddress, advertising advertised: LinkAddress? = nil, security: LinkSecurity, limits: LinkLimits = limits) {
        self.security = security
        self.limits = limits
        self.advertised = advertised
        listener = TCPListener(on: address, security: security, limits: limits)
    }

    /// Short times, since a member that is slow to answer is one to do without, and ``linksMaximum`` links.
    public static var limits: LinkLimits {
        var limits = LinkLimits()
        limits.handshake = .seconds(5)
        limits.close = .seconds(1)
        limits.links = linksMaximum
        return limits
    }

    public func listen(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> String {
        let bound = try await listener.start(accept)
        guard let advertised else { return bound.description }
        return LinkAddress(host: advertised.host, port: advertised.port == 0 ? bound.port : advertised.port).description
    }

    public func connect(to address: String, _ completion: @escaping @Sendable (Result<any Link, LinkError>) -> Void) {
        guard let place = LinkAddress(address) else {
            return completion(.failure(LinkError(.other, "\"\(address)\" is not an address of the form HOST:PORT")))
        }
        let (security, limits) = (security, limits)
        Task {
            let result: Result<any Link, LinkError>
            do throws(LinkError) {
                result = .success(try await TCPConnector(to: place, security: security, limits: limits).connect())
            } catch {
                result = .failure(error)
            }
            completion(result)
        }
    }

    public func shutdown(within patience: Duration) async { await listener.shutdown(within: patience) }
}

extension LinkAddress {
    /// `host:port`, an IPv6 address in brackets; nil for anything else.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { return nil }
        self.init(host: String(host), port: Int(port))
    }
}
