// For callers that are not tasks: event loops and sessions, which move elements of many channels without a task for each.
//
//     func pump() {                                     // on the loop
//         while true {
//             buffer.removeAll(keepingCapacity: true)
//             if receiver.tryReceive(upTo: credit, into: &buffer) > 0 { write(buffer) }
//             if let reason = receiver.closeReason, receiver.isDrained { return finish(reason) }
//             if try receiver.whenReadable({ loop.execute(pump) }) { return }
//         }
//     }

extension Receiver {
    /// Asks to be called once, when a receive may find something: an element arrived or the channel closed.
    ///
    /// True says that `body` was kept and will be called exactly once, on the thread of whoever sends or closes and without a lock
    /// held; keep it short. False says that there is something already and `body` was let go: receive, then ask again. Being called is a hint:
    /// another receiver may be faster. Tasks that wait in `receive()` go first.
    ///
    /// - Throws: ``TooManyWaiters``.
    @inlinable
    public func whenReadable(_ body: @escaping @Sendable () -> Void) throws(TooManyWaiters) -> Bool {
        try core.addReadableHook(body)
    }

    /// Calls `body` once, when the channel closes, from whichever half; at once if it is closed. Elements may still be buffered.
    ///
    /// - Throws: ``TooManyWaiters``.
    @inlinable
    public func onClose(_ body: @escaping @Sendable (ChannelClosed) -> Void) throws(TooManyWaiters) {
        try core.addCloseHook(body)
    }

    /// Why the channel is closed, or nil while it is open.
    @inlinable
    public var closeReason: ChannelClosed? { core.closeReason }

    /// Closed, and nothing is left to receive.
    @inlinable
    public var isDrained: Bool {
        core.withBothLocks { core.closed != nil && core.heldCount == 0 && core.senders.isEmpty }
    }

    /// Elements that are buffered. Old as soon as it is known.
    @inlinable
    public var count: Int { core.seenCount }
}

extension Sender {
    /// Asks to be called once, when a send may not have to wait: there is room, a receiver waits, or the channel closed.
    ///
    /// True says that `body` was kept and will be called exactly once, on the thread of whoever receives or closes and without a lock
    /// held; keep it short. False says that it is so already and `body` was let go: send, then ask again. Being called is a hint: another sender may
    /// be faster. Tasks that wait in `send(_:)` go first.
    ///
    /// - Throws: ``TooManyWaiters``.
    @inlinable
    public func whenWritable(_ body: @escaping @Sendable () -> Void) throws(TooManyWaiters) -> Bool {
        try core.addWritableHook(body)
    }

    /// Calls `body` once, when the channel closes, from whichever half; at once if it is closed. A session that stands for remote senders
    /// learns here that its receivers are gone.
    ///
    /// - Throws: ``TooManyWaiters``.
    @inlinable
    public func onClose(_ body: @escaping @Sendable (ChannelClosed) -> Void) throws(TooManyWaiters) {
        try core.addCloseHook(body)
    }

    /// Why the channel is closed, or nil while it is open.
    @inlinable
    public var closeReason: ChannelClosed? { core.closeReason }

    /// Elements that are buffered. Old as soon as it is known.
    @inlinable
    public var count: Int { core.seenCount }
}
