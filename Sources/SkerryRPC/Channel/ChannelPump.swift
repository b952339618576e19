import SkerrySession

/// Moves the elements of one channel between a half of this process and the session.
///
/// All its functions are called as effects of the session, so one at a time and without a lock held.
protocol ChannelPump: AnyObject, Sendable {
    /// The half, where it belongs to this process; what a reference that comes home leads to.
    var end: ChannelEnd? { get }

    /// Moves what can be moved now.
    func pump()

    /// What the pump asked the half to tell has come about.
    func ready()

    /// The element that was sent through a rendezvous was received on the other side.
    func taken()

    /// The channel is over.
    func end(_ ending: ChannelEnding)
}

/// Why a channel was closed, when the other side said more than that it ended: what receivers and senders find as the cause.
public struct RemoteClose: Error, Sendable, Equatable, CustomStringConvertible {
    /// Not 0; its meaning belongs to whoever closes. 1 stands for an error of the other side.
    public var code: UInt16
    public var message: String

    /// - Precondition: `code` is not 0, which stands for an orderly end.
    public init(code: UInt16, message: String) {
        precondition(code != 0, "code 0 is an orderly end")
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

extension CloseReason {
    /// The reason for a half that was closed because of `cause`.
    init(_ cause: (any Error)?) {
        switch cause {
        case nil: self = .finished
        case let close as RemoteClose: self.init(code: close.code, close.message)
        case let error?: self.init(code: 1, "\(error)")
        }
    }

    /// What a half is closed with.
    var cause: (any Error)? { isOrderly ? nil : RemoteClose(code: code, message: message) }
}
