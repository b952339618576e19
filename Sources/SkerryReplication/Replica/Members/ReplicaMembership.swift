public import SkerryCRDT
public import SkerryGossip

/// What a replica with rules for members knows of them.
public struct ReplicaMembership: Sendable, Hashable {
    /// Whether this replica is a member. Else it takes the state of the first member that it meets, and writes nothing before.
    public var isMember: Bool
    /// Ascending by origin, with what each said it has.
    public var members: [Retention.Member]
    /// Who was retired, ascending by origin.
    public var fences: [Retention.Fence]
    /// No removal stamped later was ever forgotten here.
    public var horizon: HybridTimestamp
    /// What all members have.
    public var cut: CausalContext
}

/// Something that this replica wrote or had while it was retired, and that the others never saw: it may be older than a removal that they forgot, so it is applied
/// nowhere until somebody decides (``Replica/resolve(_:keeping:)``).
public struct ReplicaConflict: Sendable, Hashable, Identifiable {
    public let id: UInt64
    /// The name of the part that it is of; empty where it has none.
    public let part: String
    public let entry: ReplicaEntry
}
