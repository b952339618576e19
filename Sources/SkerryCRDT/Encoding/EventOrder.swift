/// Stretches of events in an order for storing: causal, with each origin's events together as far as that allows.
///
/// Local order is the order of arrival, in which the events of live writers alternate. Together they make longer runs, which take less
/// room and less work to merge.
struct EventOrder: ~Copyable {
    private var pieces = RawArray<VersionSpan>()
    private var runIndices = RawArray<UInt32>()
    /// By origin: its pieces in order, as a chain.
    private var nextOfOrigin = RawArray<UInt32>()
    private var firstOfOrigin: RawArray<UInt32>
    /// By run of the graph from the first piece's: its piece.
    private var pieceOfRun = RawArray<UInt32>()
    private var firstRun = 0
    /// By origin: the local version up to which everything was given out.
    private(set) var order = RawArray<UInt32>()

    /// - Parameter stretches: the stretches of the graph to order, in local order: index of the run, local versions.
    init(_ stretches: consuming RawArray<OutgoingStretch>, graph: borrowing EventGraph) {
        let origins = graph.origins.count
        firstOfOrigin = RawArray(capacity: origins)
        firstOfOrigin.append(repeating: .max, count: origins)
        var last = RawArray<UInt32>(capacity: origins)
        last.append(repeating: .max, count: origins)
        firstRun = stretches.count > 0 ? Int(stretches[0].run) : 0
        for index in 0..<stretches.count {
            let stretch = stretches[index]
            pieceOfRun.append(repeating: .max, count: Int(stretch.run) - firstRun - pieceOfRun.count)
            pieceOfRun.append(UInt32(index))
            pieces.append(VersionSpan(start: stretch.start, end: stretch.end))
            runIndices.append(stretch.run)
            nextOfOrigin.append(.max)
            let origin = Int(graph.runs[Int(stretch.run)].origin)
            if last[origin] == .max { firstOfOrigin[origin] = UInt32(index) } else { nextOfOrigin[Int(last[origin])] = UInt32(index) }
            last[origin] = UInt32(index)
        }
        sort(graph)
    }

    private mutating func sort(_ graph: borrowing EventGraph) {
        var isDone = RawArray<Bool>(capacity: pieces.count)
        isDone.append(repeating: false, count: pieces.count)
        for start in 0..<pieces.count where !isDone[start] {
            // The oldest piece left is always ready; from it, its origin goes on as long as nothing is missing.
            var piece = UInt32(start)
            while piece != .max, isReady(piece, graph, isDone) {
                isDone[Int(piece)] = true
                order.append(piece)
                piece = nextOfOrigin[Int(piece)]
            }
        }
    }

    private func isReady(_ piece: UInt32, _ graph: borrowing EventGraph, _ isDone: borrowing RawArray<Bool>) -> Bool {
        let run = Int(runIndices[Int(piece)])
        if pieces[Int(piece)].start != graph.runs[run].start { return true }
        let parents = graph.parents(ofRun: run), runs = graph.parentRuns(ofRun: run)
        for index in 0..<parents.count {
            guard Int(runs[index]) >= firstRun else { continue }
            let holder = pieceOfRun[Int(runs[index]) - firstRun]
            // A parent outside its run's piece is not among what is written.
            if holder != .max, pieces[Int(holder)].start <= parents[index], parents[index] < pieces[Int(holder)].end, !isDone[Int(holder)] {
                return false
            }
        }
        return true
    }

    /// The stretches in their order.
    func inOrder() -> RawArray<OutgoingStretch> {
        var stretches = RawArray<OutgoingStretch>(capacity: order.count)
        for index in 0..<order.count { stretches.append(stretch(index)) }
        return stretches
    }

    func stretch(_ index: Int) -> OutgoingStretch {
        let piece = Int(order[index])
        return OutgoingStretch(run: runIndices[piece], start: pieces[piece].start, end: pieces[piece].end)
    }
}

/// A stretch of a run of the graph, in local versions.
struct OutgoingStretch: BitwiseCopyable, Sendable {
    var run: UInt32
    var start: UInt32
    var end: UInt32
}
