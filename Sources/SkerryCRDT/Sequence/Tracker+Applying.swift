extension Tracker {
    // MARK: - Applying

    /// Applies an insertion in a lane; returns where it goes in the text.
    mutating func insert(_ piece: SequenceLog.Piece, lane: Int, graph: borrowing EventGraph, log: borrowing SequenceLog) -> UInt32 {
        var left = Tracker.none
        var cursor = Cursor(leaf: 0, slot: 0, offset: 0, position: 0)
        if piece.position > 0 {
            cursor = find(piece.position - 1, by: lane)
            let entry = entries(of: cursor.leaf)[cursor.slot]
            left = entry.id + cursor.offset
            cursor.offset += 1
            if !entry.isDeleted { cursor.position += 1 }
        }
        let right = settle(&cursor, lane: lane, unit: piece.unit, left: left, graph: graph, log: log)
        var rest = piece.count
        var unit = piece.unit
        let position = cursor.position
        while rest > 0 {
            let count = min(rest, Tracker.runMaximum)
            put(
                Entry(
                    id: unit, countAndDeleted: count, left: unit == piece.unit ? left : unit - 1, right: right,
                    lanes: SIMD4<UInt32>.zero.with(1, lane: lane)), at: &cursor)
            unit += count
            rest -= count
        }
        return position
    }

    /// Applies a deletion in a lane and notes what goes from the text.
    mutating func delete(_ piece: SequenceLog.Piece, lane: Int, note: (_ position: UInt32, _ count: UInt32) -> Bool) -> Bool {
        let backwards = piece.kind == .deletionBackwards
        let start = backwards ? piece.position + 1 - piece.count : piece.position
        var done: UInt32 = 0
        while done < piece.count {
            let cursor = find(start, by: lane)
            var (leaf, slot) = (cursor.leaf, cursor.slot)
            if cursor.offset > 0 {
                (leaf, slot) = split(leaf: leaf, slot: slot, at: cursor.offset)
                (leaf, slot) = following(leaf: leaf, slot: slot)
            }
            let count = min(piece.count - done, entries(of: leaf)[slot].count)
            if count < entries(of: leaf)[slot].count { (leaf, slot) = split(leaf: leaf, slot: slot, at: count) }
            var entry = entries(of: leaf)[slot]
            if !entry.isDeleted || isDefective(.deletionCountedTwice), !note(cursor.position, count) { return false }
            let before = entry.sum
            entry.lanes[lane] += 1
            entry.countAndDeleted |= Entry.deletedBit
            entries(of: leaf)[slot] = entry
            add(entry.sum &- before, above: leaf)
            // Backwards, the last unit deleted the first target.
            let unit = backwards ? piece.unit + piece.count - done - count : piece.unit + done
            noteDeletion(unit: unit, count: count, target: entry.id, backwards: backwards, piece: piece)
            joinNeighbours(leaf: leaf, slot: slot)
            done += count
        }
        return true
    }

    private mutating func noteDeletion(unit: UInt32, count: UInt32, target: UInt32, backwards: Bool, piece: SequenceLog.Piece) {
        let end = Int(piece.unit + piece.count - firstUnit)
        if places.count < end { places.append(repeating: Tracker.none, count: end - places.count) }
        if deletions.count > 0, count == 1, piece.count == 1 {
            let last = deletions[deletions.count - 1]
            if last.unit + last.count == unit {
                let onwards = target == last.target + last.count && (!last.backwards || last.count == 1)
                let back = target + 1 == last.target && (last.backwards || last.count == 1)
                if onwards || back {
                    deletions[deletions.count - 1].count += 1
                    deletions[deletions.count - 1].backwards = back
                    if back { deletions[deletions.count - 1].target = target }
                    places[Int(unit - firstUnit)] = Tracker.deletionBit | UInt32(deletions.count - 1)
                    return
                }
            }
        }
        deletions.append(Deletion(unit: unit, count: count, target: target, backwards: backwards))
        (places.base + Int(unit - firstUnit)).update(
            repeating: Tracker.deletionBit | UInt32(deletions.count - 1), count: Int(count))
    }

    /// The entry behind another.
    @inline(__always)
    private func following(leaf: UInt32, slot: Int) -> (leaf: UInt32, slot: Int) {
        slot + 1 < Int(leaves[Int(leaf)].count) ? (leaf, slot + 1) : (leaves[Int(leaf)].next, 0)
    }

    // MARK: - Placing

    /// Moves the cursor past the concurrent units that come before the new one; returns the unit on its right.
    ///
    /// The order is FugueMax's (Weidner and Kleppmann, "The Art of the Fugue", 2023): siblings further right-bound first, then by origin.
    /// The scan is the one of YATA, corrected so that runs typed concurrently do not interleave, forwards or backwards.
    @inline(__always)
    private mutating func settle(
        _ cursor: inout Cursor, lane: Int, unit: UInt32, left: UInt32, graph: borrowing EventGraph, log: borrowing SequenceLog
    ) -> UInt32 {
        let entry = entries(of: cursor.leaf)[cursor.slot]
        if cursor.offset < entry.count {
            if cursor.offset > 0 || entry.lanes[lane] != 0 { return entry.id + cursor.offset }
        } else {
            let (leaf, slot) = following(leaf: cursor.leaf, slot: cursor.slot)
            if leaf == Tracker.none { return Tracker.none }
            let next = entries(of: leaf)[slot]
            if next.lanes[lane] != 0 { return next.id }
            cursor.leaf = leaf
            cursor.slot = slot
            cursor.offset = 0
        }
        return settleAmongConcurrent(&cursor, lane: lane, unit: unit, left: left, graph: graph, log: log)
    }

    @inline(never)
    private mutating func settleAmongConcurrent(
        _ cursor: inout Cursor, lane: Int, unit: UInt32, left: UInt32, graph: borrowing EventGraph, log: borrowing SequenceLog
    ) -> UInt32 {
        var right = Tracker.none
        var end = (leaf: cursor.leaf, slot: cursor.slot)
        while end.leaf != Tracker.none {
            let entry = entries(of: end.leaf)[end.slot]
            if entry.lanes[lane] != 0 {
                right = entry.id
                break
            }
            end = following(leaf: end.leaf, slot: end.slot)
        }
        let leftOrder = left == Tracker.none ? 0 : order(of: left) + 1
        let rightOrder = right == Tracker.none ? UInt32.max : order(of: right)
        var scan = cursor
        var settled = cursor
        var isScanning = false
        while scan.leaf != end.leaf || scan.slot != end.slot {
            let other = entries(of: scan.leaf)[scan.slot]
            let otherLeft = other.left == Tracker.none ? 0 : order(of: other.left) + 1
            if otherLeft < leftOrder { break }
            if otherLeft == leftOrder {
                if other.right == right || isDefective(.rightOriginIgnored) {
                    if precedes(unit, other.id, graph: graph, log: log) { break }
                    isScanning = false
                } else {
                    let otherRight = other.right == Tracker.none ? UInt32.max : order(of: other.right)
                    if otherRight < rightOrder {
                        if !isScanning {
                            isScanning = true
                            settled = scan
                        }
                    } else {
                        isScanning = false
                    }
                }
            }
            if !other.isDeleted { scan.position += other.count }
            (scan.leaf, scan.slot) = following(leaf: scan.leaf, slot: scan.slot)
        }
        if !isScanning { settled = scan }
        cursor = settled
        if cursor.leaf == Tracker.none {
            preconditionFailure("the placeholder is seen by every lane and ends every scan")
        }
        return right
    }

    /// Which of two concurrent units that were typed at the same place comes first: their origins' bits decide, the same everywhere.
    private func precedes(_ left: UInt32, _ right: UInt32, graph: borrowing EventGraph, log: borrowing SequenceLog) -> Bool {
        if isDefective([.tieFlipped, .tieByLocalNumber]) {
            if isDefective(.tieByLocalNumber) { return left < right }
            return graph.dot(of: Int(log.version(ofUnit: left))) > graph.dot(of: Int(log.version(ofUnit: right)))
        }
        return graph.dot(of: Int(log.version(ofUnit: left))) < graph.dot(of: Int(log.version(ofUnit: right)))
    }

    /// Puts a new entry at the cursor, inside an entry where it must, and leaves the cursor behind it.
    @inline(__always)
    private mutating func put(_ entry: Entry, at cursor: inout Cursor) {
        let end = Int(entry.id + entry.count - firstUnit)
        if places.count < end { places.append(repeating: Tracker.none, count: end - places.count) }
        if cursor.offset > 0, cursor.offset < entries(of: cursor.leaf)[cursor.slot].count {
            (cursor.leaf, cursor.slot) = split(leaf: cursor.leaf, slot: cursor.slot, at: cursor.offset)
        }
        if cursor.offset > 0 {
            // Behind the entry at the cursor: typing goes on there more often than not.
            let before = entries(of: cursor.leaf)[cursor.slot]
            if before.id + before.count == entry.id, entry.left == entry.id - 1, before.right == entry.right, before.lanes == entry.lanes,
                !before.isDeleted, before.count + entry.count <= Tracker.runMaximum
            {
                entries(of: cursor.leaf)[cursor.slot].countAndDeleted += entry.count
                setPlace(of: entry.id, count: entry.count, to: cursor.leaf)
                add(entry.sum, above: cursor.leaf)
                cursor.offset = before.count + entry.count
                return
            }
            cursor.slot += 1
        } else if cursor.slot > 0 {
            let before = entries(of: cursor.leaf)[cursor.slot - 1]
            if before.id + before.count == entry.id, entry.left == entry.id - 1, before.right == entry.right, before.lanes == entry.lanes,
                !before.isDeleted, before.count + entry.count <= Tracker.runMaximum
            {
                entries(of: cursor.leaf)[cursor.slot - 1].countAndDeleted += entry.count
                setPlace(of: entry.id, count: entry.count, to: cursor.leaf)
                add(entry.sum, above: cursor.leaf)
                cursor.slot -= 1
                cursor.offset = before.count + entry.count
                return
            }
        }
        let room = reserve(leaf: cursor.leaf, slot: cursor.slot)
        place(entry, leaf: room.leaf, slot: room.slot)
        setPlace(of: entry.id, count: entry.count, to: room.leaf)
        add(entry.sum, above: room.leaf)
        cursor.leaf = room.leaf
        cursor.slot = room.slot
        cursor.offset = entry.count
    }

    // MARK: - Moving a lane

    /// Adds the units of a span to what a lane has seen, or takes them out of it.
    mutating func move(lane: Int, units start: UInt32, _ end: UInt32, forward: Bool) {
        let step: UInt32 = forward ? 1 : .max
        var unit = start
        while unit < end {
            let place = places[Int(unit - firstUnit)]
            if place & Tracker.deletionBit == 0 {
                let count = mark(lane: lane, id: unit, count: end - unit, step: step)
                unit += count
                continue
            }
            let deletion = deletions[Int(place & ~Tracker.deletionBit)]
            let skipped = unit - deletion.unit
            let count = min(end - unit, deletion.count - skipped)
            var target = deletion.backwards ? deletion.target + deletion.count - skipped - count : deletion.target + skipped
            var left = count
            while left > 0 {
                let marked = mark(lane: lane, id: target, count: left, step: step)
                target += marked
                left -= marked
            }
            unit += count
        }
    }

    /// Changes the lane's state of the units from `id` that stand in one entry; returns how many.
    @inline(__always)
    private mutating func mark(lane: Int, id: UInt32, count: UInt32, step: UInt32) -> UInt32 {
        var (leaf, slot, offset) = locate(id)
        if offset > 0 {
            (leaf, slot) = split(leaf: leaf, slot: slot, at: offset)
            (leaf, slot) = following(leaf: leaf, slot: slot)
            offset = 0
        }
        let whole = entries(of: leaf)[slot].count
        let marked = min(whole, count)
        if marked < whole { (leaf, slot) = split(leaf: leaf, slot: slot, at: marked) }
        var entry = entries(of: leaf)[slot]
        let before = entry.lanes[lane]
        entry.lanes[lane] = before &+ step
        entries(of: leaf)[slot] = entry
        // Only the lane's own sum moves, and only when the units come into view or leave it.
        let wasVisible = before == 1, isVisible = entry.lanes[lane] == 1
        if wasVisible != isVisible { add(laneCount: isVisible ? marked : 0 &- marked, lane: lane, above: leaf) }
        joinNeighbours(leaf: leaf, slot: slot)
        return marked
    }

    @inline(__always)
    private mutating func add(laneCount difference: UInt32, lane: Int, above leaf: UInt32) {
        var child = leaf
        var parent = leaves[Int(leaf)].parent
        while parent != Tracker.none {
            let first = Int(parent) * Tracker.fanout
            let start = links.base + first
            var slot = 0
            while start[slot] != child { slot &+= 1 }
            let row = UnsafeMutableRawPointer(sums.base + first + slot).assumingMemoryBound(to: UInt32.self)
            row[lane] &+= difference
            child = parent
            parent = branches[Int(parent)].parent
        }
    }
}

extension SIMD4<UInt32> {
    /// The vector with one lane replaced.
    @inline(__always)
    func with(_ value: UInt32, lane: Int) -> SIMD4<UInt32> {
        var copy = self
        copy[lane] = value
        return copy
    }
}
