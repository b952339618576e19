extension DocumentCore {
    /// Deletes scalars of a text and inserts UTF-8 in their place, as an own event that follows everything here.
    @inline(__always)
    mutating func edit(
        text container: UInt32, at position: Int, deleting deleted: Int, inserting source: UnsafeBufferPointer<UInt8>
    ) {
        let slot = Int(containers.slots[Int(container)])
        own(container, from: graph.count)
        touch(container)
        journal.begin(container: container, position: position)
        if deleted > 0 {
            let version = graph.count
            graph.appendLocal(deleted, origin: originNumber)
            texts[slot].sequence.log.appendDeletion(
                version: version, position: position, count: deleted)
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
}
