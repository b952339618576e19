/// What a caller asks for beyond the call itself. The bits are those of the wire.
@frozen
public struct CallOptions: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No reply, no error, no cancellation. The core still counts such calls until they have ended.
    @inlinable public static var oneWay: CallOptions { CallOptions(rawValue: 1) }
    /// Doing it twice is doing it once: the caller's policy may ask again after a lost session.
    @inlinable public static var idempotent: CallOptions { CallOptions(rawValue: 2) }
    /// The peer keeps the references of the reply until ``SessionCore/finish(_:)``, so that promises may name them.
    @inlinable public static var keepsAnswer: CallOptions { CallOptions(rawValue: 4) }
    /// The peer says at once that the call has arrived (``SessionEvent/working(_:)``), for calls that take long.
    @inlinable public static var acknowledged: CallOptions { CallOptions(rawValue: 8) }
}
