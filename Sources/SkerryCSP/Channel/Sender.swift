/// The half of a ``Channel`` that elements go into.
///
/// A reference: pass it on to let others send. When the last reference is gone the channel closes, and receivers come to their end
/// after what is buffered.
public final class Sender<Element: Sendable>: Sendable {
    @usableFromInline let core: ChannelCore<Element>

    @inlinable
    init(core: ChannelCore<Element>) {
        self.core = core
    }

    @inlinable
    deinit {
        core.close(ChannelClosed(.sendersReleased))
    }

    /// Sends, and returns when the element is buffered, taken by a receiver, or dropped as the capacity says.
    ///
    /// Cancellation: a task that is cancelled while it waits throws `CancellationError` if nobody has taken the element, and then nobody will. A
    /// send that need not wait does not look at cancellation.
    ///
    /// - Throws: ``ChannelClosed`` or `CancellationError`, when the element was not sent and will not be; ``TooManyWaiters`` when as many
    ///   senders wait as may. For a rendezvous whose receiver is elsewhere, what ended the way to it while the element was under way.
    /// - Complexity: O(1).
    @inlinable @inline(__always)
    public func send(_ element: Element) async throws {
        if core.sendQuickly(element) { return }
        try await core.sendWaiting(element)
    }

    /// Sends if that needs no waiting. False says that the element was not sent: there is no room and no receiver waits.
    ///
    /// - Throws: ``ChannelClosed``.
    @inlinable @inline(__always)
    public func trySend(_ element: Element) throws(ChannelClosed) -> Bool {
        if core.sendQuickly(element) { return true }
        switch core.sendAtOnce(element) {
        case .done: return true
        case .full: return false
        case .closed: throw core.closedError()
        }
    }

    /// Sends all elements in order, many under one lock. As if each were sent by itself: others may come in between, and when it
    /// throws, a beginning of the elements was sent.
    @inlinable
    public func send<Elements: Collection<Element>>(contentsOf elements: Elements) async throws {
        var index = elements.startIndex
        while true {
            index = core.sendQuickly(elements, from: index)
            guard index != elements.endIndex else { return }
            try await core.sendWaiting(elements[index])
            elements.formIndex(after: &index)
        }
    }

    /// Sends a beginning of the elements, as many as need no waiting, and returns how many.
    ///
    /// - Throws: ``ChannelClosed`` if it is closed and nothing was sent.
    @inlinable
    public func trySend<Elements: Collection<Element>>(contentsOf elements: Elements) throws(ChannelClosed) -> Int {
        var index = elements.startIndex
        var count = 0
        while true {
            let next = core.sendQuickly(elements, from: index)
            count += elements.distance(from: index, to: next)
            index = next
            guard index != elements.endIndex else { return count }
            switch core.sendAtOnce(elements[index]) {
            case .done: break
            case .full: return count
            case .closed:
                guard count > 0 else { throw core.closedError() }
                return count
            }
            count += 1
            elements.formIndex(after: &index)
        }
    }

    /// Sends without waiting for room: the element stands in line behind those that wait, and counts as one of them.
    ///
    /// The non-waiting write of a pipe. Closing the channel does not lose it. For event handlers that cannot wait and produce few elements.
    ///
    /// - Throws: ``ChannelClosed``, or ``TooManyWaiters`` when as many elements stand in line as may wait; then it was not sent.
    @inlinable
    public func post(_ element: Element) throws {
        if core.sendQuickly(element) { return }
        try core.post(element)
    }

    /// Closes the channel in the regular way: what is buffered is still received, then receivers get nil. Sends that wait throw ``ChannelClosed``.
    /// The first close of either half counts; later ones change nothing.
    @inlinable
    public func close() {
        core.close(ChannelClosed(.call))
    }

    /// Closes the channel because of `error`, which receivers get after what is buffered.
    @inlinable
    public func close(throwing error: any Error) {
        core.close(ChannelClosed(.call, cause: error))
    }
}
