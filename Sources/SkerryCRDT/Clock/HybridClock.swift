/// A hybrid logical clock: stamps never run backwards, never repeat, and stay close to wall time while wall time behaves.
///
/// A value: wall time comes in as an argument. Keep the largest stamp that was made durable and give it to ``init(highWater:)`` on start.
public struct HybridClock: Sendable {
    /// How far ahead of wall time a foreign stamp may be, milliseconds.
    public static let futureBoundDefault: UInt64 = 60_000

    /// The largest stamp issued or observed.
    public private(set) var highWater: HybridTimestamp
    public var futureBound: UInt64

    public init(highWater: HybridTimestamp = .zero, futureBound: UInt64 = HybridClock.futureBoundDefault) {
        self.highWater = highWater
        self.futureBound = futureBound
    }

    /// A stamp greater than every stamp issued or observed before. A full count carries into the milliseconds.
    public mutating func next(now milliseconds: UInt64) -> HybridTimestamp {
        let physical = HybridTimestamp(milliseconds: milliseconds, count: 0)
        highWater = physical > highWater ? physical : HybridTimestamp(rawValue: highWater.rawValue + 1)
        return highWater
    }

    /// Takes note of a stamp made elsewhere, so that the next own one is greater.
    ///
    /// - Throws: ``FutureStamp`` when it lies further ahead than ``futureBound``; the clock has not moved, the stamp waits.
    public mutating func observe(_ stamp: HybridTimestamp, now milliseconds: UInt64) throws(FutureStamp) {
        guard stamp.milliseconds <= milliseconds + futureBound else {
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
