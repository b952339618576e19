/// What a link drives: the shell of a session.
///
/// All calls come from the link's loop, one after the other. They should return soon: everything else on that loop waits.
public protocol LinkDriver: AnyObject, Sendable {
    /// One packet came. The bytes are only lent: they are gone after the return.
    func received(_ packet: UnsafeRawBufferPointer)

    /// All packets of one read were delivered. The link pulls right after the return, so that the answers to one read leave in one write.
    func readCompleted()

    /// Gives the next packet to send.
    ///
    /// - Parameters:
    ///   - packet: Comes empty, with the capacity earlier packets have left; appended to.
    ///   - maximum: Bytes the packet may have. A larger one breaks the link with ``LinkError/Code-swift.struct/packetTooLarge``.
    /// - Returns: False when there is nothing to send; ``Link/wake()`` says when that changes.
    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool

    /// Whether threads other than the loop are about to make more output, so that it is worth a wait of microseconds: then it leaves in one write.
    ///
    /// Asked after a ``Link/wake()`` from another thread, and again until it is false or the link waits no longer. False when not implemented.
    var isGathering: Bool { get }

    /// The link has waited once and takes what there is now: ``isGathering`` is false until there is a new reason.
    func endGathering()

    /// The link is gone; the last call, made once. Nil: one of the two sides closed it politely.
    func linkClosed(_ error: LinkError?)
}

extension LinkDriver {
    public var isGathering: Bool { false }

    public func endGathering() {}
}
