/// A counter that goes up and down: what was added and what was taken away are two counters that grow.
///
/// The value is checked, not wrapped: sums are made in 128 bits, and a value outside 64 is told apart from one inside.
public struct PNCounter: DeltaState {
    public private(set) var added = GCounter()
    public private(set) var taken = GCounter()

    public init() {}

    /// The exact sum.
    public var total: Int128 { added.value - taken.value }

    /// The sum, nil when concurrent additions took it out of the range of `Int64`; ``total`` has it then.
    public var value: Int64? { Int64(exactly: total) }

    /// Adds an amount of either sign in the name of an origin, of which this replica is the only one; returns the delta.
    ///
    /// - Throws: `limitExceeded` when the value as it stands here would leave the range of `Int64`, or the origin's totals theirs; nothing
    ///   has changed.
    @discardableResult
    public mutating func add(_ amount: Int64, by origin: OriginID) throws(DocumentError) -> PNCounter {
        guard Int64(exactly: total + Int128(amount)) != nil else {
            throw DocumentError(code: .limitExceeded, message: "a counter at \(total) cannot take \(amount)")
        }
        var delta = PNCounter()
        if amount < 0 {
            delta.taken = try taken.add(amount.magnitude, by: origin)
        } else {
            delta.added = try added.add(amount.magnitude, by: origin)
        }
        return delta
    }

    public mutating func join(_ other: PNCounter) {
        added.join(other.added)
        taken.join(other.taken)
    }

    public func covers(_ other: PNCounter) -> Bool { added.covers(other.added) && taken.covers(other.taken) }
}

extension PNCounter: StateCodable {
    public static var stateType: [UInt8] { [0x25] }

    public func encode(to writer: inout StateWriter) {
        added.encode(to: &writer)
        taken.encode(to: &writer)
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        added = try GCounter(from: &reader)
        taken = try GCounter(from: &reader)
    }
}
