// Composition walks the middle sequence, which both patches know: what the first put in and the second took out again disappears, and
// what either left alone goes through. Both are cut into pieces of equal length in the middle, one pair at a time.

extension Patch {
    /// One patch that does what this and then `next` do.
    ///
    /// - Throws: ``PatchError`` with `mismatch`, naming the change of `next`, where `next` takes out something else than this put in.
    /// - Complexity: O(n) in the size of both patches.
    public func composed(with next: Patch) throws(PatchError) -> Patch {
        var first = Reader(changes, side: \.inserted.count)
        var second = Reader(next.changes, side: \.removed.count)
        var result = Builder()
        while true {
            // A pure insertion of the second at this point of the middle, then a pure deletion of the first.
            if second.isAtChange, second.remaining == 0 {
                result.insert(next.changes[second.index].inserted)
                second.finishChange()
                continue
            }
            if first.isAtChange, first.remaining == 0 {
                result.remove(changes[first.index].removed)
                first.finishChange()
                continue
            }
            guard first.hasMore || second.hasMore else { return Patch(unchecked: result.finish()) }
            let length = Swift.min(first.remaining, second.remaining)
            try step(next, &first, &second, length, &result)
        }
    }

    /// Takes `length` elements of the middle through both.
    private func step(_ next: Patch, _ first: inout Reader, _ second: inout Reader, _ length: Int, _ result: inout Builder)
        throws(PatchError)
    {
        switch (first.isAtChange, second.isAtChange) {
        case (false, false):
            result.keep(length)
        case (false, true):
            let removed = next.changes[second.index].removed
            result.remove(Array(removed[second.offset..<second.offset + length]))
        case (true, false):
            let inserted = changes[first.index].inserted
            if first.offset == 0 { result.remove(changes[first.index].removed) }
            result.insert(Array(inserted[first.offset..<first.offset + length]))
        case (true, true):
            let change = next.changes[second.index]
            let inserted = changes[first.index].inserted[first.offset..<first.offset + length]
            guard inserted.elementsEqual(change.removed[second.offset..<second.offset + length]) else {
                throw PatchError(.mismatch, change: second.index, position: change.position)
            }
            if first.offset == 0 { result.remove(changes[first.index].removed) }
        }
        first.advance(length)
        if second.advance(length) { result.insert(next.changes[second.index - 1].inserted) }
    }

    /// Walks the changes of a patch along the middle sequence, stretch after stretch.
    private struct Reader {
        private let changes: [Change]
        private let side: KeyPath<Change, Int>
        private(set) var index = 0
        /// Elements of the stretch already taken.
        private(set) var offset = 0
        private(set) var isAtChange = false
        private(set) var remaining = 0
        /// The end of the last change, in the patch's own source.
        private var end = 0

        init(_ changes: [Change], side: KeyPath<Change, Int>) {
            self.changes = changes
            self.side = side
            enterGap()
        }

        /// Whether a change is still to come or under way.
        var hasMore: Bool { index < changes.count }

        private mutating func enterGap() {
            isAtChange = false
            offset = 0
            remaining = index < changes.count ? changes[index].position - end : .max
            if remaining == 0 { enterChange() }
        }

        private mutating func enterChange() {
            isAtChange = true
            offset = 0
            remaining = changes[index][keyPath: side]
        }

        /// Leaves the change at hand; true with ``advance(_:)`` when it was used up.
        mutating func finishChange() {
            end = changes[index].end
            index += 1
            enterGap()
        }

        @discardableResult
        mutating func advance(_ length: Int) -> Bool {
            offset += length
            if remaining != .max { remaining -= length }
            guard remaining == 0 else { return false }
            guard isAtChange else {
                enterChange()
                return false
            }
            finishChange()
            return true
        }
    }

    /// Collects changes in terms of the first patch's source and joins those that touch.
    private struct Builder {
        private var changes: [Change] = []
        /// Where the source stands.
        private(set) var position = 0
        private var start = 0
        private var removed: [Element] = []
        private var inserted: [Element] = []

        mutating func keep(_ length: Int) {
            close()
            position += length
            start = position
        }

        mutating func remove(_ elements: [Element]) {
            removed.append(contentsOf: elements)
            position += elements.count
        }

        mutating func insert(_ elements: [Element]) {
            inserted.append(contentsOf: elements)
        }

        /// A change whose two sides are equal is none; equal ends stay, they cost little and keep this linear.
        private mutating func close() {
            if removed != inserted { changes.append(Change(position: start, removed: removed, inserted: inserted)) }
            removed = []
            inserted = []
        }

        mutating func finish() -> [Change] {
            close()
            return changes
        }
    }
}
