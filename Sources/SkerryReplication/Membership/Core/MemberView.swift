public import SkerryCRDT
public import SkerryGossip

/// A member as a node sees it at one moment.
public struct MemberView: Sendable, Hashable, Identifiable {
    public var id: MemberID
    /// What it calls itself; empty when it has not said so.
    public var name: String
    /// Where it is reached.
    public var address: String
    public var status: MemberStatus
    /// Grows whenever the member had to object to being taken for dead.
    public var incarnation: UInt64
    /// Whether this is the node itself.
    public var isSelf: Bool
    /// Since when nothing came from it over a link of its own; nil when nothing ever did. What others say of it does not count.
    public var silence: Duration?
    /// From asking to hearing, the last time; nil until known.
    public var roundTrip: Duration?
    /// What it has applied, as it told last: the highest sequence of each origin.
    public var applied: [Dot]
    /// Whether it takes part in the views of a large cluster, as it says.
    public var usesViews: Bool
    /// Whether it is a neighbour of this node, as ``SkerryGossip/Neighbourhood`` says: every other member in a small cluster, a few in a large one.
    public var isNeighbour: Bool

    public init(
        id: MemberID, name: String, address: String, status: MemberStatus, incarnation: UInt64, isSelf: Bool, silence: Duration?,
        roundTrip: Duration?, applied: [Dot], usesViews: Bool = false, isNeighbour: Bool = false
    ) {
        self.id = id
        self.name = name
        self.address = address
        self.status = status
        self.incarnation = incarnation
        self.isSelf = isSelf
        self.silence = silence
        self.roundTrip = roundTrip
        self.applied = applied
        self.usesViews = usesViews
        self.isNeighbour = isNeighbour
    }
}

extension MemberField {
    /// What a member calls itself, in UTF-8.
    public static let name = MemberField(rawValue: 16)
}
