extension DocumentCore {
    /// What became of a batch.
    struct Applied {
        /// Events that are new here.
        var result = ImportResult()
        /// Runs that build on events not here, by their index in the batch, and the first of those.
        var waiting: [(run: Int, missing: Dot)] = []
    }

    /// Takes in the events of a batch, all or, when one is impossible, none.
    ///
    /// Runs that build on events not here are left out, and listed in the result; runs known already are skipped.
    mutating func apply(_ batch: borrowing ChangeBatch) throws(DocumentError) -> Applied {
        if needsHistory(for: batch) { try restoreHistory() }
        beginCheckpoint()
        namesForgottenElement = false
        edits.removeAll()
        batchContainers.truncate(to: 0)
        var result = Applied()
        do throws(DocumentError) {
            for index in 0..<batch.runs.count {
                if let missing = try apply(run: index, of: batch, result: &result) { result.waiting.append((index, missing)) }
            }
        } catch {
            if isDefective(.refusalKeepsEvents) { commitEdits() } else { rollBack() }
            clock = HybridClock(highWater: checkpoint.highWater, futureBound: clock.futureBound)
            guard namesForgottenElement else { throw error }
            // A snapshot leaves out elements that were deleted; what the event means does not depend on where the document was opened from.
            try restoreHistory()
            return try apply(batch)
        }
        commitEdits()
        releaseTrackers(afterBatchOf: graph.count - checkpoint.events)
        publish(.remote, result.result)
        return result
    }

    private mutating func apply(run index: Int, of batch: borrowing ChangeBatch, result: inout Applied) throws(DocumentError) -> Dot? {
        let run = batch.runs[index]
        // An origin gets a number with its first event: names of what is not taken in leave nothing behind.
        let number = graph.existingNumber(of: batch.origins[Int(run.origin)])
        let known = number.map { Int(graph.sequences[Int($0)]) } ?? 0
        var skipped = isDefective(.appliedTwice) ? min(0, known - Int(run.sequence)) : known - Int(run.sequence)
        if skipped < 0, !isDefective(.gapTaken) { return Dot(origin: batch.origins[Int(run.origin)], sequence: UInt64(known) + 1) }
        if isDefective(.gapTaken) { skipped = max(0, skipped) }
        let count = Int(run.count) - skipped
        if count <= 0 { return nil }
        guard graph.count + count < EventGraph.limit else {
            throw DocumentError(code: .limitExceeded, message: "a document holds at most \(EventGraph.limit) events")
        }
        seen.truncate(to: 0)
        if known > 0 { seen.append(UInt32(graph.version(origin: number!, sequence: known - 1)!)) }
        if skipped == 0 {
            for parent in Int(run.parents)..<Int(run.parents + run.parentCount) {
                if let missing = see(batch.parents[parent], of: batch) { return missing }
            }
        }
        let start = graph.count
        let origin = number ?? graph.number(of: batch.origins[Int(run.origin)])
        graph.append(count, origin: origin, parents: seen.elements)
        try applyOperations(of: run, skipping: skipped, from: start, batch: batch)
        let first = UInt64(known) + 1
        result.result.apply(EventRange(origin: batch.origins[Int(run.origin)], first: first, last: first + UInt64(count) - 1))
        return nil
    }

    /// Adds a parent to `seen`, in order; returns its name when it is not here.
    private mutating func see(_ parent: ChangeBatch.Parent, of batch: borrowing ChangeBatch) -> Dot? {
        let origin = batch.origins[Int(parent.origin)]
        guard let number = graph.existingNumber(of: origin), let version = graph.version(origin: number, sequence: Int(parent.sequence))
        else { return Dot(origin: origin, sequence: UInt64(parent.sequence) + 1) }
        let value = UInt32(version)
        var index = 0
        while index < seen.count, seen[index] < value { index += 1 }
        if index < seen.count, seen[index] == value { return nil }
        seen.insert(value, at: index)
        dropSeenAncestor(of: value)
        return nil
    }

    /// Leaves out the parent that a newer one plainly includes: the one its run starts from or contains. What is missed costs time only.
    private mutating func dropSeenAncestor(of version: UInt32) {
        guard seen.count > 1 else { return }
        let index = graph.run(of: Int(version))
        let start = graph.runs[index].start
        for position in 0..<seen.count where seen[position] < version {
            if seen[position] >= start || graph.parents(ofRun: index).contains(seen[position]) {
                seen.remove(at: position)
                return
            }
        }
    }

