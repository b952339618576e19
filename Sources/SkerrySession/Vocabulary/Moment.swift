/// A point of a monotonic clock, in nanoseconds since a zero that the clock chooses.
///
/// The core reads no clock: whoever drives it passes the moment of each event. Moments of one session come from one clock and never go back;
/// a core that is given an earlier moment than before treats it as the earlier one and harms nothing.
@frozen
public struct Moment: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nanoseconds since the clock's zero.
    public var nanoseconds: Int64

    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The clock's zero.
    @inlinable public static var zero: Moment { Moment(nanoseconds: 0) }
    /// Later than any moment of a run.
    @inlinable public static var distantFuture: Moment { Moment(nanoseconds: .max) }

    @inlinable
    public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    /// `duration` later, or the distant future where that would not fit.
    @inlinable
    public static func + (moment: Moment, duration: Duration) -> Moment {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return overflow ? .distantFuture : Moment(nanoseconds: sum)
    }

    @inlinable
    public static func - (left: Moment, right: Moment) -> Duration {
        .nanoseconds(left.nanoseconds.subtractingReportingOverflow(right.nanoseconds).partialValue)
    }

    public var description: String { "\(nanoseconds) ns" }
}

extension Duration {
    /// Whole nanoseconds, held to what 64 bits carry (292 years).
    @inlinable
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }
}
