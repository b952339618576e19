/// A hybrid logical clock: stamps never run backwards, never repeat, and stay close to wall time while wall time behaves.
///
/// A value: wall time comes in as an argument. Keep the largest stamp that was made durable and give it to ``init(highWater:)`` on start.
public struct HybridClock: Sendable {
    /// How far ahead of wall time a foreign stamp may be, milliseconds.
    public static let futureBoundDefault: UInt64 = 60_000
    /// The most that ``futureBound`` may be: a clock that is ten minutes off is broken.
    public static let futureBoundMaximum: UInt64 = 600_000

    /// The largest stamp issued or observed.
    public private(set) var highWater: HybridTimestamp
    /// How far ahead of wall time a foreign stamp may be, milliseconds, at most ``futureBoundMaximum``.
    public var futureBound: UInt64 {
        didSet { futureBound = min(futureBound, HybridClock.futureBoundMaximum) }
    }

    public init(highWater: HybridTimestamp = .zero, futureBound: UInt64 = HybridClock.futureBoundDefault) {
        self.highWater = highWater
        self.futureBound = min(futureBound, HybridClock.futureBoundMaximum)
    }

    /// A stamp greater than every stamp issued or observed before. A full count carries into the milliseconds.
    ///
    /// - Precondition: the high-water mark is not the last stamp there is, which ``observe(_:now:)`` and ``HybridTimestamp/isPlausible``
    ///   keep away.
    public mutating func next(now milliseconds: UInt64) -> HybridTimestamp {
        let physical = HybridTimestamp(milliseconds: min(milliseconds, HybridTimestamp.millisecondsMaximum), count: 0)
        if isDefective(.countWraps), physical <= highWater {
            highWater = HybridTimestamp(milliseconds: highWater.milliseconds, count: highWater.count &+ 1)
            return highWater
        }
        highWater = physical > highWater ? physical : HybridTimestamp(rawValue: highWater.rawValue + 1)
        return highWater
    }

    /// Takes note of a stamp made elsewhere, so that the next own one is greater.
    ///
    /// - Throws: ``FutureStamp`` when it lies further ahead than ``futureBound``; the clock has not moved, the stamp waits.
    public mutating func observe(_ stamp: HybridTimestamp, now milliseconds: UInt64) throws(FutureStamp) {
        let bound = milliseconds.addingReportingOverflow(futureBound)
        guard bound.overflow || stamp.milliseconds <= bound.partialValue, stamp.isPlausible || stamp.milliseconds <= milliseconds else {
            if isDefective(.futureAdopted) {
                highWater = max(highWater, stamp)
                return
            }
            throw FutureStamp(stamp: stamp, now: milliseconds)
        }
        highWater = max(highWater, stamp)
    }

    /// Takes note of an own stamp read back from the log, whatever wall time says now.
    public mutating func restore(_ stamp: HybridTimestamp) {
        highWater = max(highWater, stamp)
    }

    /// How far wall time lies behind the high-water mark, milliseconds.
    public func lag(now milliseconds: UInt64) -> UInt64 {
        highWater.milliseconds > milliseconds ? highWater.milliseconds - milliseconds : 0
    }

    /// A stamp from too far in the future.
    public struct FutureStamp: Error, Sendable, Hashable {
        public var stamp: HybridTimestamp
        public var now: UInt64
    }
}
