/// What a link between members carries: said when it is opened, so that one address serves for everything.
public struct LinkPurpose: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Packets and exchanges of membership.
    public static let membership = LinkPurpose(rawValue: 1)
    /// Feeds of a replica.
    public static let replication = LinkPurpose(rawValue: 2)
    /// Messages about placed keys.
    public static let placement = LinkPurpose(rawValue: 3)
    /// Exchanges of reconciliation.
    public static let reconciliation = LinkPurpose(rawValue: 4)

    public var description: String {
        switch self {
        case .membership: "membership"
        case .replication: "replication"
        case .placement: "placement"
        case .reconciliation: "reconciliation"
        default: "purpose \(rawValue)"
        }
    }
}
