import SkerryCRDT

/// Short numbers for the writers that a store has met: eight bytes once, one byte wherever a row names them.
///
/// Numbers count from 0 in the order of first meeting and never change.
struct WriterTable: Sendable {
    private(set) var origins: [OriginID] = []
    private var numbers: [OriginID: UInt64] = [:]

    init() {}

    init(_ origins: [OriginID]) {
        for origin in origins { _ = number(of: origin) }
    }

    /// The number of a writer, new when it was not known.
    mutating func number(of origin: OriginID) -> UInt64 {
        if let number = numbers[origin] { return number }
        let number = UInt64(origins.count)
        origins.append(origin)
        numbers[origin] = number
        return number
    }

    /// Takes a number for a writer whose name is lost.
    mutating func appendUnknown() { _ = number(of: OriginID(rawValue: .max - UInt64(origins.count))) }

    /// The writer of a number; nil when there is none.
    func origin(_ number: UInt64) -> OriginID? {
        number < UInt64(origins.count) ? origins[Int(number)] : nil
    }
}
