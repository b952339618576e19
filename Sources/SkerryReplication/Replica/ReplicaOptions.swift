public import SkerryGossip
public import SkerryStorage
internal import SkerryCRDT

/// How a replica talks over one stream.
public struct ReplicaOptions: Sendable, Hashable {
    /// Which way entries go.
    public enum Direction: UInt8, Sendable, Hashable {
        /// Both sides get what they lack.
        case both
        /// The peer's entries come; nothing at all is written to the stream. The peer only writes, or is a file.
        case readOnly
        /// Own entries go; nothing at all is read. The peer only reads, or is a file: what is written begins with all there is.
        case writeOnly
    }

    public var direction: Direction
    /// Whether the session goes on with what is new. Without, it ends when both are equal, or when all there is was written.
    public var tail: Bool
    /// For the peer to see in the header (``ReplicaSession/peerMetadata``), at most ``metadataMaximum`` pairs.
    public var metadata: [String: String]

    public static let metadataMaximum = 64
    /// Most bytes of the keys and values of metadata together.
    public static let metadataSizeMaximum = 64 << 10

    public init(direction: Direction = .both, tail: Bool = true, metadata: [String: String] = [:]) {
        self.direction = direction
        self.tail = tail
        self.metadata = metadata
    }

    public static let readOnly = ReplicaOptions(direction: .readOnly)
    public static let writeOnly = ReplicaOptions(direction: .writeOnly)
    /// Everything there is, once, one way: a backup.
    public static let dump = ReplicaOptions(direction: .writeOnly, tail: false)
}

/// Who a replica is, and what it stands on.
public struct ReplicaConfiguration: Sendable {
    /// Nil: the one that the store knows, or a new one that it knows from then on.
    public var identity: FeedIdentity?
    /// Of a new identity: replicas of different clusters refuse each other.
    public var cluster: UInt64
    public var trust: FeedTrust
    /// How removals are forgotten; nil: never, and everybody's entries are taken.
    public var members: MemberRules?
    /// Where the store is called. Nil: on the caller, at once, for stores that never block, such as ``MemoryReplicaStore``.
    public var executor: (any BlockingExecutor)?
    /// Wall and monotonic time.
    public var now: @Sendable () -> FeedInstant
    /// Whether time passes by itself while there are sessions. A test in virtual time calls ``Replica/tick()`` instead.
    var ticksByItself = true
    /// Draws origins of new lives.
    var newOrigin: @Sendable () -> OriginID = { OriginID(rawValue: .random(in: 1 ... .max)) }

    public init(
        identity: FeedIdentity? = nil, cluster: UInt64 = 0, trust: FeedTrust = .members, members: MemberRules? = nil,
        executor: (any BlockingExecutor)? = nil, now: @escaping @Sendable () -> FeedInstant = ReplicaConfiguration.systemTime
    ) {
        self.identity = identity
        self.cluster = cluster
        self.trust = trust
        self.members = members
        self.executor = executor
        self.now = now
    }

    private static let start = ContinuousClock.now

    /// The system's clocks.
    public static let systemTime: @Sendable () -> FeedInstant = {
        let elapsed = (ContinuousClock.now - start).components
        return FeedInstant(
            wall: WallClock.milliseconds(),
            monotonic: UInt64(max(0, elapsed.seconds)) * 1_000 + UInt64(max(0, elapsed.attoseconds)) / 1_000_000_000_000_000 + 1)
    }
}
