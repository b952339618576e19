/// Which node keys are trusted: there is no authority, so each is named.
public struct PeerTrust: Sendable {
    private let decide: @Sendable (NodeKey.Hash) -> Bool

    /// Trusts what `decide` says. Called in each handshake, on an event loop: it should only look something up.
    public init(_ decide: @escaping @Sendable (NodeKey.Hash) -> Bool) {
        self.decide = decide
    }

    /// Trusts exactly these keys.
    public static func pinned(_ keys: some Sequence<NodeKey.Hash>) -> PeerTrust {
        let keys = Set(keys)
        return PeerTrust(keys.contains)
    }

    /// Trusts every key whose owner proves to hold it. Who that is stands in ``LinkPeer/key``, and what it may do is decided above the link:
    /// by the references its session is given.
    public static let anyone = PeerTrust { _ in true }

    func trusts(_ key: NodeKey.Hash) -> Bool { decide(key) }
}
