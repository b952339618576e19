extension ListState {
    /// ```
    /// list    = elements:varint element* slots:varint slot* order:varint slot-index:varint*
    /// element = origin:8 sequence:varint deleted:1 slot-index:varint register
    /// slot    = origin:8 sequence:varint deleted:1 element-index:varint stamp:8
    /// ```
    borrowing func encodeState(to writer: inout ByteWriter) {
        // About what short values take, so that little is moved on the way; pages not reached cost nothing.
        writer.bytes.reserve(writer.bytes.count + 64 * elements.count + 32 * slots.count)
        writer.write(varint: elements.count)
        for index in elements.indices {
            Self.write(elements[index].dot, elements[index].isDeleted, Int(elements[index].slot), to: &writer)
            elements[index].value.encode(to: &writer)
        }
        writer.write(varint: slots.count)
        for slot in slots.elements {
            Self.write(slot.dot, slot.isDeleted, Int(slot.element), to: &writer)
            writer.write(fixed: slot.stamp.rawValue)
        }
        writer.write(varint: order.count)
        order.forEach { slot, _ in writer.write(varint: slot) }
    }

    private static func write(_ dot: Dot, _ isDeleted: Bool, _ number: Int, to writer: inout ByteWriter) {
        writer.write(fixed: dot.origin.rawValue)
        writer.write(varint: dot.sequence)
        writer.write(isDeleted ? 1 : 0)
        writer.write(varint: number)
    }

    mutating func decodeState(_ reader: inout ByteReader, version: UInt32) throws(DocumentError) {
        let elementCount = try reader.count(atMost: reader.remaining / 12, "the number of elements")
        elements.reserveCapacity(elementCount)
        for _ in 0..<elementCount {
            let (dot, isDeleted, slot) = try Self.read(&reader)
            elements.append(Element(dot: dot, value: try MultiValue(&reader, version: version), slot: UInt32(slot), isDeleted: isDeleted))
        }
        guard hasDistinctElements() else { throw reader.damaged("an element stands there twice") }
        let slotCount = try reader.count(atMost: min(Self.slotMaximum, reader.remaining / 19), "the number of slots")
        for _ in 0..<slotCount {
            let (dot, isDeleted, element) = try Self.read(&reader)
            guard element < elementCount else { throw reader.damaged("a slot of no element") }
            slots.append(
                Slot(element: UInt32(element), isDeleted: isDeleted, stamp: HybridTimestamp(rawValue: try reader.fixed64()), dot: dot))
            contentOffsets.append(0)
        }
        for (number, element) in elements.enumerated() {
            guard element.slot < slotCount, Int(slots[Int(element.slot)].element) == number else {
                throw reader.damaged("an element in no slot")
            }
        }
        try decodeOrder(&reader)
    }

    private mutating func decodeOrder(_ reader: inout ByteReader) throws(DocumentError) {
        let count = try reader.count(atMost: min(slots.count, reader.remaining), "the length of a list")
        var isPlaced = [Bool](repeating: false, count: slots.count)
        for position in 0..<count {
            let slot = try reader.count(atMost: slots.count - 1, "the number of a slot")
            guard !isPlaced[slot], !slots[slot].isDeleted else { throw reader.damaged("a slot has two places") }
            isPlaced[slot] = true
            append(slot, at: position)
        }
        for element in elements where !element.isDeleted && !isPlaced[Int(element.slot)] { throw reader.damaged("an element has no place") }
        sequence.count = count
    }

    /// Puts a slot at the end of the order, shown if its element shows there.
    private mutating func append(_ slot: Int, at position: Int) {
        let element = elements[Int(slots[slot].element)]
        order.insert(slot, isShown: !element.isDeleted && element.slot == UInt32(slot), at: position)
    }

    private static func read(_ reader: inout ByteReader) throws(DocumentError) -> (dot: Dot, isDeleted: Bool, number: Int) {
        let dot = Dot(origin: OriginID(rawValue: try reader.fixed64()), sequence: try reader.varint())
        let flag = try reader.byte()
        guard flag <= 1, dot.sequence > 0 else { throw reader.damaged("an unknown flag") }
        return (dot, flag == 1, try reader.count(atMost: Self.slotMaximum, "the number of a slot"))
    }

    /// Takes over the log of another state of the same list, whose slots came in another order, and keeps what this one says.
    mutating func adopt(_ fresh: inout ListState, graph: borrowing EventGraph) {
        swap(&sequence.log, &fresh.sequence.log)
        swap(&log, &fresh.log)
        sequence.tracker.drop()
        var numbers: [Dot: UInt32] = [:]
        for number in 0..<fresh.slots.count { numbers[fresh.slots[number].dot] = UInt32(number) }
        for number in 0..<slots.count {
            let new = Int(numbers[slots[number].dot]!)
            fresh.slots[new].isDeleted = slots[number].isDeleted
        }
        for element in elements {
            let number = fresh.number(of: element.dot)!
            fresh.elements[number].value = element.value
            fresh.elements[number].value.renumber(graph)
            fresh.elements[number].isDeleted = element.isDeleted
            fresh.elements[number].slot = numbers[slots[Int(element.slot)].dot]!
        }
        var old: [Int] = []
        order.forEach { slot, _ in old.append(slot) }
        let dots = old.map { slots[$0].dot }
        swap(&content, &fresh.content)
        swap(&contentOffsets, &fresh.contentOffsets)
        swap(&slots, &fresh.slots)
        swap(&elements, &fresh.elements)
        renumberElements()
        order = SlotOrder()
        for (position, dot) in dots.enumerated() { append(Int(numbers[dot]!), at: position) }
    }
}
