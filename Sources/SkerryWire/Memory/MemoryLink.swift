public import SkerrySession

/// Links between two places of one process, through memory.
///
/// Packets are copied, so a session over such a link is encoded and decoded as over any other. Nothing on the way can fail; at most 256 KiB and a packet
/// are under way to each side.
public enum MemoryLink {
    /// Two ends of a link, on one of the threads that carry links.
    public static func pair(
        encoding: LinkTraits.Encoding = .binary, limits: LinkLimits = LinkLimits(), loops: WireLoops = .shared
    ) -> (any Link, any Link) {
        pair(encoding, limits, ThreadLoop(eventLoop: loops.next()))
    }

    /// Two ends of a link that move when the stepper does.
    public static func pair(
        encoding: LinkTraits.Encoding = .binary, limits: LinkLimits = LinkLimits(), on stepper: LinkStepper
    ) -> (any Link, any Link) {
        pair(encoding, limits, stepper)
    }

    static func pair(_ encoding: LinkTraits.Encoding, _ limits: LinkLimits, _ loop: any LinkLoop) -> (PairedLink, PairedLink) {
        let transit = MemoryTransit(loop: loop)
        let traits = LinkTraits(encoding: encoding, delivery: .ordered, packetMaximum: limits.packetMaximum)
        let peer = LinkPeer(address: "memory", isPrivate: true)
        let left = PairedLink(.left, traits: traits, peer: peer, limits: limits, loop: loop, transit: transit)
        let right = PairedLink(.right, traits: traits, peer: peer, limits: limits, loop: loop, transit: transit)
        transit.join(left, right)
        return (left, right)
    }
}
