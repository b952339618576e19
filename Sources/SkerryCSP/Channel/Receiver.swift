/// The half of a ``Channel`` that elements come out of. Each element goes to one receiver.
///
/// A reference: pass it on to let others receive. When the last reference is gone, nobody can receive any more: the channel closes,
/// senders throw ``ChannelClosed``, and what was buffered is dropped.
///
/// It is an `AsyncSequence` of what remains to be received; iterations share the elements.
public final class Receiver<Element: Sendable>: Sendable {
    @usableFromInline let core: ChannelCore<Element>

    @inlinable
    init(core: ChannelCore<Element>) {
        self.core = core
    }

    @inlinable
    deinit {
        core.close(ChannelClosed(.receiversReleased), discarding: true)
    }

    /// The next element, waiting for one; nil when the channel is closed and empty.
    ///
    /// Cancellation: a task that is cancelled while it waits throws `CancellationError` if nobody has handed it an element; otherwise it
    /// returns that element, so that none is lost. A receive that need not wait does not look at cancellation.
    ///
    /// - Throws: what `close(throwing:)` was given, after the last element; `CancellationError`; ``TooManyWaiters`` when as many
    ///   receivers wait as may.
    /// - Complexity: O(1).
    @inlinable @inline(__always)
    public func receive() async throws -> Element? {
        if let element = core.receiveQuickly() { return element }
        return try await core.receiveWaiting()
    }

    /// What can be received without waiting.
    @inlinable @inline(__always)
    public func tryReceive() -> Arrival<Element> {
        if let element = core.receiveQuickly() { return .element(element) }
        switch core.receiveAtOnce() {
        case .element(let element): return .element(element)
        case .empty: return .empty
        case .closed: return .closed(core.closedError())
        }
    }

    /// Waits for one element, then takes as many as there are, up to `count`, under one lock. Empty when the channel is closed and empty.
    ///
    /// Errors and cancellation as in ``receive()``.
    @inlinable
    public func receive(upTo count: Int) async throws -> [Element] {
        var elements: [Element] = []
        _ = try await receive(upTo: count, into: &elements)
        return elements
    }

    /// As ``receive(upTo:)``, appending to an array that the caller uses again. Returns how many were appended; 0 is the end.
    @inlinable
    public func receive(upTo count: Int, into elements: inout [Element]) async throws -> Int {
        precondition(count > 0, "a receive of up to \(count) elements")
        let taken = core.receiveAtOnce(upTo: count, into: &elements)
        if taken > 0 { return taken }
        guard let element = try await core.receiveWaiting() else { return 0 }
        elements.append(element)
        return 1 + core.receiveAtOnce(upTo: count - 1, into: &elements)
    }

    /// Takes as many elements as there are, up to `count`, without waiting. Returns how many were appended; for 0 ask
    /// ``tryReceive()`` or ``closeReason`` whether the channel ended.
    @inlinable
    public func tryReceive(upTo count: Int, into elements: inout [Element]) -> Int {
        core.receiveAtOnce(upTo: count, into: &elements)
    }

    /// Closes the channel in the regular way: nothing more is sent, what is buffered may still be received.
    @inlinable
    public func close() {
        core.close(ChannelClosed(.call))
    }

    /// Closes the channel because of `error`: senders find it in ``ChannelClosed/cause``, receivers get it after what is buffered.
    @inlinable
    public func close(throwing error: any Error) {
        core.close(ChannelClosed(.call, cause: error))
    }
}

/// What a receive that does not wait found.
@frozen
public enum Arrival<Element: Sendable>: Sendable {
    case element(Element)
    /// Nothing now.
    case empty
    /// Nothing ever again.
    case closed(ChannelClosed)
}

extension Arrival: Equatable where Element: Equatable {
    /// Two ends are equal when they came about in the same way; their causes are not compared.
    @inlinable
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.element(let left), .element(let right)): left == right
        case (.empty, .empty): true
        case (.closed(let left), .closed(let right)): left.origin == right.origin
        default: false
        }
    }
}
