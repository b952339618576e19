/// A map, register, counter or set: what happened to it, and what it says now.
struct ValueState: ~Copyable, Sendable {
    let kind: ContainerKind
    var log = ValueLog()
    /// Maps by key; a register has the empty one.
    var registers = RegisterMap()
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
            registers.update(key) { register in
                register.write(RegisterEntry(version: version, dot: dot, stamp: stamp, value: value), isSeen: isSeen)
            }
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

    func encodeState(to writer: inout ByteWriter, origins: inout SnapshotOrigins) {
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
            encodeRegisters(to: &writer, origins: &origins)
        }
    }

    /// In the order of the events that wrote them last: that of the keys, where none was written to since.
    private func encodeRegisters(to writer: inout ByteWriter, origins: inout SnapshotOrigins) {
        // About what a short key and value take, so that little is moved on the way; pages not reached cost nothing.
        writer.bytes.reserve(writer.bytes.count + 96 * registers.count)
        var events = RawArray<UInt32>(capacity: registers.count)
        var isAscending = true
        for number in 0..<registers.count {
            guard let dot = registers.registers[number].winnerDot else { preconditionFailure("a key without a write") }
            let event = origins.number(of: dot)
            isAscending = isAscending && (events.isEmpty || events[number - 1] < event)
            events.append(event)
        }
        if isAscending {
            for number in 0..<registers.count { encodeRegister(number, to: &writer, origins: &origins) }
            return
        }
        var order = EventPlaces(count: registers.count, events: origins.events)
        for number in 0..<registers.count { order.add(events[number]) }
        order.forEach { encodeRegister($0, to: &writer, origins: &origins) }
    }

    private func encodeRegister(_ number: Int, to writer: inout ByteWriter, origins: inout SnapshotOrigins) {
        writer.write(string: registers.keys[number])
        registers.registers[number].encode(to: &writer, origins: &origins)
    }

    mutating func decodeState(_ reader: inout ByteReader, version: UInt32, origins: SnapshotOrigins) throws(DocumentError) {
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
            let count = try reader.count(atMost: reader.remaining / 13, "the number of keys")
            registers.reserveCapacity(min(count, reader.remaining / 24))
            for _ in 0..<count {
                let key = try reader.string(atMost: UpdateDecoder.keyMaximum)
                let value = try MultiValue(&reader, version: version, origins: origins)
                guard value.winner != nil, kind == .map || key.isEmpty, registers.insert(key, value) else {
                    throw reader.damaged("a key stands there twice or without a write")
                }
            }
        }
    }
}
