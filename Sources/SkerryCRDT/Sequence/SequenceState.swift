/// A sequence's log and tracker: turns events as their authors saw them into edits of the sequence as it stands here.
struct SequenceState: ~Copyable, Sendable {
    /// Above this many bytes a tracker is dropped as soon as it is not worth its room, see ``releaseTracker(above:afterBatchOf:graph:)``.
    static let trackerFootprintMaximum = 4 << 20

    var log = SequenceLog()
    var tracker = Tracker()
    /// A tracker of the whole history, in which every element keeps its name; for anchors and undo, cold until one of them asks.
    var identity = Tracker()
    /// Elements in the sequence.
    var count = 0
    /// Elements of the snapshot that the history here begins with.
    var baseCount = 0

    init() {}

    /// An event that reaches outside the version it claims to have seen.
    struct OutOfBounds: Error {
        var version: UInt32
    }

    /// Works out what new events do here, in the order of their versions.
    ///
    /// - Parameters:
    ///   - run: the graph's run that holds the span; everything before `span.start` has been integrated.
    ///   - span: local versions that the log already holds, all in one run of the graph.
    ///   - edits: receives the edits; the caller applies them.
    /// - Throws: ``OutOfBounds``; the caller truncates log and graph, the tracker has been dropped.
    mutating func integrate(
        _ span: VersionSpan, run: Int, graph: borrowing EventGraph, scratch: inout DifferenceScratch, edits: inout EditBuffer
    ) throws(OutOfBounds) {
        if graph.runs[run].sawAll {
            try applyDirectly(span, edits: &edits)
        } else {
            do throws(OutOfBounds) {
                warm(for: span, graph: graph, scratch: &scratch)
                try apply(span, run: run, graph: graph, scratch: &scratch, edits: &edits, isNew: true)
                tracker.nextVersion = Int(span.end)
            } catch {
                tracker.drop()
                throw error
            }
        }
    }

    /// Events that saw everything mean exactly what they say.
    private mutating func applyDirectly(_ span: VersionSpan, edits: inout EditBuffer) throws(OutOfBounds) {
        var index = log.firstRun(endingAfter: span.start)
        while index < log.runs.count, log.runs[index].version < span.end {
            let piece = log.piece(ofRun: index, in: span)
            try check(piece)
            switch piece.kind {
            case .insertion:
                edits.insert(at: piece.position, count: piece.count, unit: piece.unit)
                count += Int(piece.count)
            case .deletion:
                edits.delete(at: piece.position, count: piece.count)
                count -= Int(piece.count)
            case .deletionBackwards:
                edits.delete(at: piece.position + 1 - piece.count, count: piece.count)
                count -= Int(piece.count)
            }
            index += 1
        }
    }

    private func check(_ piece: SequenceLog.Piece) throws(OutOfBounds) {
        let isInside =
            switch piece.kind {
            case .insertion: Int(piece.position) <= count
            case .deletion: Int(piece.position) + Int(piece.count) <= count
            case .deletionBackwards: Int(piece.position) < count && piece.count <= piece.position + 1
            }
        if !isInside { throw OutOfBounds(version: piece.version) }
    }

    // MARK: - The tracker

    /// Brings the tracker to where the span starts, from the latest critical version at which it may begin.
    private mutating func warm(for span: VersionSpan, graph: borrowing EventGraph, scratch: inout DifferenceScratch) {
        let now = Int(span.start)
        let critical = min(graph.latestCritical + (isDefective(.placeholderTooLong) ? 1 : 0), now - 1)
        if !tracker.isWarm {
            start(at: critical)
        } else if tracker.base > critical {
            // An older branch came to life. Rebuilding costs what happened since; the tracker then stays for twice that, so that
            // a slow writer among fast ones does not pay it for each event.
            start(at: critical)
            tracker.holdUntil = now + 2 * (now - critical)
        } else if critical >= tracker.nextVersion - 1, critical > tracker.base, now >= tracker.holdUntil {
            start(at: critical)
        }
        if tracker.nextVersion < now { catchUp(to: now, graph: graph, scratch: &scratch) }
    }

    /// Drops a tracker that has grown large: when nothing is concurrent any more, so that the next one starts anew anyway, or after a batch
    /// that made up most of it, which cost more than making the tracker again would.
    ///
    /// While small updates to open branches keep coming it stays, however large, or each of them would pay for another.
    ///
    /// - Parameters:
    ///   - footprint: bytes.
    ///   - events: of the batch, 0 for an own change.
    mutating func releaseTracker(above footprint: Int, afterBatchOf events: Int, graph: borrowing EventGraph) {
        guard tracker.isWarm, tracker.footprint > footprint else { return }
        let isSettled = graph.latestCritical >= graph.count - 1
        if isSettled || 2 * events >= tracker.nextVersion - tracker.base { tracker.drop() }
    }

    private mutating func start(at base: Int) {
        tracker.start(at: base, firstUnit: log.unit(atOrAfter: UInt32(base + 1)))
    }

