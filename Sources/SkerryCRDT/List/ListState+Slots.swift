extension ListState {
    /// The slot that a unit made.
    func slot(ofUnit unit: UInt32) -> Int {
        let run = sequence.log.runs[sequence.log.run(ofUnit: unit)]
        return Int(run.content + unit - run.unit)
    }

    /// The items of consecutive units.
    func items(ofUnit unit: UInt32, count: Int) -> UnsafeBufferPointer<UInt8> {
        let first = slot(ofUnit: unit)
        let start = Int(contentOffsets[first])
        let end = first + count < contentOffsets.count ? Int(contentOffsets[first + count]) : content.count
        return UnsafeBufferPointer(start: content.base + start, count: end - start)
    }

    /// Adds a slot for an item; it has no place in the order yet. The moved element, if it is a move, is here.
    mutating func appendSlot(_ item: ListItem, dot: Dot, version: UInt32) {
        var bytes = ByteWriter()
        item.encode(to: &bytes)
        contentOffsets.append(UInt32(content.count))
        content.append(contentsOf: bytes.bytes.elements)
        switch item {
        case .value(let value):
            let number = UInt32(elements.count)
            var register = MultiValue()
            register.write(RegisterEntry(version: version, dot: dot, stamp: .zero, value: value), isSeen: { _ in false })
            elements.append(Element(dot: dot, value: register, slot: UInt32(slots.count)))
            elementNumbers[dot] = number
            slots.append(Slot(element: number, stamp: .zero, dot: dot))
        case .move(let moved, let stamp):
            slots.append(Slot(element: elementNumbers[moved]!, stamp: stamp, dot: dot))
        }
    }

    /// Forgets the newest slots, none of which has a place in the order.
    mutating func truncateSlots(to count: Int) {
        while slots.count > count {
            let slot = slots.removeLast()
            content.truncate(to: Int(contentOffsets.removeLast()))
            if elements[Int(slot.element)].dot == slot.dot {
                elementNumbers[slot.dot] = nil
                elements.removeLast()
            }
        }
    }

    // MARK: - The order

    /// What one step did to the order, enough to tell watchers and to take it back.
    enum Step: Sendable {
        /// A slot got a place, shown at an index or not; another of its element was hidden at an index.
        case placed(slot: Int, position: Int, shownAt: Int?, hid: (slot: Int, index: Int)?, before: UInt32)
        /// A slot lost its place, shown at an index or not; another of its element was hidden at an index.
        case removed(slot: Int, position: Int, shownAt: Int?, hid: (slot: Int, index: Int)?, wasDeleted: Bool)
        case wrote(element: Int, before: MultiValue)
    }

    /// Gives a slot its place.
    mutating func place(_ slot: Int, at position: Int) -> Step {
        let number = Int(slots[slot].element)
        let before = elements[number].slot
        let shown = Int(before)
        var position = position
        var hid: (slot: Int, index: Int)?
        var shows = !elements[number].isDeleted
        if slot != shown {
            let wins = isDefective(.moveByArrival) || (slots[slot].stamp, slots[slot].dot) > (slots[shown].stamp, slots[shown].dot)
            if wins {
                elements[number].slot = UInt32(slot)
                if shows, let index = hide(shown) { hid = (shown, index) }
            }
            shows = shows && wins
        }
        insert(slot, isShown: shows, at: position)
        let shownAt = shows ? shownIndex(before: position) : nil
        position = min(position, order.total.scalars)
        return .placed(slot: slot, position: position, shownAt: shownAt, hid: hid, before: before)
    }

    /// Takes the slot at a position out of the order; its element goes with it, wherever it shows.
    mutating func remove(at position: Int) -> Step {
        let slot = slot(at: position)
        let number = Int(slots[slot].element)
        let wasDeleted = elements[number].isDeleted
        let isShown = elements[number].slot == UInt32(slot) && !wasDeleted
        let shownAt = isShown ? shownIndex(before: position) : nil
        order.delete(at: position, count: 1)
        slots[slot].isDeleted = true
        elements[number].isDeleted = true
        var hid: (slot: Int, index: Int)?
        if !isShown, !wasDeleted, let index = hide(Int(elements[number].slot)) { hid = (Int(elements[number].slot), index) }
        return .removed(slot: slot, position: position, shownAt: shownAt, hid: hid, wasDeleted: wasDeleted)
    }

    /// Takes back the newest step.
    mutating func undo(_ step: Step) {
        switch step {
        case .placed(let slot, let position, _, let hid, let before):
            order.delete(at: position, count: 1)
            elements[Int(slots[slot].element)].slot = before
            if let hid { reveal(hid.slot) }
        case .removed(let slot, let position, let shownAt, let hid, let wasDeleted):
            slots[slot].isDeleted = false
            elements[Int(slots[slot].element)].isDeleted = wasDeleted
            insert(slot, isShown: shownAt != nil, at: position)
            if let hid { reveal(hid.slot) }
        case .wrote(let element, let before):
            elements[element].value = before
        }
    }

    private mutating func reveal(_ slot: Int) {
        guard let position = position(of: slot) else { return }
        order.delete(at: position, count: 1)
        insert(slot, isShown: true, at: position)
    }

    /// Applies a write to an element; it is here.
    mutating func write(_ value: DocumentValue, to element: Dot, entry: RegisterEntry, isSeen: (UInt32) -> Bool) -> Step {
        let number = Int(elementNumbers[element]!)
        let before = elements[number].value
        elements[number].value.write(entry, isSeen: isSeen)
        return .wrote(element: number, before: before)
    }

    mutating func insert(_ slot: Int, isShown: Bool, at position: Int) {
        let name = SlotName.bytes(slot, isShown: isShown)
        withUnsafeBytes(of: name) { bytes in
            let start = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
            order.insert(start, TextMeasure(start, count: 5), at: position)
        }
    }

    /// Hides a slot; returns the index at which it showed. O(n): only moves ask.
    private mutating func hide(_ slot: Int) -> Int? {
        guard let position = position(of: slot) else { return nil }
        let index = shownIndex(before: position)
        order.delete(at: position, count: 1)
        insert(slot, isShown: false, at: position)
        return index
    }

    /// Where a slot stands in the order, nil when it is not there. O(n).
    func position(of wanted: Int) -> Int? {
        var position = 0
        var found: Int?
        order.forEachStretch { stretch in
            if found != nil { return }
            var offset = 0
            while offset < stretch.count {
                if SlotName.slot(stretch.baseAddress! + offset) == wanted {
                    found = position
                    return
                }
                offset += 5
                position += 1
            }
        }
        return found
    }

    mutating func slot(at position: Int) -> Int {
        var bytes = RawArray<UInt8>(capacity: 5)
        order.copy(at: position, count: 1, to: &bytes)
        return SlotName.slot(bytes.base)
    }

    /// How many elements show before a position in the order.
    mutating func shownIndex(before position: Int) -> Int {
        let measure = order.measure(before: position)
        return measure.utf16 - measure.scalars
    }

    /// The position in the order of the element that shows at an index; of the end for the number shown. O(log n).
    mutating func position(ofShown index: Int) -> Int {
        if index == count { return order.total.scalars }
        var low = 0, high = order.total.scalars
        while low < high {
            let middle = (low + high) / 2
            if shownIndex(before: middle + 1) <= index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The elements that show, in order.
    var shown: [Element] {
        var result: [Element] = []
        order.forEachStretch { stretch in
            for offset in stride(from: 0, to: stretch.count, by: 5) where SlotName.isShown(stretch[offset]) {
                result.append(elements[Int(slots[SlotName.slot(stretch.baseAddress! + offset)].element)])
            }
        }
        return result
    }
}
