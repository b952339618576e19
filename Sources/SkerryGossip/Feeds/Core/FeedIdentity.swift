public import SkerryCRDT

/// Who a node is to its peers.
public struct FeedIdentity: Sendable, Hashable {
    /// Nodes of different clusters refuse each other.
    public var cluster: UInt64
    /// The site, whatever happens to its disks.
    public var site: UInt64
    /// Drawn anew for each data directory and each restore. Writing under an origin that wrote before with another history is equivocation.
    public var origin: OriginID
    /// Counts the lives of the site: greater with each new origin.
    public var epoch: UInt64

    public init(cluster: UInt64, site: UInt64, origin: OriginID, epoch: UInt64) {
        self.cluster = cluster
        self.site = site
        self.origin = origin
        self.epoch = epoch
    }
}

/// Now, by both clocks: wall time for stamps, which may jump, and a monotonic one for timers.
public struct FeedInstant: Sendable, Hashable {
    /// Milliseconds since 1970.
    public var wall: UInt64
    /// Milliseconds since a zero of the clock's own.
    public var monotonic: UInt64

    public init(wall: UInt64, monotonic: UInt64) {
        self.wall = wall
        self.monotonic = monotonic
    }
}

/// A peer, by a handle that the shell chose.
public struct FeedPeerID: Sendable, Hashable, Comparable {
    /// Means something to the shell alone; it never leaves the node.
    public var rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static func < (left: FeedPeerID, right: FeedPeerID) -> Bool { left.rawValue < right.rawValue }
}
