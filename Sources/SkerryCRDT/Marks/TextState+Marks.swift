extension TextState {
    /// Brings the names of characters and the anchors of marks up to date.
    ///
    /// - Complexity: O(n log n) in the history here the first time, then O(log n) for each event since.
    mutating func identify(graph: borrowing EventGraph, scratch: inout DifferenceScratch) {
        while marks.resolvedCount < marks.entries.count {
            let version = Int(marks.entries[marks.resolvedCount].version)
            // Names may have been asked for before the mark came; it has to be met on the way.
            if sequence.identity.isWarm, sequence.identity.nextVersion > version { sequence.identity.drop() }
            sequence.identify(upTo: version, graph: graph, scratch: &scratch)
            let lane = sequence.identityLane(at: version, graph: graph, scratch: &scratch)
            resolveNextMark(lane: lane)
        }
        sequence.identify(upTo: graph.count, graph: graph, scratch: &scratch)
    }

    /// Finds the anchors of a mark in a lane that sees what its author saw. What lies beyond the author's text covers nothing.
    private mutating func resolveNextMark(lane: Int) {
        let mark = marks.entries[marks.resolvedCount].mark
        let beyond = Int(Tracker.placeholderCount) - sequence.baseCount
        let length = Int(sequence.identity.total(by: lane)) - beyond
        let start = min(mark.position, length), end = min(mark.position + mark.count, length)
        if start == end { return marks.resolveNext(start: .end, end: .beginning) }
        func anchor(_ position: Int, isAfter: Bool) -> MarkState.Anchor {
            MarkState.Anchor(unit: sequence.identity.unit(at: position, by: lane), isAfter: isAfter)
        }
        let grows = isDefective(.markGrowsAtWrongSide) ? mark.expansion.removal : mark.expansion
        let first: MarkState.Anchor =
            grows.growsAtStart ? (start == 0 ? .beginning : anchor(start - 1, isAfter: true)) : anchor(start, isAfter: false)
        let last: MarkState.Anchor =
            grows.growsAtEnd ? (end == length ? .end : anchor(end, isAfter: false)) : anchor(end - 1, isAfter: true)
        marks.resolveNext(start: first, end: last)
    }

    // MARK: - What is marked; the anchors are up to date

    /// Where an anchor stands, in scalars.
    func position(of anchor: MarkState.Anchor) -> Int {
        if anchor.unit == MarkState.Anchor.edge { return anchor.isAfter ? 0 : sequence.count }
        let place = sequence.place(ofUnit: anchor.unit)
        return place.position + (anchor.isAfter && !place.isDeleted ? 1 : 0)
    }

    /// The marks that hold, by kind, for each stretch of a range in order: indices into the entries.
    func forEachStretch(in range: Range<Int>, key: String? = nil, _ body: (Range<Int>, [String: Int]) -> Void) {
        var events: [(position: Int, isStart: Bool, entry: Int)] = []
        for (index, entry) in marks.entries.enumerated() where key == nil || entry.mark.key == key {
            let start = max(position(of: entry.start), range.lowerBound), end = min(position(of: entry.end), range.upperBound)
            if start < end {
                events.append((start, true, index))
                events.append((end, false, index))
            }
        }
        events.sort { $0.position < $1.position }
        // By kind: the marks that cover the place, the one that holds last.
        var active: [String: [Int]] = [:]
        var holding: [String: Int] = [:]
        var position = range.lowerBound
        for event in events {
            if event.position > position {
                body(position..<event.position, holding)
                position = event.position
            }
            let key = marks.entries[event.entry].mark.key
            var covering = active[key] ?? []
            let place = rank(of: event.entry, in: covering)
            if event.isStart { covering.insert(event.entry, at: place) } else { covering.remove(at: place) }
            holding[key] = covering.last
            active[key] = covering
        }
        if position < range.upperBound { body(position..<range.upperBound, holding) }
    }

    /// Where an entry stands, or would stand, among others in the order in which they hold.
    private func rank(of entry: Int, in others: [Int]) -> Int {
        var low = 0, high = others.count
        while low < high {
            let middle = (low + high) / 2
            if others[middle] != entry, marks.entries[entry].wins(over: marks.entries[others[middle]]) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// The marks of a range, stretch by stretch.
    func stretches(in range: Range<Int>) -> [MarkStretch] {
        var result: [MarkStretch] = []
        forEachStretch(in: range) { stretch, holding in result.add(stretch.count, values(of: holding)) }
        return result
    }

    private func values(of holding: [String: Int]) -> [String: DocumentValue] { holding.compactMapValues { marks.entries[$0].mark.value } }

    /// The names of the characters in a range, in runs.
    func units(in range: Range<Int>) -> [Range<UInt32>] {
        var result: [Range<UInt32>] = []
        var left = UInt32(range.count)
        if left == 0 { return [] }
        sequence.identity.forEachRun(behind: range.lowerBound) { first, count, isDeleted in
            if isDeleted { return true }
            let taken = min(count, left)
            result.append(first..<first + taken)
            left -= taken
            return left > 0
        }
        return result
    }

    // MARK: - Between deleted characters

    /// What text inserted at a position should be marked with, where that differs from what it will be marked with by its place.
    ///
    /// Inserted text stands in front of deleted characters that stand between its neighbours. A mark that ended after one of those, or began after one,
    /// wants it behind them: a link whose last letter was deleted does not take in what is typed at its end (Peritext, section on insertion).
    func correctionOfInsertion(at position: Int) -> [String: DocumentValue?] {
        var deleted: [Range<UInt32>] = []
        sequence.identity.forEachRun(behind: position) { first, count, isDeleted in
            if isDeleted { deleted.append(first..<first + count) }
            return isDeleted
        }
        if deleted.isEmpty { return [:] }
        var last: UInt32?
        for entry in marks.entries {
            for anchor in [entry.start, entry.end] where anchor.isAfter && deleted.contains(where: { $0.contains(anchor.unit) }) {
                let gap = sequence.identity.order(of: anchor.unit) + 1
                last = max(last ?? 0, gap)
            }
        }
        guard let last else { return [:] }
        let first = position == 0 ? 0 : sequence.identity.order(of: sequence.unit(at: position - 1)) + 1
        let wanted = marksHolding(atGap: last), given = marksHolding(atGap: first)
        var result: [String: DocumentValue?] = [:]
        for key in Set(wanted.keys).union(given.keys) where wanted[key] != given[key] { result[key] = .some(wanted[key]) }
        return result
    }

    /// What would be marked at a place between two units, given by the number of units before it, deleted or not.
    private func marksHolding(atGap gap: UInt32) -> [String: DocumentValue] {
        var holding: [String: Int] = [:]
        for (index, entry) in marks.entries.enumerated() where covers(entry, gap: gap) {
            if let other = holding[entry.mark.key], marks.entries[other].wins(over: entry) { continue }
            holding[entry.mark.key] = index
        }
        return values(of: holding)
    }

    private func covers(_ entry: MarkState.Entry, gap: UInt32) -> Bool {
        let start = self.gap(of: entry.start), end = self.gap(of: entry.end)
        // At the same gap, what is after a character is left of the place and what is before one is right of it.
        return (start < gap || (start == gap && entry.start.isAfter)) && (end > gap || (end == gap && !entry.end.isAfter))
    }

    private func gap(of anchor: MarkState.Anchor) -> UInt32 {
        if anchor.unit == MarkState.Anchor.edge { return anchor.isAfter ? 0 : .max }
        return sequence.identity.order(of: anchor.unit) + (anchor.isAfter ? 1 : 0)
    }

    // MARK: - Snapshots

    /// ```
    /// marks  = count:varint (origin:8 sequence:varint stamp:8 key:string expansion:1 anchor anchor (0 | 1 value))*      ascending by origin and sequence
    /// anchor = 0 beginning | 1 end | 2 + (position << 1 | after):varint
    /// ```
    func encodeMarks(to writer: inout ByteWriter) {
        writer.write(varint: marks.entries.count)
        for entry in marks.entries.sorted(by: { $0.dot < $1.dot }) {
            writer.write(fixed: entry.dot.origin.rawValue)
            writer.write(varint: entry.dot.sequence)
            writer.write(fixed: entry.mark.stamp.rawValue)
            writer.write(string: entry.mark.key)
            writer.write(entry.mark.expansion.rawValue)
            encode(entry.start, to: &writer)
            encode(entry.end, to: &writer)
            writer.write(entry.mark.value == nil ? 0 : 1)
            entry.mark.value?.encode(to: &writer)
        }
    }

    private func encode(_ anchor: MarkState.Anchor, to writer: inout ByteWriter) {
        if anchor.unit == MarkState.Anchor.edge { return writer.write(anchor.isAfter ? 0 : 1) }
        let place = sequence.place(ofUnit: anchor.unit)
        // Whatever follows the snapshot stands in front of characters that are gone from it, so an anchor on one of those is one before what follows them.
        writer.write(varint: 2 + (place.position << 1 | (anchor.isAfter && !place.isDeleted ? 1 : 0)))
    }

    mutating func decodeMarks(_ reader: inout ByteReader, version: UInt32) throws(DocumentError) {
        for _ in 0..<(try reader.count(atMost: reader.remaining / 22, "the number of marks")) {
            let dot = Dot(origin: OriginID(rawValue: try reader.fixed64()), sequence: try reader.varint())
            let stamp = HybridTimestamp(rawValue: try reader.fixed64())
            let key = try reader.string(atMost: UpdateDecoder.keyMaximum)
            guard let expansion = MarkExpansion(rawValue: try reader.byte()), dot.sequence > 0,
                marks.entries.last.map({ $0.dot < dot }) ?? true
            else { throw reader.damaged("marks are out of order") }
            let start = try anchor(&reader), end = try anchor(&reader)
            let value = try TextMark.value(&reader)
            let mark = TextMark(key: key, range: 0..<1, expansion: expansion, stamp: stamp, value: value)
            marks.appendBase(MarkState.Entry(mark: mark, dot: dot, version: version, start: start, end: end))
        }
    }

    private func anchor(_ reader: inout ByteReader) throws(DocumentError) -> MarkState.Anchor {
        let code = try reader.count(atMost: 2 + (sequence.count << 1 | 1), "the place of a mark")
        if code < 2 { return code == 0 ? .beginning : .end }
        return MarkState.Anchor(unit: Tracker.placeholder + UInt32((code - 2) >> 1), isAfter: (code - 2) & 1 == 1)
    }
}
