extension Tracker {
    /// The total of one of the sums.
    func total(by kind: Int) -> UInt32 {
        var total = SIMD8<UInt32>.zero
        if height == 0 {
            for slot in 0..<Int(leaves[Int(root)].count) { total &+= entries(of: root)[slot].sum }
        } else {
            for slot in 0..<Int(branches[Int(root)].count) { total &+= sums[Int(root) * Tracker.fanout + slot] }
        }
        return total[kind]
    }

    /// The name of the unit at an index of what a lane sees, or of the text.
    func unit(at index: Int, by kind: Int) -> UInt32 {
        let cursor = find(UInt32(index), by: kind)
        return entries(of: cursor.leaf)[cursor.slot].id + cursor.offset
    }

    /// Calls the body with the runs in document order behind a position of the text, from the first unit that stands there, deleted ones too, until it
    /// returns false.
    func forEachRun(behind position: Int, _ body: (_ first: UInt32, _ count: UInt32, _ isDeleted: Bool) -> Bool) {
        var leaf: UInt32
        var slot: Int
        var offset: UInt32 = 0
        if position == 0 {
            let cursor = find(0, by: Tracker.atAll)
            (leaf, slot) = (cursor.leaf, cursor.slot)
        } else {
            let cursor = find(UInt32(position - 1), by: Tracker.inText)
            (leaf, slot, offset) = (cursor.leaf, cursor.slot, cursor.offset + 1)
        }
        while leaf != Tracker.none {
            while slot < Int(leaves[Int(leaf)].count) {
                let entry = entries(of: leaf)[slot]
                if offset < entry.count, !body(entry.id + offset, entry.count - offset, entry.isDeleted) { return }
                offset = 0
                slot += 1
            }
            leaf = leaves[Int(leaf)].next
            slot = 0
        }
    }
}
