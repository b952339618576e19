/// What one own event did to the marks of a text, by the names of its characters, so that it can be taken back.
struct MarkStep: Sendable {
    struct Stretch: Sendable {
        var units: Range<UInt32>
        var before: DocumentValue?
    }

    var container: UInt32
    var key: String
    var stretches: [Stretch]
    var expansion: MarkExpansion
}

/// How text was marked that own events deleted.
struct MarkErasure: Sendable {
    var container: UInt32
    /// The first of the deleting events.
    var version: Int
    var stretches: [MarkStretch]

    /// What the character was marked with that an event deleted, nil when it is not one of these.
    func marks(at version: Int) -> [String: DocumentValue]? {
        var offset = version - self.version
        if offset < 0 { return nil }
        for stretch in stretches {
            if offset < stretch.count { return stretch.marks }
            offset -= stretch.count
        }
        return nil
    }
}

extension DocumentCore {
    /// Notes what a range is marked with before that changes.
    mutating func journalMark(of container: UInt32, _ range: Range<Int>, _ key: String, _ expansion: MarkExpansion) {
        let slot = containers.slot(of: container)
        texts[slot].identify(graph: graph, scratch: &scratch)
        var stretches: [MarkStep.Stretch] = []
        texts[slot].forEachStretch(in: range, key: key) { stretch, holding in
            let before = holding[key].flatMap { texts[slot].marks.entries[$0].mark.value }
            for units in texts[slot].units(in: stretch) { stretches.append(MarkStep.Stretch(units: units, before: before)) }
        }
        journal.marks.append(MarkStep(container: container, key: key, stretches: stretches, expansion: expansion))
    }

    /// Takes back what an own event did to marks, where nobody else marked since.
    mutating func revert(_ step: MarkStep) {
        let slot = containers.slot(of: step.container)
        texts[slot].identify(graph: graph, scratch: &scratch)
        var places: [(position: Int, before: DocumentValue?)] = []
        for stretch in step.stretches {
            for unit in stretch.units {
                let place = texts[slot].sequence.place(ofUnit: currentUnit(unit, of: step.container))
                if !place.isDeleted { places.append((place.position, stretch.before)) }
            }
        }
        places.sort { $0.position < $1.position }
        var start = 0
        while start < places.count {
            var end = start + 1
            while end < places.count, places[end].position == places[end - 1].position + 1, places[end].before == places[start].before {
                end += 1
            }
            remark(step, places[start].position..<places[end - 1].position + 1, to: places[start].before)
            start = end
        }
    }

    private mutating func remark(_ step: MarkStep, _ range: Range<Int>, to value: DocumentValue?) {
        let slot = containers.slot(of: step.container)
        var ranges: [Range<Int>] = []
        texts[slot].identify(graph: graph, scratch: &scratch)
        texts[slot].forEachStretch(in: range, key: step.key) { stretch, holding in
            let entry = holding[step.key].map { texts[slot].marks.entries[$0] }
            if entry?.mark.value == value { return }
            // Somebody else's later mark stays.
            if let entry, !isOwn(entry.dot) { return }
            if let last = ranges.last, last.upperBound == stretch.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<stretch.upperBound
            } else {
                ranges.append(stretch)
            }
        }
        for range in ranges { mark(text: step.container, range, step.key, value, expansion: step.expansion.removal) }
    }

    /// Marks text that undo has brought back as it was marked when it was deleted.
    mutating func restoreMarks(of container: UInt32, at position: Int, _ wanted: [[String: DocumentValue]?]) {
        let slot = containers.slot(of: container)
        var edits: [String: [(range: Range<Int>, value: DocumentValue?)]] = [:]
        var place = position
        for stretch in stretches(of: slot, in: position..<position + wanted.count) {
            for offset in 0..<stretch.count {
                guard let wanted = wanted[place + offset - position] else { continue }
                for key in Set(wanted.keys).union(stretch.marks.keys) where wanted[key] != stretch.marks[key] {
                    let one = place + offset..<place + offset + 1
                    if let last = edits[key]?.last, last.range.upperBound == one.lowerBound, last.value == wanted[key] {
                        edits[key]![edits[key]!.count - 1].range = last.range.lowerBound..<one.upperBound
                    } else {
                        edits[key, default: []].append((one, wanted[key]))
                    }
                }
            }
            place += stretch.count
        }
        for (key, edits) in edits.sorted(by: { $0.key < $1.key }) {
            for edit in edits {
                let rule = expansion(of: key)
                mark(text: container, edit.range, key, edit.value, expansion: edit.value == nil ? rule.removal : rule)
            }
        }
    }
}
