/// A place to publish and to subscribe: every subscriber gets what is published after it subscribed.
///
/// ```swift
/// let hub = Hub<String>()
/// try await hub.publish("nobody hears this")
/// let news = try hub.subscribe(.buffer(16))
/// try await hub.publish("hello")    // returns when every subscriber has it or has room for it
/// ```
public final class Hub<Element: Sendable>: Sendable {
    private let taps: TapSet<Element>

    /// - Parameter subscriberLimit: receivers that may listen at one time.
    public init(subscriberLimit: Int = 1_024) {
        taps = TapSet(limit: subscriberLimit)
    }

    deinit {
        taps.closeAll()
    }

    /// A receiver of what is published from now on. It leaves when it is closed or let go of. Of a closed hub it has ended.
    ///
    /// - Throws: ``TooManyTaps``.
    public func subscribe(_ capacity: ChannelCapacity = .rendezvous) throws(TooManyTaps) -> Receiver<Element> {
        try taps.add(capacity)
    }

    /// The receiver gets no more elements; it ends after what it has buffered.
    public func unsubscribe(_ receiver: Receiver<Element>) {
        taps.remove(receiver.channelID)
    }

    /// Gives the element to those who are subscribed at this moment, and returns when each of them has it: the slowest pushes back.
    ///
    /// Elements of one publisher reach each subscriber in order; those of concurrent publishers may reach two subscribers in different orders.
    ///
    /// - Throws: ``ChannelClosed`` when the hub is closed; `CancellationError` when the task is cancelled while it waits, and
    ///   then only some subscribers have the element.
    public func publish(_ element: Element) async throws {
        try await deliver(element, to: taps.taps)
    }

    /// Ends all subscriptions after what they have buffered.
    public func close() {
        taps.closeAll()
    }
}
