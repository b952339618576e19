/// An element of a sender that goes on to wait: it was taken for a trial, by somebody who passes it on and will know later whether a receiver took it.
///
/// One of ``accept()``, ``putBack()`` and ``fail(_:)`` is called, once.
public struct Offer<Element: Sendable>: Sendable {
    public let element: Element
    @usableFromInline let core: ChannelCore<Element>
    @usableFromInline let waiter: Waiter<Element>

    @inlinable
    init(_ element: Element, _ core: ChannelCore<Element>, _ waiter: Waiter<Element>) {
        self.element = element
        self.core = core
        self.waiter = waiter
    }

    /// The element was received: its send returns.
    @inlinable
    public func accept() {
        waiter.element = nil
        waiter.resume()
    }

    /// Nobody knows whether the element was received: its send throws `error`. It is not to be had any more, so that it is not received twice.
    @inlinable
    public func fail(_ error: any Error) {
        waiter.element = nil
        waiter.error = error
        waiter.outcome = .failed
        waiter.resume()
    }

    /// Nobody received the element: it stands before all others again. When the channel was closed, or the sending task was cancelled, meanwhile, the send
    /// throws.
    @inlinable
    public func putBack() { core.putBack(waiter) }
}

// Rendezvous over some distance: the two sides meet through somebody in between, who must not let a send return before its element was received.

extension Receiver {
    /// Whether the channel has no room: a send returns when the element was received.
    @inlinable
    public var isRendezvous: Bool { core.limit == 0 }

    /// Takes the element of the first sender that waits, for a trial: the send goes on to wait. Nil when none waits.
    ///
    /// - Precondition: ``isRendezvous``.
    @inlinable
    public func takeOffer() -> Offer<Element>? {
        precondition(isRendezvous, "an offer of a channel that has room")
        core.lockBoth()
        let waiter = core.heldTakeSender()
        core.heldSettle()
        core.unlockBoth()
        guard let waiter, let element = waiter.element else { return nil }
        return Offer(element, core, waiter)
    }

    /// Says that an element would be received now by somebody who does not wait in ``receive()``, or not any more. Calls those who asked by ``Sender/whenWritable(_:)``.
    ///
    /// - Precondition: each true is followed by one false.
    @inlinable
    public func expect(_ isExpecting: Bool) {
        var wakes = Wakes<Element>()
        core.lockBoth()
        core.expected += isExpecting ? 1 : -1
        precondition(core.expected >= 0, "more is taken back than was expected")
        if isExpecting { core.heldSignalWritable(&wakes) }
        core.heldSettle()
        core.unlockBoth()
        wakes.fire()
    }
}

extension Sender {
    /// Whether the channel has no room: a send returns when the element was received.
    @inlinable
    public var isRendezvous: Bool { core.limit == 0 }

    /// Sends without waiting: `body` is called once, when the element was received or when the channel was closed before that.
    ///
    /// True says that it was received at once, and that `body` is not called; false that the element stands in line as that of a task would.
    ///
    /// - Parameter body: true when the element was received, false when the channel was closed before, or when that is not known. Called on the thread of whoever receives or closes, without a lock held; keep it short.
    /// - Throws: ``ChannelClosed``, or ``TooManyWaiters``; then it was not sent.
    @inlinable
    public func offer(_ element: Element, _ body: @escaping @Sendable (Bool) -> Void) throws -> Bool {
        try core.offer(element, body)
    }
}

extension ChannelCore {
    @inlinable @inline(never)
    func offer(_ element: Element, _ hook: @escaping @Sendable (Bool) -> Void) throws -> Bool {
        var wakes = Wakes<Element>()
        var isParked = false
        lockBoth()
        let sent = heldSend(element, &wakes)
        if sent == .full {
            let waiter = Waiter(element: element)
            waiter.hook = hook
            isParked = heldPark(sender: waiter, &wakes)
        }
        unlockBoth()
        wakes.fire()
        switch sent {
        case .done: return true
        case .closed: throw closedError()
        case .full:
            guard isParked else { throw TooManyWaiters(limit: waiterLimit) }
            return false
        }
    }

    /// Gives an element back that was taken for a trial.
    @inlinable @inline(never)
    func putBack(_ waiter: Waiter<Element>) {
        var wakes = Wakes<Element>()
        lockBoth()
        waiter.isWon = true
        if closed != nil, !waiter.isPosted {
            waiter.outcome = .closed
            wakes.waiters.append(waiter)
        } else if waiter.wasCancelled {
            waiter.outcome = .cancelled
            wakes.waiters.append(waiter)
        } else if let receiver = heldTakeReceiver() {
            receiver.element = waiter.element.take()
            wakes.waiters.append(receiver)
            wakes.waiters.append(waiter)
        } else {
            waiter.place = .queued
            senders.prepend(waiter)
            heldSignalReadable(&wakes)
        }
        heldSettle()
        unlockBoth()
        wakes.fire()
    }
}
