extension DocumentCore {
    /// Marks scalars of a text, or takes a mark off them, as an own event that follows everything here.
    mutating func mark(
        text container: UInt32, _ range: Range<Int>, _ key: String, _ value: DocumentValue?, expansion: MarkExpansion
    ) {
        if range.isEmpty { return }
        let slot = containers.slot(of: container)
        if undo != nil { journalMark(of: container, range, key, expansion) }
        own(container, from: graph.count)
        touch(container)
        let version = graph.count
        let mark = TextMark(key: key, range: range, expansion: expansion, stamp: nextStamp(), value: value)
        graph.appendLocal(1, origin: originNumber)
        var payload = ByteWriter()
        mark.encode(to: &payload)
        texts[slot].marks.log.append(version: version, payload.bytes.elements)
        texts[slot].marks.append(mark, dot: graph.dot(of: version), version: UInt32(version))
    }

    /// Deletes scalars of a text that has marks and inserts UTF-8 in their place, marked as its author expects.
    mutating func editMarked(
        text container: UInt32, at position: Int, deleting deleted: Int, inserting source: UnsafeBufferPointer<UInt8>
    ) {
        erase(text: container, at: position, count: deleted)
        guard let start = source.baseAddress, source.count > 0 else { return }
        let slot = containers.slot(of: container)
        texts[slot].identify(graph: graph, scratch: &scratch)
        let correction = texts[slot].correctionOfInsertion(at: position)
        edit(text: container, at: position, deleting: 0, inserting: source)
        if correction.isEmpty { return }
        let count = TextMeasure(start, count: source.count).scalars
        for (key, value) in correction.sorted(by: { $0.key < $1.key }) {
            mark(text: container, position..<position + count, key, value, expansion: .both)
        }
    }

    /// Deletes scalars of a text, remembering for undo how they were marked.
    mutating func erase(text container: UInt32, at position: Int, count: Int) {
        if count == 0 { return }
        let slot = containers.slot(of: container)
        if undo != nil, !texts[slot].marks.isEmpty {
            texts[slot].identify(graph: graph, scratch: &scratch)
            let stretches = texts[slot].stretches(in: position..<position + count)
            journal.erasures.append(MarkErasure(container: container, version: graph.count, stretches: stretches))
        }
        edit(text: container, at: position, deleting: count, inserting: UnsafeBufferPointer(start: nil, count: 0))
    }

    // MARK: - Reading

    /// The marks of a range of a text, stretch by stretch.
    mutating func stretches(of slot: Int, in range: Range<Int>) -> [MarkStretch] {
        if texts[slot].marks.isEmpty { return range.isEmpty ? [] : [MarkStretch(count: range.count, marks: [:])] }
        texts[slot].identify(graph: graph, scratch: &scratch)
        return texts[slot].stretches(in: range)
    }

    /// A range of a text as runs of text with the same marks.
    mutating func runs(of slot: Int, in range: Range<Int>) -> [TextRun] {
        var result: [TextRun] = []
        var position = range.lowerBound
        for stretch in stretches(of: slot, in: range) {
            var bytes = RawArray<UInt8>()
            texts[slot].rope.copy(at: position, count: stretch.count, to: &bytes)
            result.append(TextRun(String(decoding: bytes.elements, as: UTF8.self), stretch.marks))
            position += stretch.count
        }
        return result
    }

    /// Whether there are marks among the events that a version lacks.
    func hasMarks(since known: CausalContext, until limit: CausalContext?) -> Bool {
        for slot in 0..<texts.count {
            for index in 0..<texts[slot].marks.log.count {
                let dot = graph.dot(of: Int(texts[slot].marks.log.entries[index].version))
                if !known.covers(dot), limit?.covers(dot) ?? true { return true }
            }
        }
        return false
    }

    /// The rule of a kind of mark here.
    func expansion(of key: String) -> MarkExpansion { expansions[key] ?? .after }

    // MARK: - Telling watchers

    /// Notes how the texts stand that have marks, before their first watcher comes.
    mutating func beginTellingMarks() {
        for slot in 0..<texts.count where !texts[slot].marks.isEmpty {
            texts[slot].marks.told = stretches(of: slot, in: 0..<texts[slot].sequence.count)
        }
    }

