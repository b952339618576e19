/// Which side of a session a core is.
///
/// The two sides are equals in all they may do. The role decides three things: whose ids are even, who says HELLO first, and who comes back
/// after a link is lost.
@frozen
public enum SessionRole: UInt8, Sendable, Hashable {
    /// Opened the session: its ids are even, it speaks first and it reconnects.
    case initiator
    /// Was connected to: its ids are odd.
    case acceptor

    /// The lowest bit of the ids this side makes.
    @inlinable var parity: UInt64 { self == .initiator ? 0 : 1 }
}
