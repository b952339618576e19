/// A member of a cluster: who lives, and what the others say of themselves. Failure detection, the member map, and the exchanges that carry both.
///
/// Once in a while, a second give or take a fifth, it compares notes with one other member drawn at random (push and pull): a hash of all opinions and
/// versions first, and nothing more where it is equal. So what gossip lost comes all the same, also across a partition that has healed.
///
/// ```swift
/// var membership = Membership(id: id, address: "10.0.0.7:7000", epoch: startedAt, secret: secret, now: now)
/// let hello = membership.greeting()                       // to any address of a member: joins the cluster
/// membership.advance(now: now, using: &generator, into: &output)
/// for packet in output.packets { socket.send(packet.bytes, to: membership.detector.address(of: packet.target)) }
/// ```
///
/// A value: time in milliseconds of a clock that never goes back, randomness, packets in and out. Nothing in it waits.
public struct Membership: Sendable {
    /// Who lives, and where they are to be reached.
    public internal(set) var detector: FailureDetector
    /// What the members say of themselves. Write this member's own fields here.
    public var map: MemberMap
    let secret: ClusterSecret?
    var nextExchange: UInt64

    /// - Parameters:
    ///   - address: where others reach this member, at most ``MembershipLimits/addressBytesMaximum`` bytes and not empty.
    ///   - epoch: larger than in every earlier life of this id, for example its milliseconds since 1970.
    ///   - incarnation: with which this life begins. One that is larger than that of the earlier life takes effect at once, with the address of now;
    ///     any other is corrected when somebody objects.
    public init(
        id: MemberID, address: String, epoch: UInt64, incarnation: UInt64 = 0, profile: GossipProfile = .lan, secret: ClusterSecret? = nil,
        now: UInt64
    ) {
        precondition(!address.isEmpty && address.utf8.count <= MembershipLimits.addressBytesMaximum, "the address \(address)")
        detector = FailureDetector(id: id, address: address, incarnation: incarnation, profile: profile, now: now)
        map = MemberMap(id: id, epoch: epoch)
        self.secret = secret
        nextExchange = now + id.rawValue % profile.exchangeInterval
    }

    /// This member.
    public var id: MemberID { detector.id }

    /// The next moment at which ``advance(now:using:into:)`` has something to do.
    public var nextDeadline: UInt64 { min(detector.nextDeadline, nextExchange) }

    /// Does what is due.
    public mutating func advance(now: UInt64, using generator: inout some RandomNumberGenerator, into output: inout MembershipOutput) {
        let before = output.packets.count
        detector.advance(now: now, using: &generator, into: &output)
        if now >= nextExchange { beginExchange(now, &generator, &output) }
        sealPackets(from: before, &output)
    }

    /// Takes a datagram.
    ///
    /// - Throws: what is wrong with it; nothing changed. Drop it.
    public mutating func receive(packet: UnsafeRawBufferPointer, now: UInt64, into output: inout MembershipOutput) throws(MalformedPacket) {
        let before = output.packets.count
        try detector.receive(try ClusterSecret.open(packet, with: secret), now: now, into: &output)
        sealPackets(from: before, &output)
    }

    private func sealPackets(from start: Int, _ output: inout MembershipOutput) {
        guard secret != nil else { return }
        for index in start..<output.packets.count {
            output.packets[index].bytes = ClusterSecret.seal(output.packets[index].bytes, with: secret)
        }
    }

    /// Tells the others that this member leaves; see ``FailureDetector/leave()``.
    public mutating func leave() { detector.leave() }

    /// Drops a member that is dead or has left and will not come back, with its fields.
    public mutating func forget(_ member: MemberID) {
        detector.forget(member)
        if detector.opinion(of: member) == nil { map.forget(member) }
    }
}
