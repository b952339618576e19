public import SkerryWire

/// Whom a ``ReconciliationExchange`` is for.
///
/// The secret that two replicas share is no proof of who the peer is: it only makes fingerprints that nobody else can foresee.
public enum ReconciliationPeer: Sendable, Hashable {
    /// Whoever is at the other end: where something else has said who may be there, as the handshake of members does, or where it is in this process.
    case anybody
    /// Whoever proved, when the link was made, to hold one of these keys (`LinkPeer.key`). Over a link that proves nothing, nobody.
    case holders(of: Set<NodeKey.Hash>)

    /// Whether it is for this one.
    public func allows(_ peer: LinkPeer) -> Bool {
        switch self {
        case .anybody: true
        case .holders(let keys): peer.key.map { keys.contains($0) } ?? false
        }
    }
}
