/// A hybrid logical clock that goes on above every stamp it ever issued, whatever happens to wall time between two lives.
///
/// A *mark* is made durable before stamps are issued, a second ahead of them: one write a second covers any number of stamps. After a
/// start the clock
/// goes on above the mark it finds, so a stamp of a former life that nobody wrote down is never issued again.
///
/// ```swift
/// var clock = DurableClock(mark: try file.readMark() ?? .zero)
/// if let mark = clock.markNeeded(now: now) {
///     try file.write(mark)                                // and sync
///     clock.markWritten(mark)
/// }
/// let stamp = try clock.next(now: now)
/// ```
public struct DurableClock: Sendable {
    /// How far ahead of the next stamp a mark is set, milliseconds.
    public static let markAhead: UInt64 = 1_000

    /// The largest stamp issued or observed, at least the mark of the last life.
    public var highWater: HybridTimestamp { clock.highWater }
    /// The mark that is durable: no stamp above it is issued.
    public private(set) var mark: HybridTimestamp
    private var clock: HybridClock

    /// - Parameters:
    ///   - mark: the one written last, zero when there is none.
    ///   - futureBound: see ``HybridClock/futureBound``.
    public init(mark: HybridTimestamp, futureBound: UInt64 = HybridClock.futureBoundDefault) {
        self.mark = mark
        clock = HybridClock(highWater: mark, futureBound: futureBound)
    }

    /// The mark to make durable before the next stamp, nil while the present one covers it. Asking before it is due, say at half a
    /// ``markAhead``, keeps the write off the path of a stamp.
    ///
    /// - Parameter ahead: milliseconds from now that the mark must cover at least.
    public func markNeeded(now milliseconds: UInt64, ahead: UInt64 = 0) -> HybridTimestamp? {
        var next = clock
        let stamp = next.next(now: milliseconds.addingReportingOverflow(ahead).partialValue)
        if stamp <= mark { return nil }
        return HybridTimestamp(
            milliseconds: min(stamp.milliseconds + DurableClock.markAhead, HybridTimestamp.millisecondsMaximum), count: 0)
    }

    /// Notes that a mark is durable; smaller ones than the present change nothing.
    public mutating func markWritten(_ mark: HybridTimestamp) { self.mark = max(self.mark, mark) }

    /// A stamp greater than every stamp issued or observed before, in this life or a former one.
    ///
    /// - Throws: ``MarkNeeded`` when no durable mark covers it; make its mark durable and ask again. The clock has not moved.
    public mutating func next(now milliseconds: UInt64) throws(MarkNeeded) -> HybridTimestamp {
        if let mark = markNeeded(now: milliseconds) { throw MarkNeeded(mark: mark) }
        return clock.next(now: milliseconds)
    }

    /// Takes note of a stamp made elsewhere, so that the next own one is greater.
    ///
    /// - Throws: as ``HybridClock/observe(_:now:)``.
    public mutating func observe(_ stamp: HybridTimestamp, now milliseconds: UInt64) throws(HybridClock.FutureStamp) {
        try clock.observe(stamp, now: milliseconds)
    }

    /// No durable mark covers the next stamp.
    public struct MarkNeeded: Error, Sendable, Hashable {
        /// What to make durable first.
        public var mark: HybridTimestamp
    }
}
