extension DocumentCore {
    /// Bytes that an operation, a run or a value takes at most in the columns, besides its content.
    private static let columnBytesMaximum = 64

    /// Decoded bytes of a chunk that a writer does not go beyond, well below what a reader takes.
    static let chunkBudget = Column.decodedMaximum - (8 << 20)

    /// The versions up to which each chunk but the last reaches, so that none holds more than a reader takes; none when one chunk is enough.
    ///
    /// - Parameter budget: decoded bytes of a chunk; a single value may take more.
    mutating func historyCuts(
        since known: CausalContext, until limit: CausalContext?, budget: Int = DocumentCore.chunkBudget
    ) throws(DocumentError) -> [CausalContext] {
        if sizeMaximum <= budget { return [] }
        var cuts: [CausalContext] = []
        var version = known
        var size = 0
        try forEachRun(since: known, until: limit) { core, run in
            let origin = core.graph.origins[Int(core.graph.runs[run.index].origin)]
            let first = UInt64(core.graph.runs[run.index].sequence) + UInt64(run.start) - UInt64(core.graph.runs[run.index].start)
            var done: UInt64 = 0
            size += Self.columnBytesMaximum * (1 + Int(core.graph.runs[run.index].parentCount))
            core.forEachOperation(from: run.start, to: run.end) { operation in
                var left = operation.count
                while left > 0 {
                    // Of a long operation as many events as fit, whatever their width.
                    let perEvent = max(4, operation.content.count / operation.count + 1)
                    let taken = operation.count == 1 ? 1 : min(left, max(1, budget / 2 / perEvent))
                    let bytes = Self.columnBytesMaximum + min(operation.content.count, taken * perEvent)
                    if size > 0, size + bytes > budget {
                        // Local order is causal: what came before is a version.
                        if done > 0 { version.insert(Dot(origin: origin, sequence: first + done)) }
                        cuts.append(version)
                        size = 0
                    }
                    size += bytes
                    left -= taken
                    done += UInt64(taken)
                }
            }
            version.insert(Dot(origin: origin, sequence: first + done))
        }
        return cuts
    }

    /// No more bytes than this are in all columns of the whole history.
    var sizeMaximum: Int {
        var content = 0
        var entries = graph.runs.count + graph.parents.count + owners.count
        for slot in 0..<texts.count {
            content += texts[slot].content.count + texts[slot].marks.log.byteCount
            entries += texts[slot].sequence.log.runs.count + texts[slot].marks.log.count
        }
        for slot in 0..<lists.count {
            content += lists[slot].content.count + lists[slot].log.byteCount
            entries += lists[slot].sequence.log.runs.count + lists[slot].log.count
        }
        for slot in 0..<values.count {
            content += values[slot].log.byteCount
            entries += values[slot].log.count
        }
        return content + Self.columnBytesMaximum * entries
    }
}

extension CausalContext {
    /// What both cover.
    func intersection(_ other: CausalContext) -> CausalContext {
        CausalContext(
            covering: dots.compactMap { dot in
                let sequence = min(dot.sequence, other.sequence(of: dot.origin))
                return sequence == 0 ? nil : Dot(origin: dot.origin, sequence: sequence)
            })
    }
}
