extension Document {
    /// Begins to remember own changes, so that they can be undone. Asked again it changes the settings and forgets nothing.
    ///
    /// - Parameters:
    ///   - limit: the number of steps remembered. A step is a change, or a group of them, see ``undoGroup(_:)``.
    ///   - joiningWithin: milliseconds; a change that follows the one before it within that time, by the document's clock, joins its step. nil
    ///     keeps every change a step of its own.
    /// - Throws: `notFound` when the document was opened without its history.
    public func enableUndo(limit: Int = 1_000, joiningWithin: UInt64? = nil) throws(DocumentError) {
        try withCore { core throws(DocumentError) in
            if core.undo == nil {
                // Deleted text comes back from the history, to the place it had there.
                try core.restoreHistory()
                core.undo = UndoHistory(limit: 1)
            }
            core.undo!.limit = max(limit, 1)
            core.undo!.joiningWithin = joiningWithin
        }
    }

    /// Makes all own changes in the body one step of undo, whatever else happens meanwhile. Groups within it count as one with it.
    ///
    /// Runs outside the document's lock. Changes that other threads make here meanwhile join the group.
    public func undoGroup<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        beginUndoGroup()
        defer { endUndoGroup() }
        return try body()
    }

    /// Begins a step of undo that takes in every own change up to ``endUndoGroup()``: what a drag or an input method does.
    public func beginUndoGroup() {
        withCore { core in
            if core.undo?.openGroups == 0 { core.undo!.isGroupBegun = false }
            core.undo?.openGroups += 1
        }
    }

    /// Ends what ``beginUndoGroup()`` began.
    public func endUndoGroup() {
        withCore { core in
            guard let open = core.undo?.openGroups, open > 0 else { return }
            core.undo!.openGroups -= 1
            // The next change is a step of its own, however soon it comes.
            if open == 1 { core.undo!.isGroupClosed = true }
        }
    }

    public var canUndo: Bool { withCore { $0.undo.map { !$0.undoable.isEmpty } ?? false } }
    public var canRedo: Bool { withCore { $0.undo.map { !$0.redoable.isEmpty } ?? false } }

    /// Takes back the last own step that was not taken back, by a new change; what others did in between stays.
    ///
    /// Text that was inserted goes where it still stands, deleted text comes back where it stood. Keys and registers get their value back
    /// unless somebody else wrote since; elements of lists come, go and return likewise.
    ///
    /// - Returns: false when there was nothing to undo.
    @discardableResult
    public func undo() -> Bool { rewind(.undo) }

    /// Makes the change again that ``undo()`` took back last, unless a new change of the same author came after it.
    ///
    /// - Returns: false when there was nothing to redo.
    @discardableResult
    public func redo() -> Bool { rewind(.redo) }

    private func rewind(_ direction: UndoHistory.Direction, by author: String? = nil) -> Bool {
        let isDone = withCore { core in core.rewind(direction, by: author) }
        deliver()
        return isDone
    }

    // MARK: - By author

    /// Makes a change as ``change(_:)`` does, in the name of an author: of several users behind this replica, or parts of the program that write
    /// to one document, each takes back its own with ``undo(by:)``.
    ///
    /// Authors are known to this object alone. They are no part of the document and others do not hear of them.
    public func change<R, E: Error>(by author: String, _ body: (Change) throws(E) -> R) throws(E) -> R {
        try change { change throws(E) in
            change.core.pointee.undo?.author = author
            do throws(E) {
                return try body(change)
            } catch {
                change.core.pointee.undo?.author = nil
                throw error
            }
        }
    }

    /// Takes back the last step of an author that was not taken back, as ``undo()`` does; what other authors did later stays, as that of other replicas.
    ///
    /// Which characters show is exact. Authors who take back deletions of neighbouring text in another order than they made them may find it on the
    /// other side of what was deleted between and written since.
    ///
    /// - Returns: false when there was nothing to undo.
    @discardableResult
    public func undo(by author: String) -> Bool { rewind(.undo, by: author) }

    /// Makes the change again that the author took back last, unless a new change of this author came after it.
    ///
    /// - Returns: false when there was nothing to redo.
    @discardableResult
    public func redo(by author: String) -> Bool { rewind(.redo, by: author) }

    public func canUndo(by author: String) -> Bool { withCore { $0.undo?.undoable.contains { $0.author == author } ?? false } }
    public func canRedo(by author: String) -> Bool { withCore { $0.undo?.redoable.contains { $0.author == author } ?? false } }
}

