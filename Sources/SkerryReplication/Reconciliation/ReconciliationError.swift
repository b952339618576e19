public import SkerryGossip
public import SkerryStorage
public import SkerryWire

/// Why an exchange ended before both sides were equal. What was taken until then is kept; another exchange finds only the rest.
public enum ReconciliationError: Error, Sendable, CustomStringConvertible {
    /// The link ended, or nothing came for too long: try again over another.
    case disconnected(String)
    /// The peer broke the protocol: do not trust it.
    case violation(ReconciliationViolation)
    /// The exchange is not for whoever is at the other end (``ReconciliationPeer``): nothing was said.
    case unauthorised(LinkPeer)
    /// The store threw, or the executor took no more work.
    case storage(StorageError)

    public var description: String {
        switch self {
        case .disconnected(let reason): "the exchange ended early: \(reason)"
        case .violation(let violation): "the peer broke a rule of reconciliation: \(violation.rule)"
        case .unauthorised(let peer): "the exchange is not for \(peer)"
        case .storage(let error): "\(error)"
        }
    }
}
