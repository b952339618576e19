/// A stamp of a hybrid logical clock: physical milliseconds with a logical count behind them, ordered as one number.
///
/// 48 bits of milliseconds since 1970 (until the year 10889), then a 16-bit count that orders stamps of one millisecond.
/// Kulkarni et al., "Logical Physical Clocks" (2014).
public struct HybridTimestamp: Sendable, Hashable, Comparable, BitwiseCopyable {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(milliseconds: UInt64, count: UInt16) {
        rawValue = milliseconds << 16 | UInt64(count)
    }

    public static let zero = HybridTimestamp(rawValue: 0)

    /// The last millisecond that a stamp can say, in the year 10889.
    public static let millisecondsMaximum: UInt64 = (1 << 48) - 1

    /// Whether a clock can go on from it for the life of any program: it lies more than a year before the last one. Bytes can say others.
    public var isPlausible: Bool { milliseconds < HybridTimestamp.millisecondsMaximum - 366 * 86_400_000 }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: UInt64 { rawValue >> 16 }
    public var count: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    public static func < (left: HybridTimestamp, right: HybridTimestamp) -> Bool { left.rawValue < right.rawValue }
}
