internal import SkerryCRDT

/// Writes bounds and keys of one session: times as differences within a section, origins by number once they have been named.
struct KeyWriter {
    private var numbers: [UInt64: Int] = [:]
    private var milliseconds: UInt64 = 0
    private var sequences: [UInt64] = []

    mutating func beginSection() {
        milliseconds = 0
        sequences = []
    }

    /// `key` is not before the bound that was written before it in this section. Nil is the end of all keys.
    mutating func bound(_ key: WriteKey?, to writer: inout PacketWriter) {
        guard let key else { return writer.integer(0 as UInt64) }
        let isShort = key.origin.rawValue == 0 && key.sequence == 0
        let form: UInt64 = !isShort ? 2 : key.stamp.count > 0 ? 1 : 0
        writer.integer(((key.stamp.milliseconds &- milliseconds) << 2 | form) + 1)
        milliseconds = key.stamp.milliseconds
        if form > 0 { writer.integer(UInt64(key.stamp.count)) }
        guard form == 2 else { return }
        _ = origin(key.origin.rawValue, to: &writer)
        writer.integer(key.sequence)
    }

    mutating func key(_ key: WriteKey, to writer: inout PacketWriter) {
        writer.signed(Int64(bitPattern: key.stamp.milliseconds &- milliseconds))
        milliseconds = key.stamp.milliseconds
        writer.integer(UInt64(key.stamp.count))
        let number = origin(key.origin.rawValue, to: &writer)
        while sequences.count <= number { sequences.append(0) }
        writer.signed(Int64(bitPattern: key.sequence &- sequences[number]))
        sequences[number] = key.sequence
    }

    private mutating func origin(_ origin: UInt64, to writer: inout PacketWriter) -> Int {
        if let number = numbers[origin] {
            writer.integer(number)
            return number
        }
        let number = numbers.count
        numbers[origin] = number
        writer.integer(number)
        writer.word(origin)
        return number
    }
}

/// Reads what ``KeyWriter`` writes.
struct KeyReader {
    private var origins: [UInt64] = []
    private var milliseconds: UInt64 = 0
    private var sequences: [UInt64] = []

    mutating func beginSection() {
        milliseconds = 0
        sequences = []
    }

    mutating func bound(from reader: inout PacketReader) throws(MalformedPacket) -> WriteKey? {
        let head = try reader.integer()
        guard head > 0 else { return nil }
        let (difference, form) = ((head - 1) >> 2, (head - 1) & 3)
        try advance(by: difference, reader)
        guard form < 3 else { throw reader.fail(.unknown) }
        let count = form > 0 ? try stampCount(&reader) : 0
        let stamp = HybridTimestamp(milliseconds: milliseconds, count: count)
        guard form == 2 else { return WriteKey(startOf: stamp) }
        let number = try origin(&reader)
        return WriteKey(stamp: stamp, origin: OriginID(rawValue: origins[number]), sequence: try reader.integer())
    }

    mutating func key(from reader: inout PacketReader) throws(MalformedPacket) -> WriteKey {
        let difference = try reader.signed()
        try advance(by: UInt64(bitPattern: difference), reader)
        let count = try stampCount(&reader)
        let number = try origin(&reader)
        while sequences.count <= number { sequences.append(0) }
        sequences[number] &+= UInt64(bitPattern: try reader.signed())
        return WriteKey(
            stamp: HybridTimestamp(milliseconds: milliseconds, count: count), origin: OriginID(rawValue: origins[number]),
            sequence: sequences[number])
    }

    private mutating func advance(by difference: UInt64, _ reader: borrowing PacketReader) throws(MalformedPacket) {
        milliseconds &+= difference
        guard milliseconds < 1 << 48 else { throw reader.fail(.order) }
    }

    private func stampCount(_ reader: inout PacketReader) throws(MalformedPacket) -> UInt16 {
        guard let count = UInt16(exactly: try reader.integer()) else { throw reader.fail(.limit) }
        return count
    }

    private mutating func origin(_ reader: inout PacketReader) throws(MalformedPacket) -> Int {
        let number = try reader.integer()
        guard number <= UInt64(origins.count), number < UInt64(ReconciliationLimits.originsMaximum) else { throw reader.fail(.unknown) }
        if number == UInt64(origins.count) { origins.append(try reader.word()) }
        return Int(number)
    }
}
