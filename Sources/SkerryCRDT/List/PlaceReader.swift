/// Reads the names of the slots that stand in a list, and whether any stands there twice.
struct PlaceReader: ~Copyable {
    private let origins: SnapshotOrigins
    private var origin = 0
    /// By origin: the sequence after that of its last place.
    private var expected: [UInt64]
    private var numbers = RawArray<UInt32>()
    private var isAscending = true
    private var isDescending = true

    init(_ origins: SnapshotOrigins) {
        self.origins = origins
        expected = Array(repeating: 1, count: origins.dots.count)
    }

    /// The header and the name of the next place; the header without what has been read by it.
    @inline(__always)
    mutating func next(_ reader: inout ByteReader) throws(DocumentError) -> (form: UInt8, dot: Dot) {
        let header = try reader.byte()
        if header & 1 != 0 { origin = try origins.readIndex(&reader) }
        guard origin < expected.count else { throw reader.damaged("a place in a list without events") }
        let known = origins.dots[origin]
        let (sequence, isLarge) = Int(expected[origin]).addingReportingOverflow(try reader.zigzag())
        guard !isLarge, sequence > 0, sequence <= Int(known.sequence) else { throw reader.damaged("an event that is not in the snapshot") }
        expected[origin] = UInt64(sequence) + 1
        note(origins.number(of: origin, sequence: sequence))
        return (header & ~1, Dot(origin: known.origin, sequence: UInt64(sequence)))
    }

    private mutating func note(_ number: UInt32) {
        if numbers.count > 0 {
            let last = numbers[numbers.count - 1]
            isAscending = isAscending && last < number
            isDescending = isDescending && last > number
        }
        numbers.append(number)
    }

    /// Whether no slot came twice. O(n log n) at most.
    consuming func areDistinct() -> Bool {
        if isAscending || isDescending { return true }
        // A bit for each event, unless there are many events for few places.
        guard origins.events / 64 <= 8 * numbers.count else {
            let sorted = numbers.elements.sorted()
            return zip(sorted, sorted.dropFirst()).allSatisfy { $0 != $1 }
        }
        var bits = RawArray<UInt64>()
        bits.append(repeating: 0, count: origins.events / 64 + 1)
        for number in numbers.elements {
            let bit = UInt64(1) << UInt64(number % 64)
            if bits[Int(number / 64)] & bit != 0 { return false }
            bits[Int(number / 64)] |= bit
        }
        return true
    }
}
