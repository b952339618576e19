/// Stretches of events in an order for storing: causal, with each origin's events together as far as that allows.
///
/// Local order is the order of arrival, in which the events of live writers alternate. Together they make longer runs, which take less
/// room and less work to merge.
struct EventOrder: ~Copyable {
    private let stretches: RawArray<OutgoingStretch>
    /// By piece: the next one of its origin.
    private var nextOfOrigin: RawArray<UInt32>
    /// By run of the graph from the first piece's: its piece.
    private var pieceOfRun: RawArray<UInt32>
    private var firstRun = 0
    /// Pieces, numbered in local order.
    private(set) var order: RawArray<UInt32>

    /// - Parameter stretches: the stretches of the graph to order, in local order: index of the run, local versions.
    init(_ stretches: consuming RawArray<OutgoingStretch>, graph: borrowing EventGraph) {
        let count = stretches.count
        firstRun = count > 0 ? Int(stretches[0].run) : 0
        nextOfOrigin = RawArray(capacity: count)
        order = RawArray(capacity: count)
        pieceOfRun = RawArray(capacity: count > 0 ? Int(stretches[count - 1].run) + 1 - firstRun : 0)
        var last = RawArray<UInt32>(capacity: graph.origins.count)
        last.append(repeating: .max, count: graph.origins.count)
        for index in 0..<count {
            let run = Int(stretches[index].run)
            pieceOfRun.append(repeating: .max, count: run - firstRun - pieceOfRun.count)
            pieceOfRun.append(UInt32(index))
            nextOfOrigin.append(.max)
            let origin = Int(graph.runs[run].origin)
            if last[origin] != .max { nextOfOrigin[Int(last[origin])] = UInt32(index) }
            last[origin] = UInt32(index)
        }
        self.stretches = stretches
        sort(graph)
    }

    private mutating func sort(_ graph: borrowing EventGraph) {
        var isDone = RawArray<Bool>(capacity: stretches.count)
        isDone.append(repeating: false, count: stretches.count)
        for start in 0..<stretches.count where !isDone[start] {
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
        let run = Int(stretches[Int(piece)].run)
        if stretches[Int(piece)].start != graph.runs[run].start { return true }
        let parents = graph.parents(ofRun: run), runs = graph.parentRuns(ofRun: run)
        for index in 0..<parents.count {
            guard Int(runs[index]) >= firstRun else { continue }
            let holder = pieceOfRun[Int(runs[index]) - firstRun]
            // A parent outside its run's piece is not among what is written.
            if holder != .max, !isDone[Int(holder)], stretches[Int(holder)].start <= parents[index],
                parents[index] < stretches[Int(holder)].end
            {
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

    func stretch(_ index: Int) -> OutgoingStretch { stretches[Int(order[index])] }
}

/// A stretch of a run of the graph, in local versions.
struct OutgoingStretch: BitwiseCopyable, Sendable {
    var run: UInt32
    var start: UInt32
    var end: UInt32
}
