/// A counter that only grows: each origin its own total, added up.
public struct GCounter: DeltaState {
    /// By origin, what it has added in all.
    public private(set) var totals = StateMap<OriginID, Maximum<UInt64>>()

    public init() {}

    /// The sum of all origins.
    public var value: Int128 { totals.entries.reduce(0) { $0 + Int128($1.value.value ?? 0) } }

    /// Adds an amount in the name of an origin, of which this replica is the only one; returns the delta.
    ///
    /// - Throws: `limitExceeded` when the origin's total would pass 2⁶⁴ - 1; nothing has changed.
    @discardableResult
    public mutating func add(_ amount: UInt64, by origin: OriginID) throws(DocumentError) -> GCounter {
        let (total, overflow) = (totals[origin].value ?? 0).addingReportingOverflow(amount)
        guard !overflow else { throw DocumentError(code: .limitExceeded, message: "the total of origin \(origin) is full") }
        var delta = GCounter()
        if amount > 0 { delta.totals.join(Maximum(total), at: origin) }
        join(delta)
        return delta
    }

    public mutating func join(_ other: GCounter) { totals.join(other.totals) }

    public func covers(_ other: GCounter) -> Bool { totals.covers(other.totals) }
}

extension GCounter: StateCodable {
    public static var stateType: [UInt8] { [0x24] }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: totals.count)
        for entry in totals.entries {
            entry.key.encode(to: &writer)
            writer.write(entry.value.value ?? 0)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        for _ in 0..<(try reader.count(ofAtLeast: 9)) {
            let origin = try OriginID(from: &reader), total = try reader.uint64()
            guard totals.entries.last.map({ $0.key < origin }) ?? true else { throw reader.damaged("origins are out of order") }
            guard total > 0 else { throw reader.damaged("an origin added nothing") }
            totals.entries.append(StateMap.Entry(key: origin, value: Maximum(total)))
        }
    }
}
