extension DocumentCore {
    /// A stretch of a run of the graph.
    struct OutgoingRun {
        var index: Int
        /// Local versions.
        var start: Int
        var end: Int
    }

    struct OutgoingOperation {
        var container: UInt32
        var kind: ChangeBatch.Operation.Kind
        var count: Int
        var position: Int
        var content: UnsafeBufferPointer<UInt8>

        /// Where typing or deleting would go on.
        var positionAfter: Int { kind.positionAfter(position, count: count) }
    }

    /// Calls the body with every event that a version lacks, in local order.
    ///
    /// - Throws: `notFound` when the version lacks events of the base and there is no history to read them from.
    mutating func forEachRun(
        since known: CausalContext, _ body: (borrowing DocumentCore, OutgoingRun) -> Void
    ) throws(DocumentError) {
        if graph.base.count > 0, !known.covers(graph.baseVersion) { try restoreHistory() }
        var have = RawArray<UInt32>(capacity: graph.origins.count)
        var missing = 0
        for (number, origin) in graph.origins.enumerated() {
            let known = UInt32(min(known.sequence(of: origin), UInt64(graph.sequences[number])))
            have.append(known)
            missing += Int(graph.sequences[number] - known)
        }
        // Most often only the newest events are missing: go back as far as it takes, then forward.
        var first = graph.runs.count
        while missing > 0 {
            first -= 1
            let run = graph.runs[first]
            let end = Int(run.sequence) + graph.end(ofRun: first) - Int(run.start)
            missing -= max(0, end - max(Int(run.sequence), Int(have[Int(run.origin)])))
        }
        for index in first..<graph.runs.count {
            let run = graph.runs[index]
            let skipped = max(0, Int(have[Int(run.origin)]) - Int(run.sequence))
            let start = Int(run.start) + skipped, end = graph.end(ofRun: index)
            if start < end { body(self, OutgoingRun(index: index, start: start, end: end)) }
        }
    }

    func operationCount(from start: Int, to end: Int) -> Int {
        var count = 0
        forEachOperation(from: start, to: end) { _ in count += 1 }
        return count
    }

    /// Calls the body with what the events of a stretch did, container by container as it happened.
    func forEachOperation(from start: Int, to end: Int, _ body: (OutgoingOperation) -> Void) {
        var index = owner(of: start)
        var version = start
        while version < end {
            let next = index + 1 < owners.count ? min(end, Int(owners[index + 1].version)) : end
            let container = owners[index].container
            forEachOperation(
                of: container, in: VersionSpan(start: UInt32(version), end: UInt32(next)), body)
            version = next
            index += 1
        }
    }

    private func forEachOperation(of container: UInt32, in span: VersionSpan, _ body: (OutgoingOperation) -> Void) {
        let slot = Int(containers.slots[Int(container)])
        var index = texts[slot].sequence.log.firstRun(endingAfter: span.start)
        while index < texts[slot].sequence.log.runs.count, texts[slot].sequence.log.runs[index].version < span.end {
            let piece = texts[slot].sequence.log.piece(ofRun: index, in: span)
            var operation = OutgoingOperation(
                container: container, kind: .deletion, count: Int(piece.count), position: Int(piece.position),
                content: UnsafeBufferPointer(start: nil, count: 0))
            switch piece.kind {
            case .insertion:
                operation.kind = .insertion
                operation.content = texts[slot].content(ofUnit: piece.unit, count: Int(piece.count))
            case .deletion: break
            case .deletionBackwards: operation.kind = .deletionBackwards
            }
            body(operation)
            index += 1
        }
    }
}