    // MARK: - Operations

    private mutating func applyOperations(
        of run: ChangeBatch.Run, skipping skipped: Int, from start: Int, batch: borrowing ChangeBatch
    ) throws(DocumentError) {
        let graphRun = graph.run(of: start)
        var version = start
        var skip = skipped
        for index in Int(run.operations)..<Int(run.operations + run.operationCount) {
            let operation = batch.operations[index]
            if skip >= Int(operation.count) {
                skip -= Int(operation.count)
                continue
            }
            let container = localContainer(Int(operation.container), of: batch)
            let bytes = UnsafeBufferPointer(start: batch.bytes.base + Int(operation.content), count: Int(operation.contentCount))
            let span = VersionSpan(start: UInt32(version), end: UInt32(version + Int(operation.count) - skip))
            own(container, from: version)
            touch(container)
            try append(operation, bytes, to: container, skipping: skip, version: version)
            if operation.kind != .value, !isRestoring { try integrate(span, of: container, run: graphRun) }
            version = Int(span.end)
            skip = 0
        }
    }

    /// Writes an operation to its container's log.
    mutating func append(
        _ operation: ChangeBatch.Operation, _ bytes: UnsafeBufferPointer<UInt8>, to container: UInt32, skipping skipped: Int, version: Int
    ) throws(DocumentError) {
        let slot = containers.slot(of: container)
        switch containers.kind(of: container) {
        case .text where operation.kind != .value: texts[slot].append(operation, bytes, skipping: skipped, version: version)
        case .list where operation.kind != .value:
            try appendToList(operation, bytes, container: container, skipping: skipped, version: version)
        case .text, .list, .map, .counter, .set, .register: try appendValue(bytes, to: container, version: version)
        }
    }

    private mutating func appendValue(_ bytes: UnsafeBufferPointer<UInt8>, to container: UInt32, version: Int) throws(DocumentError) {
        let slot = containers.slot(of: container)
        let kind = containers.kind(of: container)
        let event = try ValueEvent(bytes, for: kind)
        if let stamp = event.stamp { try observe(stamp) }
        if case .element(let element, _, _) = event { try checkElement(element, of: slot, version: version) }
        let entry = append(bytes, toValuesOf: kind, at: slot, version: version)
        if !isRestoring { pendingValues.append(PendingValue(container: container, entry: UInt32(entry))) }
    }

