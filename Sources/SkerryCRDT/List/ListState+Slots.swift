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
        appendSlot(item, encoded: bytes.bytes.elements, dot: dot, version: version)
    }

    /// As ``appendSlot(_:dot:version:)``, with the item's encoding at hand.
    mutating func appendSlot(_ item: ListItem, encoded: UnsafeBufferPointer<UInt8>, dot: Dot, version: UInt32) {
        contentOffsets.append(UInt32(content.count))
        content.append(contentsOf: encoded)
        switch item {
        case .value(let value):
            let number = UInt32(elements.count)
            let register = MultiValue(RegisterEntry(version: version, dot: dot, stamp: .zero, value: value))
            elements.append(Element(dot: dot, value: register, slot: UInt32(slots.count)))
            slots.append(Slot(element: number, stamp: .zero, dot: dot))
        case .move(let moved, let stamp):
            slots.append(Slot(element: UInt32(number(of: moved)!), stamp: stamp, dot: dot))
        }
    }

    /// Forgets the newest slots, none of which has a place in the order.
    mutating func truncateSlots(to count: Int) {
        while slots.count > count {
            let slot = slots.removeLast()
            content.truncate(to: Int(contentOffsets.removeLast()))
            if elements[Int(slot.element)].dot == slot.dot {
                removeLastElement()
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
        var hid: (slot: Int, index: Int)?
        if isDefective(.moveRevivesDeleted), slot != shown { elements[number].isDeleted = false }
        var shows = !elements[number].isDeleted
        if slot != shown {
            let wins = isDefective(.moveByArrival) || (slots[slot].stamp, slots[slot].dot) > (slots[shown].stamp, slots[shown].dot)
            if wins {
                elements[number].slot = UInt32(slot)
                if shows, let index = hide(shown) { hid = (shown, index) }
            }
            shows = shows && wins
        }
        order.insert(slot, isShown: shows, at: position)
        let shownAt = shows ? order.shownIndex(before: position) : nil
        return .placed(slot: slot, position: position, shownAt: shownAt, hid: hid, before: before)
    }

    /// Takes the slot at a position out of the order; its element goes with it, wherever it shows.
    mutating func remove(at position: Int) -> Step {
        let slot = order.slot(at: position)
        let number = Int(slots[slot].element)
        let wasDeleted = elements[number].isDeleted
        let isShown = elements[number].slot == UInt32(slot) && !wasDeleted
        let shownAt = isShown ? order.shownIndex(before: position) : nil
        order.remove(at: position)
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
            order.remove(at: position)
            elements[Int(slots[slot].element)].slot = before
            if let hid { order.show(hid.slot, true) }
        case .removed(let slot, let position, let shownAt, let hid, let wasDeleted):
            slots[slot].isDeleted = false
            elements[Int(slots[slot].element)].isDeleted = wasDeleted
            order.insert(slot, isShown: shownAt != nil, at: position)
            if let hid { order.show(hid.slot, true) }
        case .wrote(let element, let before):
            elements[element].value = before
        }
    }

    /// Applies a write to an element; it is here.
    mutating func write(_ value: DocumentValue, to element: Dot, entry: RegisterEntry, isSeen: (UInt32) -> Bool) -> Step {
        let number = number(of: element)!
        let before = elements[number].value
        elements[number].value.write(entry, isSeen: isSeen)
        return .wrote(element: number, before: before)
    }

    /// Hides a slot; returns the index at which it showed.
    private mutating func hide(_ slot: Int) -> Int? {
        guard let position = order.position(of: slot) else { return nil }
        let index = order.shownIndex(before: position)
        order.show(slot, false)
        return index
    }

    /// The elements that show, in order.
    var shown: [Element] {
        var result: [Element] = []
        result.reserveCapacity(count)
        order.forEach { slot, isShown in
            if isShown { result.append(elements[Int(slots[slot].element)]) }
        }
        return result
    }
}
