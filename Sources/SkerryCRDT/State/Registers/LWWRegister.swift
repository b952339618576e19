/// A register of which the last write stands: the largest by (stamp, origin), and by value where a clock broke its promise.
///
/// A write is lost when another has a larger stamp, seen or not; ``MVRegister`` keeps what it had not seen.
public struct LWWRegister<Value: StateElement>: DeltaState {
    public private(set) var stamp = HybridTimestamp.zero
    public private(set) var origin = OriginID(rawValue: 0)
    /// nil when nobody wrote, or the last write removed it.
    public private(set) var value: Value?

    public init() {}

    public init(_ value: Value?, stamp: HybridTimestamp, origin: OriginID) {
        self.value = value
        self.stamp = stamp
        self.origin = origin
    }

    public static func == (left: LWWRegister, right: LWWRegister) -> Bool { left.covers(right) && right.covers(left) }

    /// Writes a value, or removes it; returns the delta.
    ///
    /// - Parameter stamp: of ``HybridClock/next(now:)``, so larger than that of what stands here; a smaller one changes nothing.
    @discardableResult
    public mutating func write(_ value: Value?, stamp: HybridTimestamp, origin: OriginID) -> LWWRegister {
        let delta = LWWRegister(value, stamp: stamp, origin: origin)
        join(delta)
        return delta
    }

    public mutating func join(_ other: LWWRegister) {
        if isDefective(.registerTieKeepsOwn), other.stamp == stamp, value != nil { return }
        if !covers(other) { self = other }
    }

    public func covers(_ other: LWWRegister) -> Bool {
        if stamp != other.stamp { return stamp > other.stamp }
        if origin != other.origin { return origin > other.origin }
        guard let theirs = other.value else { return true }
        guard let value else { return false }
        return !Value.precedes(value, theirs)
    }
}

extension LWWRegister: StateCodable {
    public static var stateType: [UInt8] { [0x23] + Value.stateType }

    public func encode(to writer: inout StateWriter) {
        writer.write(fixed: stamp.rawValue)
        origin.encode(to: &writer)
        writer.write(optional: value)
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        stamp = HybridTimestamp(rawValue: try reader.fixed64())
        origin = try OriginID(from: &reader)
        value = try reader.optional()
    }
}