    /// Writes a value to the log of a container; returns its index there.
    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, toValuesOf kind: ContainerKind, at slot: Int, version: Int) -> Int {
        switch kind {
        case .text:
            texts[slot].marks.log.append(version: version, bytes)
            return texts[slot].marks.log.count - 1
        case .list:
            lists[slot].log.append(version: version, bytes)
            return lists[slot].log.count - 1
        case .map, .counter, .set, .register:
            values[slot].log.append(version: version, bytes)
            return values[slot].log.count - 1
        }
    }

    private mutating func appendToList(
        _ operation: ChangeBatch.Operation, _ bytes: UnsafeBufferPointer<UInt8>, container: UInt32, skipping skipped: Int, version: Int
    ) throws(DocumentError) {
        let slot = containers.slot(of: container)
        let count = Int(operation.count) - skipped
        if operation.kind != .insertion {
            let isBackwards = operation.kind == .deletionBackwards
            lists[slot].sequence.log.appendDeletion(
                version: version, position: Int(operation.position) - (isBackwards ? skipped : 0), count: count, backwards: isBackwards)
            return
        }
        lists[slot].sequence.log.appendInsertion(
            version: version, position: Int(operation.position) + skipped, count: count, content: lists[slot].slots.count)
        var reader = ByteReader(bytes)
        for index in 0..<Int(operation.count) {
            let start = reader.offset
            let item = try ListItem(&reader)
            let encoded = UnsafeBufferPointer(rebasing: bytes[start..<reader.offset])
            if index < skipped { continue }
            let own = version + index - skipped
            if case .move(let moved, let stamp) = item {
                try observe(stamp)
                try checkElement(moved, of: slot, version: own)
            }
            guard lists[slot].slots.count < ListState.slotMaximum else {
                throw DocumentError(code: .limitExceeded, message: "a list makes at most \(ListState.slotMaximum) slots")
            }
            lists[slot].appendSlot(item, encoded: encoded, dot: graph.dot(of: own), version: UInt32(own))
        }
        guard reader.isAtEnd else { throw reader.damaged("items are left over") }
    }

    /// An element that an event names must be one it had seen, or replicas could differ on what it means.
    private mutating func checkElement(_ dot: Dot, of slot: Int, version: Int) throws(DocumentError) {
        if let number = lists[slot].number(of: dot) {
            let made = graph.existingNumber(of: dot.origin).flatMap { graph.version(origin: $0, sequence: Int(dot.sequence) - 1) }
            if lists[slot].elements[number].dot == dot, let made,
                graph.hasSeen(UInt32(version), UInt32(made), clocks: &elementClocks, scratch: &scratch)
            {
                return
            }
        }
        namesForgottenElement = graph.existingNumber(of: dot.origin).map { dot.sequence <= UInt64(graph.base.sequence(of: $0)) } ?? false
        let event = graph.dot(of: version)
        throw DocumentError(
            code: .invalidEvent, message: "event \(event.sequence) of \(event.origin) names an element that it cannot know")
    }

    private mutating func observe(_ stamp: HybridTimestamp) throws(DocumentError) {
        // What is read back was accepted once.
        if isRestoring || stamp <= clock.highWater { return }
        if trustsStamps, stamp.isPlausible { return clock.restore(stamp) }
        do throws(HybridClock.FutureStamp) {
            try clock.observe(stamp, now: now())
        } catch {
            throw DocumentError(
                code: .futureStamp, message: "a stamp lies \(error.stamp.milliseconds - error.now) ms in the future")
        }
    }

    private mutating func integrate(_ span: VersionSpan, of container: UInt32, run: Int) throws(DocumentError) {
        let slot = containers.slot(of: container)
        edits.begin(container: container)
        do throws(SequenceState.OutOfBounds) {
            if containers.kind(of: container) == .text {
                try texts[slot].sequence.integrate(span, run: run, graph: graph, scratch: &scratch, edits: &edits)
            } else {
                try lists[slot].sequence.integrate(span, run: run, graph: graph, scratch: &scratch, edits: &edits)
            }
        } catch {
            let dot = graph.dot(of: Int(error.version))
            throw DocumentError(code: .invalidEvent, message: "event \(dot.sequence) of \(dot.origin) reaches outside its sequence")
        }
    }

    private mutating func localContainer(_ index: Int, of batch: borrowing ChangeBatch) -> UInt32 {
        // A large batch asks for each again and again; a small one would pay for the table more than it saves.
        if batch.operations.count < batch.containers.count { return findContainer(index, of: batch) }
        while batchContainers.count < batch.containers.count { batchContainers.append(ContainerTable.root) }
        if batchContainers[index] == ContainerTable.root { batchContainers[index] = findContainer(index, of: batch) }
        return batchContainers[index]
    }

    private mutating func findContainer(_ index: Int, of batch: borrowing ChangeBatch) -> UInt32 {
        let container = batch.containers[index]
        let parent = container.parent == ContainerTable.root ? container.parent : localContainer(Int(container.parent), of: batch)
        return self.container(ContainerTable.Name(parent: parent, key: container.key, kind: container.kind))
    }

    // MARK: - Committing

    /// Changes the states, now that nothing can fail any more.
    private mutating func commitEdits() {
        for index in 0..<edits.stretches.count {
            let container = edits.stretches[index].container
            let slot = containers.slot(of: container)
            if containers.kind(of: container) == .list {
                commitList(container, edits.range(ofStretch: index))
            } else if isWatched {
                for edit in edits.range(ofStretch: index) {
                    if !isDefective(.noticeMisplaced) { noteText(edits.edits[edit], of: container) }
                    texts[slot].apply(edit..<edit + 1, of: edits)
                    if isDefective(.noticeMisplaced) { noteText(edits.edits[edit], of: container) }
                }
            } else {
                texts[slot].apply(edits.range(ofStretch: index), of: edits)
            }
        }
        for index in 0..<pendingValues.count { commitValue(pendingValues[index]) }
        pendingValues.truncate(to: 0)
    }

    /// Drops the trackers of what a batch has edited where they are large and not needed soon.
    private mutating func releaseTrackers(afterBatchOf events: Int) {
        for index in 0..<edits.stretches.count { releaseTracker(of: edits.stretches[index].container, afterBatchOf: events) }
    }

    @inline(__always)
    mutating func releaseTracker(of container: UInt32, afterBatchOf events: Int) {
        let slot = containers.slot(of: container)
        switch containers.kind(of: container) {
        case .text: texts[slot].sequence.releaseTracker(above: trackerMaximum, afterBatchOf: events, graph: graph)
        case .list: lists[slot].sequence.releaseTracker(above: trackerMaximum, afterBatchOf: events, graph: graph)
        case .map, .counter, .set, .register: break
        }
    }

    private mutating func noteText(_ edit: SequenceEdit, of container: UInt32) {
        var inserted = ""
        if edit.isInsertion {
            inserted = String(
                decoding: texts[containers.slot(of: container)].content(ofUnit: edit.unit, count: Int(edit.count)), as: UTF8.self)
        }
        noteText(at: Int(edit.position), deleting: edit.isInsertion ? 0 : Int(edit.count), inserting: inserted, of: container)
    }

    private mutating func commitList(_ container: UInt32, _ range: Range<Int>) {
        let slot = containers.slot(of: container)
        for index in range {
            let edit = edits.edits[index]
            for offset in 0..<edit.count {
                let step =
                    edit.isInsertion
                    ? lists[slot].place(lists[slot].slot(ofUnit: edit.unit + offset), at: Int(edit.position + offset))
                    : lists[slot].remove(at: Int(edit.position))
                noteStep(step, of: container)
            }
        }
    }

    /// The local versions of the writes to a register that an event had seen.
    private mutating func versions(of register: MultiValue, seenBy version: UInt32) -> [UInt32] {
        var seen: [UInt32] = []
        for entry in register.entries where graph.hasSeen(version, entry.version, clocks: &valueClocks, scratch: &scratch) {
            seen.append(entry.version)
        }
        return seen
    }

    private mutating func commitValue(_ pending: PendingValue) {
        let slot = containers.slot(of: pending.container)
        let kind = containers.kind(of: pending.container)
        let entry = Int(pending.entry)
        if kind == .text { return texts[slot].commitMark(entry, graph: graph) }
        let version = kind == .list ? lists[slot].log.entries[entry].version : values[slot].log.entries[entry].version
        let bytes = kind == .list ? lists[slot].log.payload(entry) : values[slot].log.payload(entry)
        guard let event = try? ValueEvent(bytes, for: kind) else { preconditionFailure("a value was checked when it came in") }
        let dot = graph.dot(of: Int(version))
        if case .element(let element, let stamp, let value) = event {
            let before = lists[slot].elements[lists[slot].number(of: element)!].value
            let replaced = versions(of: before, seenBy: version)
            let step = lists[slot].write(
                value, to: element, entry: RegisterEntry(version: version, dot: dot, stamp: stamp, value: value),
                isSeen: { replaced.contains($0) })
            noteStep(step, of: pending.container)
            return
        }
        var replaced: [UInt32] = []
        if case .write(let key, _, _) = event, let before = values[slot].registers[key] {
            replaced = versions(of: before, seenBy: version)
        }
        let effect = values[slot].apply(event, dot: dot, version: version, isSeen: { replaced.contains($0) })
        noteValue(effect, of: pending.container)
    }
}

