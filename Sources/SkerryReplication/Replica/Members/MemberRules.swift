public import SkerryGossip

/// How replicas forget together: who counts, how long it is waited for them, and how one that was away comes home (``Retention``).
///
/// ```swift
/// // The first replica of a cluster:
/// let first = try Replica(["settings": settings], configuration: ReplicaConfiguration(members: MemberRules(start: .founds)))
/// // All others become members when they meet one:
/// let other = try Replica(["settings": others], configuration: ReplicaConfiguration(members: MemberRules()))
/// ```
///
/// Members say in their own feeds what they have durable. What all have seen is forgotten: removals leave the parts and the log. Whoever is silent for
/// ``retention`` is retired, provided that more than half of the members are there to agree, and comes home under a new origin when it returns: what it
/// wrote and nobody saw is written again, and what may have been deleted meanwhile is handed to the application (``Replica/conflicts``).
///
/// All replicas of a cluster have rules, or none has: one without keeps all removals.
public struct MemberRules: Sendable {
    /// What a replica is, whose store knows nothing of members yet.
    public enum Start: Sendable, Hashable {
        /// The first member. One replica of a cluster, once.
        case founds
        /// No member yet: it takes the state of the first member that it meets, and writes nothing before.
        case joins
    }

    public var start: Start
    /// How long a removal stays at least.
    public var floor: Duration
    /// How long a member may be silent before it is retired.
    public var retention: Duration
    /// How often a member says what it has, while there is news.
    public var acknowledgement: Duration
    /// How often ``Replica/compact()`` runs by itself while there are sessions.
    public var collection: Duration
    /// Most bytes of a member's state that wait in memory before they take the place of this replica's, 160 for each entry included. A state that is larger is
    /// refused (``FeedError/Code/limitExceeded``), and the session ends: the parts would hold as much.
    public var stateMaximum: Int
    /// Whom this replica makes a member. Links have proven who they are before it is asked.
    public var welcomes: @Sendable (FeedIdentity) -> Bool

    public init(
        start: Start = .joins, floor: Duration = .milliseconds(Int64(Retention.floorDefault)),
        retention: Duration = .milliseconds(Int64(Retention.retentionDefault)), acknowledgement: Duration = .seconds(10),
        collection: Duration = .seconds(3_600), stateMaximum: Int = 4 << 30,
        welcomes: @escaping @Sendable (FeedIdentity) -> Bool = { _ in true }
    ) {
        self.start = start
        self.floor = floor
        self.retention = retention
        self.acknowledgement = acknowledgement
        self.collection = collection
        self.stateMaximum = stateMaximum
        self.welcomes = welcomes
    }
}

extension Duration {
    /// Whole milliseconds; none below zero.
    var wholeMilliseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(0, seconds)) * 1_000 + UInt64(max(0, attoseconds)) / 1_000_000_000_000_000
    }
}
