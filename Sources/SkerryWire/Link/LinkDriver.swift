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

    /// The link is gone; the last call, made once. Nil: one of the two sides closed it politely.
    func linkClosed(_ error: LinkError?)
}
