/// Who is on the other side of a link.
public struct LinkPeer: Sendable, Hashable, CustomStringConvertible {
    /// Where the peer is, for logs: `127.0.0.1:51234`, `memory`.
    public var address: String
    /// The key the peer proved to hold, nil when the transport proves nothing.
    public var key: NodeKey.Hash?
    /// Whether others on the way can neither read nor change what is sent: TLS, or memory of this process.
    public var isPrivate: Bool

    public init(address: String, key: NodeKey.Hash? = nil, isPrivate: Bool = false) {
        self.address = address
        self.key = key
        self.isPrivate = isPrivate
    }

    public var description: String {
        if let key { "\(address) (\(key))" } else { address }
    }
}

/// Where a listener listens or a connector connects to.
public struct LinkAddress: Sendable, Hashable, CustomStringConvertible {
    /// Name or address.
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:9000`, `[::1]:9000`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
