/// A map, register, counter or set: what happened to it, and what it says now.
struct ValueState: ~Copyable, Sendable {
    let kind: ContainerKind
    var log = ValueLog()
    /// Maps by key; a register has the empty one.
    var registers: [String: MultiValue] = [:]
    var sum: Int64 = 0
    /// Sets: causal length by member.
    var lengths: [DocumentValue: UInt64] = [:]

    init(kind: ContainerKind) { self.kind = kind }

    /// What an event changed, with what was there before.
    enum Effect: Sendable {
        case key(String, before: MultiValue?)
        case counted(Int64)
        case member(DocumentValue, before: UInt64)
    }

    /// - Parameter isSeen: whether the event had seen the one with a local version.
    mutating func apply(_ event: ValueEvent, dot: Dot, version: UInt32, isSeen: (UInt32) -> Bool) -> Effect {
        switch event {
        case .write(let key, let stamp, let value):
            let before = registers[key]
            registers[key, default: MultiValue()].write(
                RegisterEntry(version: version, dot: dot, stamp: stamp, value: value), isSeen: isSeen)
            return .key(key, before: before)
        case .add(let amount):
            sum &+= amount
            return .counted(amount)
        case .member(let value, let length):
            let before = lengths[value] ?? 0
            if length > before { lengths[value] = length }
            return .member(value, before: before)
        case .element, .mark:
            preconditionFailure("only lists have elements, only texts have marks")
        }
    }

    mutating func undo(_ effect: Effect) {
        switch effect {
        case .key(let key, let before): registers[key] = before
        case .counted(let amount): sum &-= amount
        case .member(let value, let before): lengths[value] = before == 0 ? nil : before
        }
    }

    // MARK: - Snapshots

    func encodeState(to writer: inout ByteWriter) {
        switch kind {
        case .counter: writer.write(varint: UInt64(bitPattern: sum << 1 ^ sum >> 63))
        case .set:
            // Sorted by encoding, so that equal sets have equal bytes.
            let members = lengths.map { member, length in
                var bytes = ByteWriter()
                member.encode(to: &bytes)
                bytes.write(varint: length)
                return bytes.finish()
            }
            writer.write(varint: members.count)
            for member in members.sorted(by: { $0.lexicographicallyPrecedes($1) }) { member.withUnsafeBufferPointer { writer.write($0) } }
        default:
            writer.write(varint: registers.count)
            encodeRegisters(to: &writer)
        }
    }

    /// Written as they come, then put in order: the keys and values of a large map lie all over the memory and are looked at once.
    private func encodeRegisters(to writer: inout ByteWriter) {
        var entries = ByteWriter()
        var keys: [Range<UInt32>] = []
        var ends: [Int] = []
        // About what a short key and value take, so that little is moved on the way; pages not reached cost nothing.
        entries.bytes.reserve(96 * registers.count)
        keys.reserveCapacity(registers.count)
        ends.reserveCapacity(registers.count)
        for (key, value) in registers {
            entries.write(string: key)
            let end = UInt32(entries.bytes.count)
            keys.append(end - UInt32(key.utf8.count)..<end)
            value.encode(to: &entries)
            ends.append(entries.bytes.count)
        }
        writer.bytes.reserve(writer.bytes.count + entries.bytes.count)
        let order = keys.withUnsafeBufferPointer { ByteOrder.indices(of: $0, in: entries.bytes.elements) }
        for index in order {
            let start = index == 0 ? 0 : ends[index - 1]
            writer.write(UnsafeBufferPointer(rebasing: entries.bytes.elements[start..<ends[index]]))
        }
    }

    mutating func decodeState(_ reader: inout ByteReader, version: UInt32) throws(DocumentError) {
        switch kind {
        case .counter:
            let bits = try reader.varint()
            sum = Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
        case .set:
            for _ in 0..<(try reader.count(atMost: reader.remaining / 2, "the number of members")) {
                let member = try DocumentValue(&reader)
                let length = try reader.varint()
                guard length > 0, length < 1 << 48, lengths.updateValue(length, forKey: member) == nil else {
                    throw reader.damaged("a member stands there twice or never")
                }
            }
        default:
            for _ in 0..<(try reader.count(atMost: reader.remaining / 2, "the number of keys")) {
                let key = try reader.string(atMost: UpdateDecoder.keyMaximum)
                let value = try MultiValue(&reader, version: version)
                guard !value.entries.isEmpty, kind == .map || key.isEmpty, registers.updateValue(value, forKey: key) == nil else {
                    throw reader.damaged("a key stands there twice or without a write")
                }
            }
        }
    }
}
