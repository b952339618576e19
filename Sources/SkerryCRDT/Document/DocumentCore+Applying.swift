extension DocumentCore {
    /// What became of a batch.
    struct Applied {
        /// Events that are new here.
        var count = 0
        /// The first event that is missing here and that another of the batch builds on.
        var missing: Dot?
    }

    /// Takes in the events of a batch, all or, when one is impossible, none.
    ///
    /// Runs that build on events not here are left out, and named in the result; runs known already are skipped.
    mutating func apply(_ batch: borrowing ChangeBatch) throws(DocumentError) -> Applied {
        if needsHistory(for: batch) { try restoreHistory() }
        beginCheckpoint()
        edits.removeAll()
        var result = Applied()
        do throws(DocumentError) {
            for index in 0..<batch.runs.count {
                if let missing = try apply(run: index, of: batch, result: &result) {
                    result.missing = result.missing ?? missing
                }
            }
        } catch {
            rollBack()
            throw error
        }
        commitEdits()
        return result
    }

    private mutating func apply(run index: Int, of batch: borrowing ChangeBatch, result: inout Applied) throws(DocumentError) -> Dot? {
        let run = batch.runs[index]
        let origin = graph.number(of: batch.origins[Int(run.origin)])
        let known = Int(graph.sequences[Int(origin)])
        let skipped = known - Int(run.sequence)
        if skipped < 0 { return Dot(origin: batch.origins[Int(run.origin)], sequence: UInt64(known) + 1) }
        let count = Int(run.count) - skipped
        if count <= 0 { return nil }
        guard graph.count + count < EventGraph.limit else {
            throw DocumentError(code: .limitExceeded, message: "a document holds at most \(EventGraph.limit) events")
        }
        seen.truncate(to: 0)
        if known > 0 { seen.append(UInt32(graph.version(origin: origin, sequence: known - 1)!)) }
        if skipped == 0 {
            for parent in Int(run.parents)..<Int(run.parents + run.parentCount) {
                if let missing = see(batch.parents[parent], of: batch) { return missing }
            }
        }
        let start = graph.count
        graph.append(count, origin: origin, parents: seen.elements)
        try applyOperations(of: run, skipping: skipped, from: start, batch: batch)
        result.count += count
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
            own(container, from: version)
            let slot = Int(containers.slots[Int(container)])
            let end = version + Int(operation.count) - skip
            touch(container)
            texts[slot].append(operation, skipping: skip, version: version, batch: batch)
            if isRestoring {
                version = end
                skip = 0
                continue
            }
            edits.begin(container: container)
            do throws(SequenceState.OutOfBounds) {
                try texts[slot].sequence.integrate(
                    VersionSpan(start: UInt32(version), end: UInt32(end)), run: graphRun, graph: graph, scratch: &scratch, edits: &edits)
            } catch {
                let dot = graph.dot(of: Int(error.version))
                throw DocumentError(code: .invalidEvent, message: "event \(dot.sequence) of \(dot.origin) reaches outside its text")
            }
            version = end
            skip = 0
        }
    }

    /// Applies the edits that were worked out, now that nothing can fail any more.
    private mutating func commitEdits() {
        for index in 0..<edits.stretches.count {
            texts[Int(containers.slots[Int(edits.stretches[index].container)])].apply(edits.range(ofStretch: index), of: edits)
        }
    }

    private mutating func localContainer(_ index: Int, of batch: borrowing ChangeBatch) -> UInt32 {
        let container = batch.containers[index]
        let parent = container.parent == ContainerTable.root ? container.parent : localContainer(Int(container.parent), of: batch)
        return self.container(ContainerTable.Name(parent: parent, key: container.key, kind: container.kind))
    }
}

extension TextState {
    /// Writes an operation to the log.
    mutating func append(_ operation: ChangeBatch.Operation, skipping skipped: Int, version: Int, batch: borrowing ChangeBatch) {
        let count = Int(operation.count) - skipped
        switch operation.kind {
        case .insertion:
            let bytes = batch.bytes.base + Int(operation.content)
            let offset = skipped == 0 ? 0 : UTF8Width.ofPrefix(bytes, scalars: skipped)
            sequence.log.appendInsertion(
                version: version, position: Int(operation.position) + skipped, count: count, content: content.count)
            content.append(contentsOf: UnsafeBufferPointer(start: bytes + offset, count: Int(operation.contentCount) - offset))
        case .deletion:
            sequence.log.appendDeletion(version: version, position: Int(operation.position), count: count)
        case .deletionBackwards:
            sequence.log.appendDeletion(version: version, position: Int(operation.position) - skipped, count: count, backwards: true)
        case .value:
            break
        }
    }
}