    /// Adds to the deltas of a change what it did to marks, by comparing the texts it touched with what was told of them.
    mutating func noteMarks() {
        for index in 0..<checkpoint.touched.count {
            let container = checkpoint.touched[index].container
            guard containers.kind(of: container) == .text else { continue }
            let slot = containers.slot(of: container)
            if texts[slot].marks.isEmpty { continue }
            let path = path(of: container)
            let length = texts[slot].sequence.count
            let now = stretches(of: slot, in: 0..<length)
            var expected = texts[slot].marks.told ?? lengthBeforeChange(of: path, now: length)
            for delta in deltas.indices where deltas[delta].container == path {
                guard case .text(var edits) = deltas[delta].effect else { continue }
                for edit in edits.indices { edits[edit].follow(&expected) }
                deltas[delta].effect = .text(edits)
            }
            let edits = MarkEdit.from(expected, to: now) { scalars in texts[slot].rope.position(ofScalar: scalars) }
            if !edits.isEmpty { deltas.append(ContainerDelta(container: path, effect: .marks(edits))) }
            texts[slot].marks.told = now
        }
    }

    /// The text before the change that gave it its first mark.
    private func lengthBeforeChange(of path: ContainerPath, now: Int) -> [MarkStretch] {
        var length = now
        for delta in deltas where delta.container == path {
            guard case .text(let edits) = delta.effect else { continue }
            for edit in edits { length += edit.deleted.unicodeScalars.count - edit.inserted.unicodeScalars.count }
        }
        return length == 0 ? [] : [MarkStretch(count: length, marks: [:])]
    }
}

extension TextEdit {
    /// Makes the edit on the marks of the text, and notes what was marked of what it deletes.
    fileprivate mutating func follow(_ stretches: inout [MarkStretch]) {
        let start = position.scalars
        let range = start..<start + deleted.unicodeScalars.count
        let gone = stretches.part(range)
        if gone.contains(where: { !$0.marks.isEmpty }) {
            var scalars = deleted.unicodeScalars[...]
            deletedRuns = gone.map { stretch in
                defer { scalars = scalars.dropFirst(stretch.count) }
                return TextRun(String(String.UnicodeScalarView(scalars.prefix(stretch.count))), stretch.marks)
            }
        }
        let count = inserted.unicodeScalars.count
        stretches.replace(range, with: count == 0 ? [] : [MarkStretch(count: count, marks: [:])])
    }
}

extension Rope {
    /// A position in every unit.
    mutating func position(ofScalar position: Int) -> TextPosition {
        let measure = measure(before: position)
        return TextPosition(utf8: measure.bytes, scalars: measure.scalars, utf16: measure.utf16)
    }
}

extension MarkEdit {
    /// What leads from the marks of a text to others of the same text.
    static func from(
        _ old: [MarkStretch], to new: [MarkStretch], position: (Int) -> TextPosition
    ) -> [MarkEdit] {
        var open: [String: (range: Range<Int>, before: DocumentValue?, after: DocumentValue?)] = [:]
        var found: [(range: Range<Int>, key: String, before: DocumentValue?, after: DocumentValue?)] = []
        var (left, right, leftDone, rightDone, start) = (0, 0, 0, 0, 0)
        while left < old.count, right < new.count {
            let count = min(old[left].count - leftDone, new[right].count - rightDone)
            let (before, after) = (old[left].marks, new[right].marks)
            for key in Set(before.keys).union(after.keys).union(open.keys) {
                let (from, to) = (before[key], after[key])
                if let run = open[key] {
                    if from != to, run.before == from, run.after == to {
                        open[key]!.range = run.range.lowerBound..<start + count
                        continue
                    }
                    found.append((run.range, key, run.before, run.after))
                    open[key] = nil
                }
                if from != to { open[key] = (start..<start + count, from, to) }
            }
            start += count
            leftDone += count
            rightDone += count
            if leftDone == old[left].count { (left, leftDone) = (left + 1, 0) }
            if rightDone == new[right].count { (right, rightDone) = (right + 1, 0) }
        }
        precondition(left == old.count && right == new.count, "the marks told are not those of the text")
        for (key, run) in open { found.append((run.range, key, run.before, run.after)) }
        found.sort { ($0.range.lowerBound, $0.key) < ($1.range.lowerBound, $1.key) }
        return found.map { run in
            MarkEdit(
                start: position(run.range.lowerBound), end: position(run.range.upperBound), key: run.key, before: run.before,
                after: run.after)
        }
    }
}