extension DocumentCore {
    /// Remembers the change that just ended.
    mutating func recordUndo() {
        defer { undo!.author = nil }
        // What undid nothing is still a step on the way back.
        if undo!.direction == nil, graph.count == checkpoint.events { return }
        undo!.noteAuthor(from: checkpoint.events)
        let author = undo!.author
        let step = UndoHistory.Step(
            versions: checkpoint.events..<graph.count, effects: journal.effects, steps: journal.steps, marks: journal.marks,
            erasures: journal.erasures)
        switch undo!.direction {
        case .undo: undo!.redoable.append(UndoHistory.Group(steps: [step], time: 0, author: author))
        case .redo: undo!.undoable.append(UndoHistory.Group(steps: [step], time: 0, author: author))
        case nil:
            undo!.append(step, now: undo!.joiningWithin == nil ? 0 : now())
            undo!.redoable.removeAll { $0.author == author }
        }
        undo!.forgetSteps()
        undo!.forgetAuthors(now: graph.count)
        forgetRevivals()
        forgetStandIns()
    }

    mutating func rewind(_ direction: UndoHistory.Direction, by author: String?) -> Bool {
        guard let group = undo?.take(direction, by: author) else { return false }
        // The step that this makes goes to the other side.
        undo!.direction = direction
        undo!.author = group.author
        undo!.isByAuthor = author != nil
        undo!.isGroupClosed = true
        // What follows within an open group is a step of its own: the one that it would have joined may just have gone.
        undo!.isGroupBegun = false
        beginChange()
        // What is taken back in several steps is this author's from the first of them on.
        undo!.noteAuthor(from: checkpoint.events)
        for step in group.steps.reversed() {
            for (container, effect) in step.effects.reversed() { revert(effect, of: container, by: step.versions) }
            for (container, listStep) in step.steps.reversed() { revert(listStep, of: container, by: step.versions) }
            revertTexts(step)
            for mark in step.marks.reversed() { revert(mark) }
        }
        recordUndo()
        publish(.undo)
        isChanging = false
        undo!.direction = nil
        return true
    }

    /// Whether a write is one of those that a step may take back: its own, or an earlier one of the same author.
    func isOwn(_ dot: Dot, by versions: Range<Int> = 0..<0) -> Bool {
        guard dot.origin == origin || isDefective(.undoTakesOthers) else { return false }
        guard let version = graph.version(origin: originNumber, sequence: Int(dot.sequence) - 1) else { return true }
        if versions.contains(version) { return true }
        // Always for an earlier write, so this ends.
        if let written = undo!.standIns[dot.sequence] { return isOwn(written, by: versions) }
        return !undo!.isByAuthor || undo!.author(of: version) == undo!.author
    }

    /// Notes that an own event says what another had written: who wrote it takes it back, and steps of this one leave it alone.
    private mutating func noteStandIn(_ dot: Dot?, for written: Dot?) {
        guard let dot, let written else { return }
        let first = written.origin == origin ? undo!.standIns[written.sequence] ?? written : written
        if first.origin == origin, let version = graph.version(origin: originNumber, sequence: Int(first.sequence) - 1),
            undo!.author(of: version) == undo!.author
        {
            return
        }
        if first.origin == origin, first.sequence >= dot.sequence { return }
        undo!.standIns[dot.sequence] = first
    }

    private var newestOwn: Dot { Dot(origin: origin, sequence: UInt64(graph.sequences[Int(originNumber)])) }

    // MARK: - Values

