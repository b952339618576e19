extension TextState {
    /// What the text says now.
    var bytes: [UInt8] {
        let count = rope.total.bytes
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let base = buffer.baseAddress else { return }
            rope.forEachStretch { stretch in
                guard let start = stretch.baseAddress else { return }
                (base + initialized).update(from: start, count: stretch.count)
                initialized += stretch.count
            }
        }
    }
}

extension DocumentCore {
    /// What a text said at a version.
    ///
    /// - Precondition: the version holds the past of its events, and the history is here.
    mutating func pastText(of container: UInt32, at base: CausalContext) throws(DocumentError) -> [UInt8] {
        var stretches: [OutgoingRun] = []
        try forEachRun(since: CausalContext(), until: base) { _, run in stretches.append(run) }
        var past = PastText()
        for stretch in stretches { past.append(stretch, from: self, text: containers.slot(of: container)) }
        return past.finish()
    }
}

/// One text up to a version, replayed: the events of all containers, because they say what is concurrent, and the operations of that text.
///
/// O(n) in the events, and no more than their runs for a document that was written in turns.
private struct PastText: ~Copyable {
    private var graph = EventGraph()
    private var text = TextState()
    private var scratch = DifferenceScratch()
    private var edits = EditBuffer()
    private var seen = RawArray<UInt32>(capacity: 8)
    /// Local versions of the document that are here, and where they begin here.
    private var stretches = RawArray<Stretch>(capacity: 64)

    private struct Stretch: BitwiseCopyable, Sendable {
        var there: VersionSpan
        var here: UInt32
    }

    mutating func append(_ stretch: DocumentCore.OutgoingRun, from core: borrowing DocumentCore, text slot: Int) {
        let there = VersionSpan(start: UInt32(stretch.start), end: UInt32(stretch.end)), here = UInt32(graph.count)
        let origin = graph.number(of: core.graph.origins[Int(core.graph.runs[stretch.index].origin)])
        seen.truncate(to: 0)
        for parent in core.graph.parents(ofRun: stretch.index) { seen.append(version(of: parent)) }
        stretches.append(Stretch(there: there, here: here))
        graph.append(there.count, origin: origin, parents: seen.elements)
        var isTouched = false
        core.texts[slot].sequence.log.forEachPiece(in: there) { piece in
            copy(piece, from: core, text: slot, version: Int(here + piece.version - there.start))
            isTouched = true
        }
        guard isTouched else { return }
        do throws(SequenceState.OutOfBounds) {
            try text.sequence.integrate(
                VersionSpan(start: here, end: here + UInt32(there.count)), run: graph.run(of: Int(here)), graph: graph, scratch: &scratch,
                edits: &edits)
        } catch {
            preconditionFailure("an integrated event is out of bounds at \(error.version)")
        }
    }

    private mutating func copy(_ piece: SequenceLog.Piece, from core: borrowing DocumentCore, text slot: Int, version: Int) {
        let position = Int(piece.position), count = Int(piece.count)
        switch piece.kind {
        case .insertion:
            text.sequence.log.appendInsertion(version: version, position: position, count: count, content: text.content.count)
            text.content.append(contentsOf: core.texts[slot].content(ofUnit: piece.unit, count: count))
        case .deletion, .deletionBackwards:
            text.sequence.log.appendDeletion(
                version: version, position: position, count: count, backwards: piece.kind == .deletionBackwards)
        }
    }

    /// The version here of a parent; parents ascend, and most are in the newest stretches.
    private func version(of there: UInt32) -> UInt32 {
        var low = 0, high = stretches.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if stretches[middle].there.start <= there { low = middle } else { high = middle - 1 }
        }
        let stretch = stretches[low]
        precondition(stretch.there.start <= there && there < stretch.there.end, "a version without its past")
        return stretch.here + there - stretch.there.start
    }

    consuming func finish() -> [UInt8] {
        text.apply(0..<edits.edits.count, of: edits)
        return text.bytes
    }
}
