extension DocumentCore {
    /// Deletes scalars of a text and inserts UTF-8 in their place, as an own event that follows everything here.
    @inline(__always)
    mutating func edit(
        text container: UInt32, at position: Int, deleting deleted: Int, inserting source: UnsafeBufferPointer<UInt8>
    ) {
        if deleted == 0, source.count == 0 { return }
        let slot = containers.slot(of: container)
        own(container, from: graph.count)
        touch(container)
        if isWatched {
            noteText(at: position, deleting: deleted, inserting: String(decoding: source, as: UTF8.self), of: container)
        }
        journal.begin(container: container, position: position)
        if deleted > 0 {
            let version = graph.count
            graph.appendLocal(deleted, origin: originNumber)
            texts[slot].sequence.log.appendDeletion(version: version, position: position, count: deleted)
            texts[slot].sequence.count -= deleted
            journal.deleted(deleted, at: position, of: &texts[slot].rope)
            texts[slot].rope.delete(at: position, count: deleted)
        }
        if let start = source.baseAddress, source.count > 0 {
            let measure = TextMeasure(start, count: source.count)
            let version = graph.count
            graph.appendLocal(measure.scalars, origin: originNumber)
            texts[slot].sequence.log.appendInsertion(
                version: version, position: position, count: measure.scalars, content: texts[slot].content.count)
            texts[slot].content.append(contentsOf: source)
            texts[slot].sequence.count += measure.scalars
            texts[slot].rope.insert(start, measure, at: position)
            journal.inserted(measure.scalars)
        }
    }

    /// Writes a value, as an own event that follows everything here.
    mutating func write(_ event: ValueEvent, to container: UInt32) {
        let slot = containers.slot(of: container)
        let kind = containers.kind(of: container)
        var payload = ByteWriter()
        event.encode(for: kind, to: &payload)
        own(container, from: graph.count)
        touch(container)
        let version = graph.count
        graph.appendLocal(1, origin: originNumber)
        let dot = graph.dot(of: version)
        if kind == .list {
            lists[slot].log.append(version: version, payload.bytes.elements)
            guard case .element(let element, let stamp, let value) = event else { preconditionFailure("a list takes element writes") }
            let step = lists[slot].write(
                value, to: element, entry: RegisterEntry(version: UInt32(version), dot: dot, stamp: stamp, value: value),
                isSeen: { _ in true })
            journal.steps.append((container, step))
            noteStep(step, of: container)
        } else {
            values[slot].log.append(version: version, payload.bytes.elements)
            let effect = values[slot].apply(event, dot: dot, version: UInt32(version), isSeen: { _ in true })
            journal.effects.append((container, effect))
            noteValue(effect, of: container)
        }
    }

    /// Inserts one item into a list before a position of its order.
    mutating func insert(_ item: ListItem, into container: UInt32, at position: Int) {
        let slot = containers.slot(of: container)
        own(container, from: graph.count)
        touch(container)
        let version = graph.count
        graph.appendLocal(1, origin: originNumber)
        let new = lists[slot].slots.count
        lists[slot].sequence.log.appendInsertion(version: version, position: position, count: 1, content: new)
        lists[slot].sequence.count += 1
        lists[slot].appendSlot(item, dot: graph.dot(of: version), version: UInt32(version))
        let step = lists[slot].place(new, at: position)
        journal.steps.append((container, step))
        noteStep(step, of: container)
    }

    /// Deletes the slot at a position of a list's order.
    mutating func remove(from container: UInt32, at position: Int) {
        let slot = containers.slot(of: container)
        own(container, from: graph.count)
        touch(container)
        let version = graph.count
        graph.appendLocal(1, origin: originNumber)
        lists[slot].sequence.log.appendDeletion(version: version, position: position, count: 1)
        lists[slot].sequence.count -= 1
        let step = lists[slot].remove(at: position)
        journal.steps.append((container, step))
        noteStep(step, of: container)
    }

    /// A stamp for a write, greater than every stamp here.
    mutating func nextStamp() -> HybridTimestamp { clock.next(now: now()) }
}
