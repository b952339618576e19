import SkerrySession
import Synchronization

/// A call of the peer on its way to the object, until it is answered.
///
/// Most handlers answer before they suspend for the first time, on the loop that started them. Their replies are put down here, and the loop gives those
/// of a whole packet to the session at once. A handler that suspended answers by itself, later.
// `reply` is written by the handler before `phase` says so, and read by whoever started it after that.
final class InboundCall: @unchecked Sendable {
    let id: AnswerID
    let target: any ReferenceTarget
    let invocation: Invocation
    /// Both sides have the same shape of the method.
    let isAgreed: Bool
    let deadline: Moment

    private let phase = Atomic(Phase.starting)
    private var reply: Reply?

    private enum Phase: UInt8, AtomicRepresentable {
        case starting, answered, running
    }

    enum Reply {
        case value(ServicePayload)
        case failure(CallFailure, ServicePayload)
    }

    init(id: AnswerID, target: any ReferenceTarget, invocation: Invocation, isAgreed: Bool, deadline: Moment) {
        self.id = id
        self.target = target
        self.invocation = invocation
        self.isAgreed = isAgreed
        self.deadline = deadline
    }

    /// Puts the reply down for the one who started the handler. False when that one does not wait for it any more.
    func putDown(_ reply: Reply) -> Bool {
        self.reply = reply
        return phase.compareExchange(expected: .starting, desired: .answered, ordering: .acquiringAndReleasing).exchanged
    }

    /// The reply if there is one; from now on the handler answers by itself.
    func takeReply() -> Reply? {
        phase.exchange(.running, ordering: .acquiringAndReleasing) == .answered ? reply : nil
    }
}
