extension ListState {
    /// What a place of a snapshot holds.
    private enum Form: UInt8 {
        /// The element that was inserted there, with the value it was inserted with.
        case value = 0
        /// The element that was inserted there, with what was written to it since.
        case writes = 2
        /// An element that was inserted there, deleted elsewhere.
        case deleted = 4
        /// An element that was moved there.
        case move = 6
    }

    /// What stands in the list: slots without a place are deleted for good, and so are elements that have none. So a queue costs what waits in
    /// it, not what has been through it.
    ///
    /// ```
    /// list    = places:varint place*
    /// place   = header:1 [origin-index:varint] zigzag payload
    /// payload = value | writes | nothing | stamp:8 event
    /// ```
    borrowing func encodeState(to writer: inout ByteWriter, origins: inout SnapshotOrigins) {
        // About what short values take, so that little is moved on the way; pages not reached cost nothing.
        writer.bytes.reserve(writer.bytes.count + 32 * order.count)
        writer.write(varint: order.count)
        var last = 0
        var expected = [UInt64](repeating: 1, count: origins.dots.count)
        order.forEach { number, _ in
            let slot = slots[number]
            let element = Int(slot.element)
            let isOwn = elements[element].dot == slot.dot
            let form: Form =
                if !isOwn { .move } else if elements[element].isDeleted { .deleted } else {
                    elements[element].value.isPlain(slot.dot) ? .value : .writes
                }
            let origin = origins.index(of: slot.dot.origin)
            writer.write(form.rawValue | (origin == last ? 0 : 1))
            if origin != last { writer.write(varint: origin) }
            last = origin
            writer.write(zigzag: Int(slot.dot.sequence) - Int(expected[origin]))
            expected[origin] = slot.dot.sequence + 1
            switch form {
            case .value: elements[element].value.winner?.value?.encode(to: &writer)
            case .writes: elements[element].value.encode(to: &writer, origins: &origins)
            case .deleted: break
            case .move:
                writer.write(fixed: slot.stamp.rawValue)
                origins.write(elements[element].dot, to: &writer)
            }
        }
    }

    mutating func decodeState(_ reader: inout ByteReader, version: UInt32, origins: SnapshotOrigins) throws(DocumentError) {
        let count = try reader.count(atMost: min(Self.slotMaximum, reader.remaining / 2), "the length of a list")
        var places = PlaceReader(origins)
        var moves: [(slot: Int, element: Dot)] = []
        elements.reserveCapacity(min(count, reader.remaining / 4))
        slots.reserve(count)
        contentOffsets.reserve(count)
        for _ in 0..<count {
            let (form, dot) = try places.next(&reader)
            guard let form = Form(rawValue: form) else { throw reader.damaged("an unknown form of place") }
            var slot = Slot(element: UInt32(elements.count), stamp: .zero, dot: dot)
            switch form {
            case .value:
                let entry = RegisterEntry(version: version, dot: dot, stamp: .zero, value: try DocumentValue(&reader))
                appendElement(dot, MultiValue(entry))
            case .writes:
                let value = try MultiValue(&reader, version: version, origins: origins)
                guard value.winner != nil else { throw reader.damaged("an element without a write") }
                appendElement(dot, value)
            case .deleted: appendElement(dot, nil)
            case .move:
                slot.stamp = HybridTimestamp(rawValue: try reader.fixed64())
                moves.append((slots.count, try origins.read(&reader)))
            }
            slots.append(slot)
            contentOffsets.append(0)
        }
        guard places.areDistinct() else { throw reader.damaged("a slot has two places") }
        if !moves.isEmpty { try decodeMoves(moves, origins, reader) }
        order = SlotOrder(count: count) { slot in
            let element = Int(slots[slot].element)
            return elements[element].slot == UInt32(slot) && !elements[element].isDeleted
        }
        sequence.count = count
    }

    /// Adds an element to which the next slot belongs; a deleted one has no value.
    private mutating func appendElement(_ dot: Dot, _ value: MultiValue?) {
        elements.append(Element(dot: dot, value: value ?? MultiValue(), slot: UInt32(slots.count), isDeleted: value == nil))
    }

    /// Gives moved slots their elements. One that stands nowhere by itself was deleted there.
    private mutating func decodeMoves(
        _ moves: [(slot: Int, element: Dot)], _ origins: SnapshotOrigins, _ reader: ByteReader
    ) throws(DocumentError) {
        var origins = origins
        var numbers = EventTable(events: origins.events, entries: slots.count)
        for number in elements.indices { numbers[origins.number(of: elements[number].dot)] = UInt32(number) }
        // Made for the first move of an element that stands nowhere by itself; few lists have any.
        var moved: Set<Dot>?
        for (slot, dot) in moves {
            let event = origins.number(of: dot)
            guard let number = numbers[event] else {
                let known = moved ?? Set(moves.map { slots[$0.slot].dot })
                guard !known.contains(dot) else { throw reader.damaged("a move of a move") }
                moved = known
                slots[slot].element = UInt32(elements.count)
                numbers[event] = UInt32(elements.count)
                elements.append(Element(dot: dot, value: MultiValue(), slot: UInt32(slot), isDeleted: true))
                continue
            }
            slots[slot].element = number
            let shown = slots[Int(elements[Int(number)].slot)]
            if (slots[slot].stamp, slots[slot].dot) > (shown.stamp, shown.dot) { elements[Int(number)].slot = UInt32(slot) }
        }
    }

    // MARK: - History

    /// Whether another state of the same list, made from its history, knows every slot and element of this one.
    mutating func isKnown(to fresh: inout ListState) -> Bool {
        var known = Set<Dot>(minimumCapacity: fresh.slots.count)
        for slot in fresh.slots.elements { known.insert(slot.dot) }
        for slot in slots.elements where !known.contains(slot.dot) { return false }
        for index in elements.indices where fresh.number(of: elements[index].dot) == nil { return false }
        return true
    }

    /// Takes over the log of another state of the same list, whose slots came in another order, and keeps what this one says. What this one does
    /// not know has been deleted.
    mutating func adopt(_ fresh: inout ListState, graph: borrowing EventGraph) {
        swap(&sequence.log, &fresh.sequence.log)
        swap(&log, &fresh.log)
        sequence.tracker.drop()
        var numbers: [Dot: UInt32] = [:]
        for number in 0..<fresh.slots.count {
            numbers[fresh.slots[number].dot] = UInt32(number)
            fresh.slots[number].isDeleted = true
        }
        for number in fresh.elements.indices { fresh.elements[number].isDeleted = true }
        for number in 0..<slots.count {
            let new = Int(numbers[slots[number].dot]!)
            fresh.slots[new].isDeleted = slots[number].isDeleted
        }
        for element in elements {
            let number = fresh.number(of: element.dot)!
            fresh.elements[number].isDeleted = element.isDeleted
            fresh.elements[number].slot = numbers[slots[Int(element.slot)].dot]!
            // A deleted one may have come without its value.
            guard element.value.winner != nil else { continue }
            fresh.elements[number].value = element.value
            fresh.elements[number].value.renumber(graph)
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
        for (position, dot) in dots.enumerated() {
            let slot = Int(numbers[dot]!)
            let element = Int(slots[slot].element)
            order.insert(slot, isShown: !elements[element].isDeleted && elements[element].slot == UInt32(slot), at: position)
        }
    }
}
