/// What a peer did that the protocol forbids. The session ends with it.
public struct ProtocolViolation: Error, Sendable, Hashable, CustomStringConvertible {
    /// The rule that was broken. The raw value is the code that the peer is told in BYE.
    public enum Rule: UInt16, Sendable, Hashable, CaseIterable {
        /// The packet does not follow its grammar.
        case malformedPacket = 16
        /// A frame does not follow its grammar.
        case malformedFrame = 17
        /// No frame has this type, or not in this kind of packet.
        case unknownFrame = 18
        /// HELLO is missing, comes twice or contradicts the first one.
        case unexpectedHello = 19
        /// The peer speaks another version or is no session at all.
        case version = 20
        /// A packet follows whose number is not the next one, on a link that loses nothing.
        case sequenceGap = 21
        /// The peer confirms what was never sent.
        case acknowledgementAhead = 22
        /// Larger than the limits that this side announced.
        case tooLarge = 23
        /// An id with the lowest bit of the other side.
        case wrongParity = 24
        /// An id that is in use or was used before.
        case idReused = 25
        /// A place in a table beyond the announced limit.
        case slotOutOfRange = 26
        /// A reply, cancellation or promise for a call that was never made.
        case unknownQuestion = 27
        /// A reference that was never introduced.
        case unknownReference = 28
        /// A reference of another kind than the frame needs.
        case wrongKind = 29
        /// More introductions given back than were made.
        case releaseBelowZero = 30
        /// Elements for which there was no credit.
        case creditOverrun = 31
        /// Credit beyond all reason.
        case creditOverflow = 32
        /// Elements after the end of their channel.
        case channelClosed = 33
        /// A method number that was not defined, or a definition out of turn.
        case unknownMethod = 34
        /// More methods than the table holds.
        case tooManyMethods = 35
        /// More calls than were permitted, beyond the number that is refused politely.
        case callFlood = 36
        /// More references in one frame than a frame may hold.
        case tooManyReferences = 37
        /// Values nested too deeply.
        case tooDeep = 38
    }

    public var rule: Rule
    /// Bytes before the fault in its packet, or in the frame where a frame came in several packets.
    public var offset: Int
    /// What was found.
    public var detail: String

    public init(_ rule: Rule, at offset: Int, _ detail: String) {
        self.rule = rule
        self.offset = offset
        self.detail = detail
    }

    public var description: String { "\(rule) at byte \(offset): \(detail)" }
}
