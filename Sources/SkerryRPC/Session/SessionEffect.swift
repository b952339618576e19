import SkerrySession

/// What is to be done outside the lock of a session, in the order in which it came about.
enum SessionEffect: Sendable {
    /// A call of this side has ended, and its task goes on.
    case ended(PendingCall, UnsafeContinuation<ServicePayload, any Error>)
    case call(InboundCall)
    case cancel(Task<Void, Never>)
    /// Elements came for a channel end of this side.
    case elements(InboundPump, ElementBatch)
    /// Elements came for a channel end of the peer, or somebody began to look at one for which some had come.
    case deliver(ReferenceID, ElementBatch?)
    case pump(any ChannelPump)
    /// The half that the pump serves has room, or something to receive.
    case ready(any ChannelPump)
    /// The element that was sent through a rendezvous was received.
    case taken(any ChannelPump)
    /// The peer closed a channel end that it hosts.
    case closed(ReferenceID, CloseReason)
    /// A channel end of this side is closed or let go of by the peer, or any ends with the session.
    case end(any ChannelPump, ChannelEnding)
    /// The last reference may be this one, and what its `deinit` does must not be done under the lock.
    case drop(any AnyObject & Sendable)
    case resume(UnsafeContinuation<Void, Never>)
    case reconnect
    case run(@Sendable () -> Void)

    var isCall: Bool { if case .call = self { true } else { false } }
}

/// How a channel across a session ends.
enum ChannelEnding: Sendable {
    /// The other side closed it.
    case closed(CloseReason)
    /// The other side let go of it.
    case released
    /// The session is over.
    indirect case lost(CallError)
}
