public import SkerryGossip
public import SkerryWire

/// The times and bounds of a node. Names say of what; the defaults suit up to 64 members that talk to each other all the time.
public struct NodeProfile: Sendable, Hashable {
    /// Of failure detection and exchanges.
    public var gossip = GossipProfile.lan
    /// Of the neighbours that a member has in a large cluster.
    public var neighbourhood = Neighbourhood.Profile()
    /// Links for membership at once, both directions. The one that was used longest ago goes first; those to neighbours of views stay.
    public var linksMaximum = 128
    /// A link over which nothing goes for so long is closed.
    public var linkIdle = Duration.seconds(60)
    /// The second link to the same member, which both sides made at once.
    public var secondLinkIdle = Duration.seconds(5)
    /// Links being opened at once, in each direction; more wait for the next packet, or are turned away.
    public var openingsMaximum = 64
    /// From a connection to the end of the handshake of members.
    public var handshake = Duration.seconds(5)
    /// Frames that wait for one member: news that it did not take in time is old, so the oldest go first.
    public var outboxFrames = 128
    /// Bytes that wait for one member.
    public var outboxBytes = 512 << 10
    /// When to dial a member again.
    public var reconnect = NodeProfile.quickReconnect
    /// How often a member that is being talked to is asked for an echo.
    public var echoInterval = Duration.seconds(1)
    /// A member that is dead or has left is dropped after so long.
    public var forgetAfter = Duration.seconds(24 * 3600)
    /// How long a node goes on talking after it said that it leaves: five gossip intervals.
    public var leaving = Duration.milliseconds(1000)
    /// A gap between two looks at the clock that means that this process did not run: no member is to blame for it.
    public var stall = Duration.seconds(1)

    public init() {}

    /// Members come and go within seconds, so a node asks again after five at the latest.
    public static var quickReconnect: ReconnectPolicy {
        var policy = ReconnectPolicy()
        policy.initial = .milliseconds(50)
        policy.maximum = .seconds(5)
        policy.refill = .seconds(3)
        policy.stable = .seconds(3)
        return policy
    }

    /// Of members that are forgotten, so many are remembered as such, lest others bring them back.
    static let forgottenMaximum = 1024
}
