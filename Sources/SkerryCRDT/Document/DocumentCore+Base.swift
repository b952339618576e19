extension DocumentCore {
    /// Whether a batch holds an event that does not plainly follow all of the base.
    func needsHistory(for batch: borrowing ChangeBatch) -> Bool {
        if graph.base.count == 0 { return false }
        for index in 0..<batch.runs.count {
            let run = batch.runs[index]
            let number = graph.existingNumber(of: batch.origins[Int(run.origin)])
            let known = number.map { Int(graph.sequences[Int($0)]) } ?? 0
            if Int(run.sequence + run.count) <= known { continue }
            // An origin that went on behind the base has seen it whole.
            let inBase = number.map(graph.base.sequence) ?? 0
            if known > inBase { continue }
            if !followsBase(run, ownInBase: inBase, batch) { return true }
        }
        return false
    }

    private func followsBase(_ run: ChangeBatch.Run, ownInBase: Int, _ batch: borrowing ChangeBatch) -> Bool {
        // A run that was cut by what is known says nothing about its parents but its own last event.
        var seen: [Dot] = ownInBase > 0 ? [Dot(origin: batch.origins[Int(run.origin)], sequence: UInt64(ownInBase))] : []
        if run.sequence > ownInBase { return true }
        if run.sequence == ownInBase {
            for index in Int(run.parents)..<Int(run.parents + run.parentCount) {
                let parent = batch.parents[index]
                let origin = batch.origins[Int(parent.origin)]
                let inBase = graph.existingNumber(of: origin).map(graph.base.sequence) ?? 0
                if Int(parent.sequence) >= inBase { return true }
                seen.append(Dot(origin: origin, sequence: UInt64(parent.sequence) + 1))
            }
        }
        return graph.base.heads.allSatisfy(seen.contains)
    }

    /// Reads the history of the base and puts it where the base was.
    mutating func restoreHistory() throws(DocumentError) {
        if graph.base.count == 0 { return }
        guard let historySource else {
            throw DocumentError(code: .notFound, message: "the history before the snapshot is needed and not at hand")
        }
        let bytes = try historySource()
        var fresh = DocumentCore(origin: origin, now: now)
        fresh.isRestoring = true
        for number in 0..<containers.count { _ = fresh.container(containers.names[number]) }
        let failure = bytes.withUnsafeBufferPointer { bytes -> DocumentError? in
            do throws(DocumentError) { try fresh.restore(from: bytes) } catch { return error }
            return nil
        }
        if let failure { throw failure }
        guard fresh.version == graph.baseVersion, fresh.graph.count == graph.base.count, fresh.containers.count == containers.count else {
            throw DocumentError(code: .mismatch, message: "the history is not that of the snapshot")
        }
        try fresh.appendTail(of: self)
        for slot in 0..<lists.count where !lists[slot].isKnown(to: &fresh.lists[slot]) {
            throw DocumentError(code: .mismatch, message: "the history is not that of the snapshot")
        }
        adoptHistory(of: &fresh)
    }

    private mutating func restore(from bytes: UnsafeBufferPointer<UInt8>) throws(DocumentError) {
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let chunk = try Chunk.next(&reader)
            guard chunk.kind == .history else { continue }
            let applied = try apply(HistoryDecoder.decode(chunk.body))
            if let missing = applied.waiting.first?.missing {
                throw DocumentError(code: .notFound, message: "the history lacks event \(missing.sequence) of \(missing.origin)")
            }
        }
    }

    /// Appends what another core has behind its base, under the same local versions.
    private mutating func appendTail(of other: borrowing DocumentCore) throws(DocumentError) {
        let heads = graph.frontier.copy()
        for index in 1..<other.graph.runs.count {
            let run = other.graph.runs[index]
            let end = other.graph.end(ofRun: index)
            seen.truncate(to: 0)
            for parent in other.graph.parents(ofRun: index) {
                if Int(parent) < other.graph.base.count { seen.append(contentsOf: heads.elements) } else { seen.append(parent) }
            }
            let number = graph.number(of: other.graph.origins[Int(run.origin)])
            graph.append(end - Int(run.start), origin: number, parents: seen.elements)
            var version = Int(run.start)
            var failure: DocumentError?
            other.forEachOperation(from: Int(run.start), to: end) { operation in
                do throws(DocumentError) {
                    own(operation.container, from: version)
                    try append(operation.asRead, operation.content, to: operation.container, skipping: 0, version: version)
                } catch { failure = failure ?? error }
                version += operation.count
            }
            if let failure { throw failure }
        }
    }

    /// Takes over graph and logs, and keeps the state, which has been right all along.
    private mutating func adoptHistory(of fresh: inout DocumentCore) {
        swap(&graph, &fresh.graph)
        swap(&owners, &fresh.owners)
        for slot in 0..<texts.count {
            swap(&texts[slot].sequence.log, &fresh.texts[slot].sequence.log)
            swap(&texts[slot].content, &fresh.texts[slot].content)
            texts[slot].sequence.tracker.drop()
            texts[slot].sequence.identity.drop()
            texts[slot].sequence.baseCount = 0
            swap(&texts[slot].marks.log, &fresh.texts[slot].marks.log)
            texts[slot].marks.rebuild(graph)
        }
        for slot in 0..<lists.count { lists[slot].adopt(&fresh.lists[slot], graph: graph) }
        for slot in 0..<values.count {
            swap(&values[slot].log, &fresh.values[slot].log)
            values[slot].registers.renumber(graph)
        }
        historySource = nil
        restartClocks()
    }
}

extension DocumentCore.OutgoingOperation {
    /// The operation as a decoder would give it.
    var asRead: ChangeBatch.Operation {
        ChangeBatch.Operation(
            container: container, kind: kind, count: UInt32(count), position: UInt32(position), content: 0,
            contentCount: UInt32(content.count))
    }
}
