/// How the bytes of a link are protected on their way.
public struct LinkSecurity: Sendable {
    enum Kind: Sendable {
        case plain(isAllowedAnywhere: Bool)
        case tls(NodeKey, PeerTrust)
    }

    let kind: Kind

    /// Not at all, and therefore only between processes of one machine: other addresses than loopback are refused with
    /// ``LinkError/Code-swift.struct/insecure``.
    public static let plain = LinkSecurity(kind: .plain(isAllowedAnywhere: false))

    /// Not at all, over any network: for one that is protected by other means.
    public static let plainAnywhere = LinkSecurity(kind: .plain(isAllowedAnywhere: true))

    /// TLS 1.3 with both sides proving their node keys.
    public static func tls(_ key: NodeKey, trusting trust: PeerTrust) -> LinkSecurity {
        LinkSecurity(kind: .tls(key, trust))
    }
}
