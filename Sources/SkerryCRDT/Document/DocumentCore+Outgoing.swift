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
        since known: CausalContext, until limit: CausalContext? = nil, _ body: (borrowing DocumentCore, OutgoingRun) -> Void
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
            let start = Int(run.start) + skipped
            var end = graph.end(ofRun: index)
            if let limit, start < end {
                let last = Int(min(limit.sequence(of: graph.origins[Int(run.origin)]), UInt64(EventGraph.limit)))
                end = min(end, Int(run.start) + max(0, last - Int(run.sequence)))
            }
            if start < end { body(self, OutgoingRun(index: index, start: start, end: end)) }
        }
    }

    /// Calls the body with what the events of some stretches did that follow one another, joined where two operations make one.
    ///
    /// - Parameter hint: where in their logs the operations are, most likely; where the last was, afterwards.
    @inline(__always)
    func forEachJoinedOperation(of pieces: borrowing RawArray<OutgoingStretch>, near hint: inout Int, _ body: (OutgoingOperation) -> Void) {
        var open: OutgoingOperation?
        for index in 0..<pieces.count {
            forEachOperation(from: Int(pieces[index].start), to: Int(pieces[index].end), near: &hint) { operation in
                if let last = open {
                    if let joined = last.joined(with: operation) {
                        open = joined
                        return
                    }
                    body(last)
                }
                open = operation
            }
        }
        if let open { body(open) }
    }

    /// Calls the body with what the events of a stretch did, container by container as it happened.
    func forEachOperation(from start: Int, to end: Int, _ body: (OutgoingOperation) -> Void) {
        var hint = Int.max
        forEachOperation(from: start, to: end, near: &hint, body)
    }

    @inline(__always)
    func forEachOperation(from start: Int, to end: Int, near hint: inout Int, _ body: (OutgoingOperation) -> Void) {
        var index = owner(of: start)
        var version = start
        while version < end {
            let next = index + 1 < owners.count ? min(end, Int(owners[index + 1].version)) : end
            let container = owners[index].container
            forEachOperation(
                of: container, in: VersionSpan(start: UInt32(version), end: UInt32(next)), near: &hint, body)
            version = next
            index += 1
        }
    }

    private func forEachOperation(
        of container: UInt32, in span: VersionSpan, near hint: inout Int, _ body: (OutgoingOperation) -> Void
    ) {
        let slot = containers.slot(of: container)
        switch containers.kind(of: container) {
        case .text:
            if texts[slot].marks.log.count == 0 { return forEachTextPiece(of: container, in: span, near: &hint, body) }
            forEachAlternating(texts[slot].marks.log, of: container, in: span, near: &hint, body) { span, hint in
                forEachTextPiece(of: container, in: span, near: &hint, body)
            }
        case .list:
            forEachAlternating(lists[slot].log, of: container, in: span, near: &hint, body) { span, hint in
                forEachListPiece(of: container, in: span, near: &hint, body)
            }
        case .map, .counter, .set, .register:
            let first = values[slot].log.firstEntry(atOrAfter: span.start, near: hint)
            for entry in first..<first + span.count { body(OutgoingOperation(container, value: values[slot].log.payload(entry))) }
            hint = first + span.count - 1
        }
    }

    /// Values and sequence operations of one container alternate; each is short.
    private func forEachAlternating(
        _ log: borrowing ValueLog, of container: UInt32, in span: VersionSpan, near hint: inout Int, _ body: (OutgoingOperation) -> Void,
        pieces: (VersionSpan, inout Int) -> Void
    ) {
        var version = span.start
        while version < span.end {
            let entry = log.firstEntry(atOrAfter: version)
            let next = entry < log.count ? min(log.entries[entry].version, span.end) : span.end
            if version < next { pieces(VersionSpan(start: version, end: next), &hint) }
            if next < span.end { body(OutgoingOperation(container, value: log.payload(entry))) }
            version = next + 1
        }
    }

    @inline(__always)
    private func forEachTextPiece(of container: UInt32, in span: VersionSpan, near hint: inout Int, _ body: (OutgoingOperation) -> Void) {
        let slot = containers.slot(of: container)
        texts[slot].sequence.log.forEachPiece(in: span, near: &hint) { piece, run in
            let content = piece.kind == .insertion ? texts[slot].content(of: piece, run: run) : nil
            body(OutgoingOperation(container, piece, content))
        }
    }

    private func forEachListPiece(of container: UInt32, in span: VersionSpan, near hint: inout Int, _ body: (OutgoingOperation) -> Void) {
        let slot = containers.slot(of: container)
        lists[slot].sequence.log.forEachPiece(in: span, near: &hint) { piece, _ in
            let items = piece.kind == .insertion ? lists[slot].items(ofUnit: piece.unit, count: Int(piece.count)) : nil
            body(OutgoingOperation(container, piece, items))
        }
    }
}

extension DocumentCore.OutgoingOperation {
    init(_ container: UInt32, _ piece: SequenceLog.Piece, _ content: UnsafeBufferPointer<UInt8>?) {
        let kind: ChangeBatch.Operation.Kind =
            switch piece.kind {
            case .insertion: .insertion
            case .deletion: .deletion
            case .deletionBackwards: .deletionBackwards
            }
        self.init(
            container: container, kind: kind, count: Int(piece.count), position: Int(piece.position),
            content: piece.kind == .insertion ? content! : UnsafeBufferPointer(start: nil, count: 0))
    }

    init(_ container: UInt32, value: UnsafeBufferPointer<UInt8>) {
        self.init(container: container, kind: .value, count: 1, position: 0, content: value)
    }
}
