import Synchronization

/// Names a channel in this process. Never used again, not even after the channel is gone, so that it is safe as a key of a table.
@frozen
public struct ChannelID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: UInt64

    @usableFromInline
    init() {
        rawValue = nextChannelID.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    @inlinable
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "channel \(rawValue)" }
}

private let nextChannelID = Atomic<UInt64>(1)
