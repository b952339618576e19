import SkerrySession

/// A call of the peer on its way to the object, until it is answered.
final class InboundCall: Sendable {
    let id: AnswerID
    let target: any ReferenceTarget
    let invocation: Invocation
    /// Both sides have the same shape of the method.
    let isAgreed: Bool
    let deadline: Moment

    enum Reply {
        case value(ServicePayload)
        indirect case failure(CallFailure, ServicePayload)
    }

    init(id: AnswerID, target: any ReferenceTarget, invocation: Invocation, isAgreed: Bool, deadline: Moment) {
        self.id = id
        self.target = target
        self.invocation = invocation
        self.isAgreed = isAgreed
        self.deadline = deadline
    }

    /// Whether the handler is not to begin on the loop.
    var isOffloaded: Bool { invocation.options.contains(.offload) }
}
