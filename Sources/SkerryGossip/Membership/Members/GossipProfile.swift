/// The numbers of failure detection and gossip, in milliseconds where they are times.
public struct GossipProfile: Sendable, Hashable {
    /// Each member is watched by its neighbour on the ring, and somebody drawn at random, once in this time.
    public var probeInterval: UInt64 = 1_000
    /// How long a direct probe waits before others are asked to probe.
    public var probeTimeout: UInt64 = 500
    /// How many others are asked.
    public var indirectProbes = 3
    /// A suspicion that nobody shares lasts this times log10(members) probe intervals, times ``suspicionMaximumFactor``.
    public var suspicionFactor = 4
    /// See ``suspicionFactor``: where ``suspicionFactor`` less two others share it, a suspicion lasts without this factor.
    public var suspicionMaximumFactor = 6
    /// How often news go out on packets of their own, while there are any.
    public var gossipInterval: UInt64 = 200
    /// To how many members they go each time, drawn at random.
    public var gossipFanOut = 3
    /// News about a member that died goes to it for this long, in case it lives.
    public var gossipToDead: UInt64 = 30_000
    /// A piece of news is sent this times log10(members) times by everybody.
    public var retransmissionFactor = 4
    /// How much slower a member that fares badly itself may become.
    public var awarenessMaximum = 8
    /// Full exchange with a random member, give or take a fifth.
    public var exchangeInterval: UInt64 = 1_000
    /// Of a hundred exchanges, how many try a dead member, so that parts of a cluster find each other again.
    public var exchangesWithDeadPercent = 5
    /// The largest packet.
    public var packetBytes = 1_400
    /// Up to how many bytes fields fill a message of an exchange. The table of members before them is whole.
    public var exchangeBytes = 65_536

    /// The numbers of ``lan``.
    public init() {}

    /// One machine room: the numbers of memberlist's LAN profile, and an exchange a second.
    public static let lan = GossipProfile()

    /// Sites far apart: five times the times.
    public static var wan: GossipProfile {
        var profile = GossipProfile()
        profile.probeInterval *= 5
        profile.probeTimeout *= 5
        profile.gossipInterval *= 5
        profile.gossipToDead *= 5
        profile.exchangeInterval *= 5
        return profile
    }
}

/// Bounds that no profile changes.
public enum MembershipLimits {
    /// The most members. News about more are dropped.
    public static let membersMaximum = 4_096
    /// The most bytes of an address.
    public static let addressBytesMaximum = 255
    /// The most addresses of a member.
    public static let addressesMaximum = 16
    /// The most fields of a member.
    public static let fieldsMaximum = 16
    /// The most bytes of a field.
    public static let fieldBytesMaximum = 16_384
    /// The most probes for others under way.
    public static let relaysMaximum = 256
    /// The most packets that one packet may bring news of.
    public static let newsPerPacketMaximum = 128
}
