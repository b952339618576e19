/// The origins that a snapshot begins with, each with the number of its events; the states behind them name events by it.
struct SnapshotOrigins: Sendable {
    /// Ascending by origin.
    private(set) var dots: [Dot]
    /// The one asked for last, which most events have again.
    private var last = 0

    /// By origin: events of those before it.
    private var before: [Int] = []
    /// Events of all of them.
    private(set) var events = 0

    init(_ dots: [Dot]) {
        self.dots = dots
        for dot in dots {
            before.append(events)
            events += Int(dot.sequence)
        }
    }

    /// A number from 0 that each event has, in the order of origins and sequences.
    @inline(__always)
    mutating func number(of dot: Dot) -> UInt32 { number(of: index(of: dot.origin), sequence: Int(dot.sequence)) }

    @inline(__always)
    func number(of index: Int, sequence: Int) -> UInt32 { UInt32(before[index] + sequence - 1) }

    /// - Precondition: the origin has an event in the snapshot.
    @inline(__always)
    mutating func index(of origin: OriginID) -> Int {
        if dots[last].origin == origin { return last }
        return search(origin)
    }

    private mutating func search(_ origin: OriginID) -> Int {
        var low = 0, high = dots.count
        while low < high {
            let middle = (low + high) / 2
            if dots[middle].origin < origin { low = middle + 1 } else { high = middle }
        }
        precondition(dots[low].origin == origin, "an event of an origin that the snapshot lacks")
        last = low
        return low
    }

    /// ```
    /// event = origin-index:varint sequence:varint
    /// ```
    @inline(__always)
    mutating func write(_ dot: Dot, to writer: inout ByteWriter) {
        writer.write(varint: index(of: dot.origin))
        writer.write(varint: dot.sequence)
    }

    @inline(__always)
    func readIndex(_ reader: inout ByteReader) throws(DocumentError) -> Int {
        let index = try reader.varint()
        guard index < UInt64(dots.count) else { throw reader.damaged("the number of an origin is too large") }
        return Int(index)
    }

    /// The name of an event that is in the snapshot.
    @inline(__always)
    func read(_ reader: inout ByteReader) throws(DocumentError) -> Dot {
        let known = dots[try readIndex(&reader)]
        let sequence = try reader.varint()
        guard sequence > 0, sequence <= known.sequence else { throw reader.damaged("an event that is not in the snapshot") }
        return Dot(origin: known.origin, sequence: sequence)
    }
}
