/// What a core reports to whoever drives it, in the order in which it happened.
public enum SessionEvent: Sendable {
    /// The peer said HELLO: calls and elements flow. `resumed` tells whether the session goes on where a lost link left it.
    case established(peer: SessionHello, resumed: Bool)
    /// The link is of no use any more, by silence or by a handshake that did not come about. Close it; an initiator connects again. The session
    /// lives on until its resume window ends.
    case linkLost(reason: String)
    /// A method number of the peer has got its meaning.
    case methodDefined(MethodDefinition)
    /// The peer calls.
    case call(IncomingCall)
    /// The peer, or the deadline, or the end of the session calls a call off. It is still to be answered, unless it was answered while earlier events of the
    /// same batch were handled.
    case cancelled(AnswerID, Cancellation)
    /// A call of ours has ended. Comes once for each, except for those that ``SessionCore/cancel(_:)`` called off.
    case returned(QuestionID, Outcome)
    /// The peer says that it works on a call of ours.
    case working(QuestionID)
    /// Calls are permitted again after ``SessionError/Code/mustWait``.
    case callsPermitted
    /// Elements came; as the consumer takes them, tell ``SessionCore/taken(_:elements:bytes:now:)``.
    case elements(ReferenceID, ElementBlock)
    /// Elements may be sent on a channel again after ``SessionCore/send(_:element:)`` refused some.
    case writable(ReferenceID)
    /// The consumer of a rendezvous channel has taken an element that was sent, the oldest it had not.
    case taken(ReferenceID)
    /// A channel end, or a service of the peer, was closed by the other side. A producer's end comes after its last element.
    case closed(ReferenceID, CloseReason)
    /// The peer has let go of something that this side hosts: the entry is gone and the object may go too.
    case released(ReferenceID)
    /// The peer takes no new calls; those under way go on.
    case goingAway(CloseReason)
    /// After ``SessionCore/goAway(_:)``: nothing is under way any more and the peer knows that it should ask for nothing; close the session now.
    case drained
    /// The session is over: each call under way was reported with its own event before. Send what ``SessionCore/nextPacket(into:now:)`` still gives, then
    /// close the link.
    case failed(SessionError)
}

/// Why a call of the peer is called off.
@frozen
public enum Cancellation: UInt8, Sendable, Hashable {
    /// The caller wants no reply any more.
    case caller
    /// The deadline has passed.
    case deadline
    /// The session is over.
    case session
}

/// Why something was closed.
public struct CloseReason: Sendable, Hashable, CustomStringConvertible {
    /// 0 for an orderly end; other numbers belong to whoever closes.
    public var code: UInt16
    /// For people; cut at ``SessionLimits/messageMaximum`` bytes on the wire.
    public var message: String

    public init(code: UInt16 = 0, _ message: String = "") {
        self.code = code
        self.message = message
    }

    /// The end was reached, or the last holder let go.
    public static let finished = CloseReason()

    public var isOrderly: Bool { code == 0 }
    public var description: String { message.isEmpty ? "code \(code)" : "code \(code): \(message)" }
}