    private mutating func revert(_ effect: ValueState.Effect, of container: UInt32, by versions: Range<Int>) {
        let slot = containers.slot(of: container)
        switch effect {
        case .key(let key, let before):
            // Somebody else's later write stays.
            guard let winner = values[slot].registers[key]?.winner, isOwn(winner.dot, by: versions) else { return }
            if before?.value == winner.value { return noteStandIn(winner.dot, for: before?.winner?.dot) }
            write(.write(key: key, stamp: nextStamp(), value: before?.value), to: container)
            noteStandIn(newestOwn, for: before?.winner?.dot)
        case .counted(let amount):
            write(.add(0 &- amount), to: container)
        case .member(let member, let before):
            let length = values[slot].lengths[member] ?? 0
            if length % 2 != before % 2 { write(.member(member, length: length + 1), to: container) }
        }
    }

    // MARK: - Lists

    private mutating func revert(_ step: ListState.Step, of container: UInt32, by versions: Range<Int>) {
        let slot = containers.slot(of: container)
        switch step {
        case .placed(let placed, _, _, _, let before):
            let now = currentSlot(placed, of: container)
            let number = Int(lists[slot].slots[now].element)
            let shown = Int(lists[slot].elements[number].slot)
            guard !lists[slot].elements[number].isDeleted, let position = lists[slot].order.position(of: shown) else { return }
            if Int(before) == placed {
                remove(from: container, at: position)
            } else if shown == now, let old = lists[slot].order.position(of: Int(before)) {
                // Somebody else's later move stays.
                insert(.move(of: lists[slot].elements[number].dot, stamp: nextStamp()), into: container, at: old)
                revive(currentSlot(Int(before), of: container), of: container)
            }
        case .removed(let removed, _, let shownAt, let hid, let wasDeleted):
            if wasDeleted || (shownAt == nil && hid == nil) { return }
            let now = currentSlot(removed, of: container)
            let number = Int(lists[slot].slots[now].element)
            guard lists[slot].elements[number].isDeleted else { return }
            lists[slot].sequence.identify(graph: graph, scratch: &scratch)
            let position = listPosition(ofRevived: now, of: container)
            let value = lists[slot].elements[number].value.value ?? .null
            insert(.value(value), into: container, at: position)
            noteStandIn(newestOwn, for: lists[slot].elements[number].value.winner?.dot)
            revive(now, of: container)
            if case .container(let kind) = value { reviveChild(kind, of: container, lists[slot].elements[number].dot) }
        case .wrote(let element, let before):
            let now = currentSlot(Int(lists[slot].elements[element].slot), of: container)
            let number = Int(lists[slot].slots[now].element)
            guard !lists[slot].elements[number].isDeleted, let winner = lists[slot].elements[number].value.winner,
                isOwn(winner.dot, by: versions), let value = before.value
            else { return }
            if value == winner.value { return noteStandIn(winner.dot, for: before.winner?.dot) }
            write(.element(lists[slot].elements[number].dot, stamp: nextStamp(), value: value), to: container)
            noteStandIn(newestOwn, for: before.winner?.dot)
        }
    }

    /// Notes that the newest slot stands where another stood.
    private mutating func revive(_ slot: Int, of container: UInt32) {
        undo!.revivals.note(UInt32(lists[containers.slot(of: container)].slots.count - 1), count: 1, for: UInt32(slot), in: container)
    }

    /// Where a deleted slot's element comes back: where it stood, and on the right side of what undo brought back before it.
    private mutating func listPosition(ofRevived now: Int, of container: UInt32) -> Int {
        let slot = containers.slot(of: container)
        func first(_ number: UInt32) -> UInt32 { undo!.revivals.first(of: number, in: container).unit }
        func order(_ number: UInt32) -> UInt32 { lists[slot].sequence.identity.order(of: lists[slot].unit(ofSlot: Int(first(number)))) }
        var position = lists[slot].sequence.place(ofUnit: lists[slot].unit(ofSlot: now)).position
        let own = order(UInt32(now))
        // What undo made has a place of its own in the order, beside the one it stands for.
        while position > 0 {
            let before = UInt32(lists[slot].order.slot(at: position - 1))
            if first(before) == before || order(before) < own { break }
            position -= 1
        }
        while position < lists[slot].order.count {
            let after = UInt32(lists[slot].order.slot(at: position))
            if first(after) == after || order(after) > own { break }
            position += 1
        }
        return position
    }

