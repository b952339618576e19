import SkerrySession

/// A call of this side from the moment it is made until it has ended.
// All fields are touched only under the lock of the session.
final class PendingCall: @unchecked Sendable {
    let target: ReferenceID
    let invocation: Invocation
    let deadline: Duration
    let isOneWay: Bool
    /// Nil until the core has taken the call, and after it has ended.
    var question: QuestionID?
    /// Nil before the task waits, and after it was resumed.
    var continuation: UnsafeContinuation<ServicePayload, any Error>?
    var isCancelled = false

    init(_ target: ReferenceID, _ invocation: Invocation, deadline: Duration, isOneWay: Bool) {
        self.target = target
        self.invocation = invocation
        self.deadline = deadline
        self.isOneWay = isOneWay
    }
}
