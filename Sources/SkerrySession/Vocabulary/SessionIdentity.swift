/// Who a core is and which session it is a side of.
///
/// A restarted process takes a new epoch and, as an initiator, a new session id: a session never outlives the memory of either side.
public struct SessionIdentity: Sendable, Hashable {
    /// The hash of the node's key: 32 bytes. All zero for a peer that has no key, such as a browser.
    ///
    /// The core carries it and proves nothing: whoever drives it compares the peer's with the key that the link verified.
    public var nodeKey: [UInt8]
    /// Names the session: random, chosen by the initiator; the acceptor takes it from the peer's HELLO.
    public var session: SessionID
    /// Names this life of the process: random, from 1.
    public var epoch: UInt64

    /// - Precondition: `nodeKey` has 32 bytes and `epoch` is not 0.
    public init(nodeKey: [UInt8] = [UInt8](repeating: 0, count: 32), session: SessionID, epoch: UInt64) {
        precondition(nodeKey.count == 32, "a node key hash has 32 bytes, not \(nodeKey.count)")
        precondition(epoch != 0, "epochs begin at 1: 0 says that no peer is known")
        self.nodeKey = nodeKey
        self.session = session
        self.epoch = epoch
    }
}

/// 128 random bits that name a session.
@frozen
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Drawn from `generator`; pass a secure one outside simulations, because who knows the id may try to resume the session.
    public static func random(using generator: inout some RandomNumberGenerator) -> SessionID {
        SessionID(high: generator.next(), low: generator.next())
    }

    /// Thirty-two hexadecimal digits.
    public var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// 128 bits that name one durable call in all its attempts, over sessions and restarts.
@frozen
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Drawn from `generator`.
    public static func random(using generator: inout some RandomNumberGenerator) -> RequestID {
        RequestID(high: generator.next(), low: generator.next())
    }

    /// Thirty-two hexadecimal digits.
    public var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// Sixteen hexadecimal digits.
func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