    /// The slot that undo made in the place of one.
    private func currentSlot(_ slot: Int, of container: UInt32) -> Int { Int(currentUnit(UInt32(slot), of: container)) }

    // MARK: - Forgetting

    /// Lets go of what stands for others' writes where no step meets it: it says nothing now of what a step wrote to, nor did when the step came.
    /// A later step that writes there finds no older one that it must be kept from. O(n) in what the steps did, once there are twice as many.
    private mutating func forgetStandIns() {
        guard undo!.standIns.count > undo!.standInsKept else { return }
        var met: Set<UInt64> = []
        func note(_ value: MultiValue?) {
            for entry in value?.entries ?? [] where entry.dot.origin == origin { met.insert(entry.dot.sequence) }
        }
        for step in (undo!.undoable + undo!.redoable).flatMap(\.steps) {
            for case (let container, .key(let key, let before)) in step.effects {
                note(before)
                note(values[containers.slot(of: container)].registers[key])
            }
            for (container, listStep) in step.steps { for value in valuesMet(by: listStep, of: container) { note(value) } }
        }
        for (sequence, written) in undo!.standIns where met.contains(sequence) && written.origin == origin { met.insert(written.sequence) }
        undo!.standIns = undo!.standIns.filter { met.contains($0.key) }
        undo!.standInsKept = max(2 * undo!.standIns.count, UndoHistory.standInsMinimum)
    }

    /// What the element of a step says, and what it said before.
    private func valuesMet(by step: ListState.Step, of container: UInt32) -> [MultiValue] {
        let slot = containers.slot(of: container)
        func now(_ number: Int) -> MultiValue {
            lists[slot].elements[Int(lists[slot].slots[currentSlot(number, of: container)].element)].value
        }
        return switch step {
        case .placed(let placed, _, _, _, _): [now(placed)]
        case .removed(let removed, _, _, _, _): [now(removed)]
        case .wrote(let element, let before): [before, now(Int(lists[slot].elements[element].slot))]
        }
    }

    // MARK: - Texts

    private mutating func revertTexts(_ step: UndoHistory.Step) {
        // The events that taking back makes follow these, so they move nothing here.
        forEachTextStretch(of: step.versions) { core, container, span in core.revertText(container, span, step.erasures) }
    }

    private mutating func revertText(_ container: UInt32, _ span: VersionSpan, _ erasures: [MarkErasure]) {
        let slot = containers.slot(of: container)
        var pieces: [SequenceLog.Piece] = []
        texts[slot].sequence.log.forEachPiece(in: span) { pieces.append($0) }
        for piece in pieces.reversed() {
            if piece.kind == .insertion { takeOut(piece, of: container) } else { bringBack(piece, of: container, erasures) }
        }
    }
}

extension ListState {
    /// The unit that made a slot.
    func unit(ofSlot slot: Int) -> UInt32 {
        var low = 0, high = sequence.log.runs.count - 1
        // Slots are numbered in the order of the insertions; runs of deletions have no content to compare.
        var best = -1
        while low <= high {
            let middle = (low + high) / 2
            var probe = middle
            while probe >= low, sequence.log.runs[probe].kind != .insertion { probe -= 1 }
            if probe < low {
                low = middle + 1
            } else if Int(sequence.log.runs[probe].content) <= slot {
                best = probe
                low = middle + 1
            } else {
                high = probe - 1
            }
        }
        precondition(best >= 0, "a slot without an insertion")
        return sequence.log.runs[best].unit + UInt32(slot) - sequence.log.runs[best].content
    }
}
