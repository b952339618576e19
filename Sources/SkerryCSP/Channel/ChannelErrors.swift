/// The channel takes no more elements. What a send throws that did not send: the element did not and will not arrive.
///
/// Do not retry: a channel never opens again.
public struct ChannelClosed: Error, Sendable, CustomStringConvertible {
    /// Who closed it.
    public enum Origin: Sendable, Hashable {
        /// A call of `close()` on either half.
        case call
        /// The last reference to the sending half is gone.
        case sendersReleased
        /// The last reference to the receiving half is gone: nobody can take an element any more.
        case receiversReleased
    }

    public let origin: Origin
    /// What `close(throwing:)` was given; receivers get it after the last buffered element. Nil is the regular end.
    public let cause: (any Error)?

    @inlinable
    public init(_ origin: Origin, cause: (any Error)? = nil) {
        self.origin = origin
        self.cause = cause
    }

    public var description: String {
        let text =
            switch origin {
            case .call: "the channel is closed"
            case .sendersReleased: "the channel is closed: its senders are gone"
            case .receiversReleased: "the channel is closed: its receivers are gone"
            }
        return cause.map { "\(text) (\($0))" } ?? text
    }
}

/// As many operations wait on this side of the channel as it allows; this one was not begun.
///
/// Waiters are memory, so that their number is bounded. Let fewer tasks use the channel, slow down, or give it a greater `waiterLimit`.
public struct TooManyWaiters: Error, Sendable, Hashable, CustomStringConvertible {
    /// Waiters allowed.
    public let limit: Int

    @inlinable
    public init(limit: Int) {
        self.limit = limit
    }

    public var description: String { "\(limit) operations wait on this side of the channel already" }
}