extension TextState {
    /// Writes an operation to the log.
    mutating func append(_ operation: ChangeBatch.Operation, _ bytes: UnsafeBufferPointer<UInt8>, skipping skipped: Int, version: Int) {
        let count = Int(operation.count) - skipped
        switch operation.kind {
        case .insertion:
            let offset = skipped == 0 ? 0 : UTF8Width.ofPrefix(bytes.baseAddress!, scalars: skipped)
            sequence.log.appendInsertion(
                version: version, position: Int(operation.position) + skipped, count: count, content: content.count)
            content.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[offset...]))
        case .deletion:
            sequence.log.appendDeletion(version: version, position: Int(operation.position), count: count)
        case .deletionBackwards:
            sequence.log.appendDeletion(version: version, position: Int(operation.position) - skipped, count: count, backwards: true)
        case .value:
            preconditionFailure("a mark goes to another log")
        }
    }

    /// Takes in a mark that is in the log.
    mutating func commitMark(_ entry: Int, graph: borrowing EventGraph) {
        guard case .mark(let mark)? = try? ValueEvent(marks.log.payload(entry), for: .text) else {
            preconditionFailure("a mark was checked when it came in")
        }
        let version = marks.log.entries[entry].version
        marks.append(mark, dot: graph.dot(of: Int(version)), version: version)
    }
}
