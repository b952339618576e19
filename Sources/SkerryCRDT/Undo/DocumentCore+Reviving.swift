extension DocumentCore {
    /// A stretch of deleted text, as it is to come back.
    private struct Return {
        /// Where in the text.
        var position: Int
        /// Where it stood among everything that was ever there.
        var order: UInt32
        /// The last of their chains.
        var unit: UInt32
        var count: UInt32
    }

    /// Deletes what an insertion put there, or what undo put in its place, as far as it still stands.
    mutating func takeOut(_ piece: SequenceLog.Piece, of container: UInt32) {
        let slot = containers.slot(of: container)
        texts[slot].identify(graph: graph, scratch: &scratch)
        var stretches: [Range<Int>] = []
        var unit = piece.unit
        while unit < piece.unit + piece.count {
            let (current, count) = unitsAlike(from: unit, atMost: piece.unit + piece.count - unit, of: container)
            let place = texts[slot].sequence.place(ofUnit: current)
            if !place.isDeleted || isDefective(.undoDeletesNeighbour) { stretches.append(place.position..<place.position + Int(count)) }
            unit += count
        }
        // From the end, so that positions stay right; neighbours in one go.
        stretches.sort { $0.lowerBound > $1.lowerBound }
        var index = 0
        while index < stretches.count {
            var stretch = stretches[index]
            index += 1
            while index < stretches.count, stretches[index].upperBound == stretch.lowerBound {
                stretch = stretches[index].lowerBound..<stretch.upperBound
                index += 1
            }
            erase(text: container, at: stretch.lowerBound, count: stretch.count)
        }
    }

    /// What stands for a unit now, and how many units from it on stand together, all in the text or all not: a large paste is not undone
    /// letter by letter, however often it was undone before.
    private func unitsAlike(from unit: UInt32, atMost limit: UInt32, of container: UInt32) -> (current: UInt32, count: UInt32) {
        let slot = containers.slot(of: container)
        let first = undo!.revivals.first(of: unit, in: container)
        let last = undo!.revivals.last(of: unit, in: container)
        var count = min(limit, last.count, texts[slot].sequence.identity.standingTogether(with: last.unit))
        if first.unit != last.unit { count = min(count, texts[slot].sequence.identity.standingTogether(with: first.unit)) }
        return (last.unit, count)
    }

    /// Inserts again what a deletion took out, where it stood.
    mutating func bringBack(_ piece: SequenceLog.Piece, of container: UInt32, _ erasures: [MarkErasure]) {
        let slot = containers.slot(of: container)
        texts[slot].identify(graph: graph, scratch: &scratch)
        let wasMarked = erasures.contains { $0.container == container }
        var returns: [Return] = []
        var marks: [UInt32: [String: DocumentValue]] = [:]
        var done: UInt32 = 0
        while done < piece.count {
            // One by one where each has marks of its own.
            let targets = texts[slot].sequence.targets(ofUnit: piece.unit + done, count: wasMarked ? 1 : piece.count - done)
            if wasMarked {
                marks[currentUnit(targets.first, of: container)] = marksErased(at: Int(piece.version + done), of: container, erasures)
            }
            collectReturns(targets.first..<targets.first + targets.count, of: container, into: &returns)
            done += targets.count
        }
        // In the order in which they stood; neighbours come back in one go, the last first, so that places stay right.
        returns.sort { $0.order < $1.order }
        var end = returns.count
        while end > 0 {
            var start = end - 1
            while start > 0, returns[start - 1].position == returns[end - 1].position { start -= 1 }
            bringBack(returns[start..<end], of: container)
            if wasMarked || !texts[slot].marks.isEmpty {
                let units = returns[start..<end].flatMap { $0.unit..<$0.unit + $0.count }
                restoreMarks(of: container, at: returns[start].position, units.map { wasMarked ? marks[$0] : nil })
            }
            end = start
        }
    }

    /// Adds what of some units is not in the text, in stretches that stand together.
    private func collectReturns(_ units: Range<UInt32>, of container: UInt32, into returns: inout [Return]) {
        let slot = containers.slot(of: container)
        var unit = units.lowerBound
        while unit < units.upperBound {
            let (current, count) = unitsAlike(from: unit, atMost: units.upperBound - unit, of: container)
            unit += count
            guard texts[slot].sequence.place(ofUnit: current).isDeleted else { continue }
            let order = texts[slot].sequence.identity.order(of: undo!.revivals.first(of: current, in: container).unit)
            let position = textPosition(ofRevived: current, order: order, of: container)
            returns.append(Return(position: position, order: order, unit: current, count: count))
        }
    }

    private func marksErased(at version: Int, of container: UInt32, _ erasures: [MarkErasure]) -> [String: DocumentValue]? {
        for erasure in erasures where erasure.container == container {
            if let marks = erasure.marks(at: version) { return marks }
        }
        return nil
    }

    /// Where a deleted character comes back: where it stood, and on the right side of what undo brought back before it.
    ///
    /// What undo made has a place of its own in the order, beside the one it stands for, so it is passed by, stretch by stretch.
    private func textPosition(ofRevived unit: UInt32, order own: UInt32, of container: UInt32) -> Int {
        let slot = containers.slot(of: container)
        var position = texts[slot].sequence.place(ofUnit: unit).position
        while position > 0 {
            let (unit, before, _) = texts[slot].sequence.stretch(at: position - 1)
            let first = undo!.revivals.first(of: unit, in: container)
            guard first.isRevived else { break }
            let (order, orderBefore, _) = texts[slot].sequence.identity.standing(first.unit)
            if order < own { break }
            let reach = min(before, first.before, orderBefore) + 1
            position -= Int(min(reach, order - own))
            if order - own < reach { break }
        }
        while position < texts[slot].sequence.count {
            let (unit, _, after) = texts[slot].sequence.stretch(at: position)
            let first = undo!.revivals.first(of: unit, in: container)
            guard first.isRevived else { break }
            let (order, _, orderAfter) = texts[slot].sequence.identity.standing(first.unit)
            if order >= own { break }
            let reach = min(after, first.count, orderAfter)
            position += Int(min(reach, own - order))
            if own - order < reach { break }
        }
        return position
    }

    private mutating func bringBack(_ returns: ArraySlice<Return>, of container: UInt32) {
        let slot = containers.slot(of: container)
        var bytes = RawArray<UInt8>()
        for stretch in returns { bytes.append(contentsOf: texts[slot].content(ofUnit: stretch.unit, count: Int(stretch.count))) }
        var new = UInt32(texts[slot].sequence.log.unitCount)
        edit(text: container, at: returns.first!.position, deleting: 0, inserting: bytes.elements)
        for stretch in returns {
            undo!.revivals.note(new, count: stretch.count, for: stretch.unit, in: container)
            new += stretch.count
        }
    }

    /// The unit that undo inserted in the place of one.
    func currentUnit(_ unit: UInt32, of container: UInt32) -> UInt32 { undo!.revivals.last(of: unit, in: container).unit }

    // MARK: - Forgetting

    /// Lets go of what undo brought back where no change that can still be taken back has to do with it. O(n) in what those did, once it has
    /// doubled since the last time.
    mutating func forgetRevivals() {
        guard undo!.revivals.runCount > undo!.revivalsKept else { return }
        let oldest = undo!.oldestVersion ?? graph.count
        let named = unitsNamedByUndo()
        var revivals = undo!.revivals
        revivals.forget(before: { container in firstUnit(of: container, from: oldest) }, keeping: named)
        undo!.revivals = revivals
        undo!.revivalsKept = max(2 * revivals.runCount, UndoHistory.revivalsMinimum)
    }

    /// By container: the units, or slots, that the changes name which can be taken back or made again, by their lower bounds.
    private mutating func unitsNamedByUndo() -> [UInt32: [Range<UInt32>]] {
        var named: [UInt32: [Range<UInt32>]] = [:]
        for step in (undo!.undoable + undo!.redoable).flatMap(\.steps) {
            for (container, listStep) in step.steps {
                named[container, default: []] += slots(namedBy: listStep, of: container).map { UInt32($0)..<UInt32($0) + 1 }
            }
            for mark in step.marks { named[mark.container, default: []] += mark.stretches.map(\.units) }
            forEachTextStretch(of: step.versions) { core, container, span in
                let units = core.units(namedBy: span, of: container)
                named[container, default: []] += units
            }
        }
        for container in named.keys { named[container]!.sort { $0.lowerBound < $1.lowerBound } }
        return named
    }

    private func slots(namedBy step: ListState.Step, of container: UInt32) -> [Int] {
        switch step {
        case .placed(let placed, _, _, _, let before): [placed, Int(before)]
        case .removed(let removed, _, _, _, _): [removed]
        case .wrote(let element, _): [Int(lists[containers.slot(of: container)].elements[element].slot)]
        }
    }

    /// What some events inserted and deleted.
    private mutating func units(namedBy span: VersionSpan, of container: UInt32) -> [Range<UInt32>] {
        let slot = containers.slot(of: container)
        texts[slot].identify(graph: graph, scratch: &scratch)
        var named: [Range<UInt32>] = []
        texts[slot].sequence.log.forEachPiece(in: span) { piece in
            if piece.kind == .insertion { return named.append(piece.unit..<piece.unit + piece.count) }
            var done: UInt32 = 0
            while done < piece.count {
                let targets = texts[slot].sequence.targets(ofUnit: piece.unit + done, count: piece.count - done)
                named.append(targets.first..<targets.first + targets.count)
                done += targets.count
            }
        }
        return named
    }

    /// Calls the body with the stretches of some events that belong to one text each, the newest first.
    mutating func forEachTextStretch(of versions: Range<Int>, _ body: (inout DocumentCore, UInt32, VersionSpan) -> Void) {
        var end = versions.upperBound
        while end > versions.lowerBound {
            let index = owner(of: end - 1)
            let start = max(versions.lowerBound, Int(owners[index].version))
            let container = owners[index].container
            if containers.kind(of: container) == .text { body(&self, container, VersionSpan(start: UInt32(start), end: UInt32(end))) }
            end = start
        }
    }

    /// The first unit of a text, or slot of a list, that was made at a local version or after it.
    private func firstUnit(of container: UInt32, from version: Int) -> UInt32 {
        let slot = containers.slot(of: container)
        if containers.kind(of: container) == .text { return texts[slot].sequence.log.unit(atOrAfter: UInt32(version)) }
        var low = 0, high = lists[slot].slots.count
        while low < high {
            let middle = (low + high) / 2
            let dot = lists[slot].slots[middle].dot
            let made = graph.existingNumber(of: dot.origin).flatMap { graph.version(origin: $0, sequence: Int(dot.sequence) - 1) }
            if made ?? -1 < version { low = middle + 1 } else { high = middle }
        }
        return UInt32(low)
    }
}