    /// Applies events that are in the sequence already.
    mutating func catchUp(to now: Int, graph: borrowing EventGraph, scratch: inout DifferenceScratch) {
        var none = EditBuffer()
        var run = graph.run(of: tracker.nextVersion)
        while tracker.nextVersion < now {
            let end = min(graph.end(ofRun: run), now)
            let span = VersionSpan(start: UInt32(tracker.nextVersion), end: UInt32(end))
            do throws(OutOfBounds) {
                try apply(span, run: run, graph: graph, scratch: &scratch, edits: &none, isNew: false)
            } catch {
                preconditionFailure("an integrated event is out of bounds at \(error.version)")
            }
            tracker.nextVersion = end
            run += 1
        }
    }

    /// Applies the events of a span to the tracker, in a lane that has seen what they saw.
    private mutating func apply(
        _ span: VersionSpan, run: Int, graph: borrowing EventGraph, scratch: inout DifferenceScratch, edits: inout EditBuffer,
        isNew: Bool
    ) throws(OutOfBounds) {
        var index = log.firstRun(endingAfter: span.start)
        guard index < log.runs.count, log.runs[index].version < span.end else { return }
        let lane = prepareLane(for: span, run: run, graph: graph, scratch: &scratch)
        while index < log.runs.count, log.runs[index].version < span.end {
            let piece = log.piece(ofRun: index, in: span)
            try apply(piece, lane: lane, graph: graph, edits: &edits, isNew: isNew)
            index += 1
        }
        stand(lane, behind: span, run: run, graph: graph)
    }

    /// Notes that a lane has seen the events of a span, and that their origin has what they had seen: without that its clock would say that its
    /// event before them had seen as much.
    mutating func stand(_ lane: Int, behind span: VersionSpan, run: Int, graph: borrowing EventGraph) {
        tracker.setVersion(ofLane: lane, to: span.end - 1)
        if tracker.clocks.isUsable, let column = tracker.clocks.column(of: graph.runs[run].origin) {
            tracker.clocks.applied(to: span.end, column: column, lane: lane)
        }
    }

    private mutating func apply(
        _ piece: SequenceLog.Piece, lane: Int, graph: borrowing EventGraph, edits: inout EditBuffer, isNew: Bool
    ) throws(OutOfBounds) {
        if piece.kind == .insertion {
            let position = tracker.insert(piece, lane: lane, graph: graph, log: log)
            if isNew {
                guard Int(position) <= count else { throw OutOfBounds(version: piece.version) }
                edits.insert(at: position, count: piece.count, unit: piece.unit)
                count += Int(piece.count)
            }
            return
        }
        if piece.kind == .deletionBackwards, piece.count > piece.position + 1 { throw OutOfBounds(version: piece.version) }
        var length = count
        let isInside = tracker.delete(piece, lane: lane) { position, deleted in
            if isNew {
                guard Int(position) + Int(deleted) <= length else { return false }
                edits.delete(at: position, count: deleted)
                length -= Int(deleted)
            }
            return true
        }
        count = length
        if !isInside { throw OutOfBounds(version: piece.version) }
    }

    mutating func prepareLane(
        for span: VersionSpan, run: Int, graph: borrowing EventGraph, scratch: inout DifferenceScratch
    ) -> Int {
        let origin = graph.runs[run].origin
        if span.start == graph.runs[run].start {
            return moveLane(for: origin, to: graph.parents(ofRun: run), graph: graph, scratch: &scratch)
        }
        var previous = span.start - 1
        return withUnsafePointer(to: &previous) { pointer in
            moveLane(for: origin, to: UnsafeBufferPointer(start: pointer, count: 1), graph: graph, scratch: &scratch)
        }
    }

    private mutating func moveLane(
        for origin: UInt32, to seen: UnsafeBufferPointer<UInt32>, graph: borrowing EventGraph, scratch: inout DifferenceScratch
    ) -> Int {
        if let lane = tracker.lane(of: origin, standingAt: seen) { return lane }
        let lane: Int
        if let column = tracker.clocks.column(of: origin), tracker.clocks.see(seen, column: column, graph: graph) {
            lane = tracker.chooseLane(for: origin, seen: seen, column: column)
            tracker.clocks.move(lane: lane, toColumn: column, graph: graph, into: &scratch)
        } else {
            lane = tracker.chooseLane(for: origin, seen: seen)
            tracker.lanes[lane].version.withUnsafeBufferPointer { standing in graph.difference(standing, seen, into: &scratch) }
        }
        // Units count up and down, so the order does not matter.
        for index in 0..<scratch.onlyLeft.count where !isDefective(.retreatSkipped) {
            move(lane: lane, over: scratch.onlyLeft[index], forward: false)
        }
        for index in stride(from: scratch.onlyRight.count - 1, through: 0, by: -1) {
            move(lane: lane, over: scratch.onlyRight[index], forward: true)
        }
        tracker.setVersion(ofLane: lane, to: seen)
        return lane
    }

    private mutating func move(lane: Int, over span: VersionSpan, forward: Bool) {
        // What lies before the base is in every lane.
        let start = max(Int(span.start), tracker.base + 1)
        if start >= Int(span.end) { return }
        let units = log.units(in: VersionSpan(start: UInt32(start), end: span.end))
        if !units.isEmpty { tracker.move(lane: lane, units: units.lowerBound, units.upperBound, forward: forward) }
        if isDefective(.advanceTwice), forward, !units.isEmpty {
            tracker.move(lane: lane, units: units.lowerBound, units.upperBound, forward: forward)
        }
    }
}
