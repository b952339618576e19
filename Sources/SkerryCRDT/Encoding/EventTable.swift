/// What stands beside events that are numbered from 0: an array where many of them have something, else a hash table.
struct EventTable: ~Copyable {
    private var dense = RawArray<UInt32>()
    private var sparse: [UInt32: UInt32] = [:]
    private let isDense: Bool

    private static let none = UInt32.max

    /// - Parameters:
    ///   - events: one more than the largest number.
    ///   - entries: about how many will have something.
    init(events: Int, entries: Int) {
        isDense = events <= 16 * entries
        if isDense { dense.append(repeating: Self.none, count: events) } else { sparse.reserveCapacity(entries) }
    }

    /// nil where there is nothing.
    subscript(event: UInt32) -> UInt32? {
        @inline(__always) get {
            if !isDense { return sparse[event] }
            let value = dense[Int(event)]
            return value == Self.none ? nil : value
        }
        @inline(__always) set { if isDense { dense[Int(event)] = newValue ?? Self.none } else { sparse[event] = newValue } }
    }
}
