/// What happened to one sequence, as its authors saw it: runs of insertions and deletions with plain positions.
///
/// Every inserted or deleted element is a *unit*, numbered from 0 in local order; the log maps units to the document's local versions and
/// back. Positions count elements in the version that the event had seen, so nothing of a sequence CRDT is stored.
struct SequenceLog: ~Copyable, Sendable {
    enum Kind: UInt8, BitwiseCopyable, Sendable {
        case insertion
        /// Each unit deletes at `position`: the delete key, a selection.
        case deletion
        /// Unit i deletes at `position - i`: the backspace key.
        case deletionBackwards
    }

    struct Run: BitwiseCopyable, Sendable {
        var version: UInt32
        var unit: UInt32
        var count: UInt32
        var position: UInt32
        /// Insertions: where the content starts, in whatever the owner keeps content in.
        var content: UInt32
        var kind: Kind
    }

    /// A stretch of a run.
    struct Piece: BitwiseCopyable, Sendable {
        var version: UInt32
        var unit: UInt32
        var count: UInt32
        var position: UInt32
        var kind: Kind
    }

    var runs = RawArray<Run>()
    /// The next unit.
    var unitCount = 0

    init() {}

    // MARK: - Appending

    @inline(__always)
    mutating func appendInsertion(version: Int, position: Int, count: Int, content: Int) {
        if runs.count > 0 {
            let last = runs[runs.count - 1]
            if last.kind == .insertion, last.position + last.count == UInt32(position), last.version + last.count == UInt32(version) {
                runs[runs.count - 1].count += UInt32(count)
                unitCount += count
                return
            }
        }
        runs.append(
            Run(
                version: UInt32(version), unit: UInt32(unitCount), count: UInt32(count), position: UInt32(position),
                content: UInt32(content), kind: .insertion))
        unitCount += count
    }

    @inline(__always)
    mutating func appendDeletion(version: Int, position: Int, count: Int, backwards: Bool = false) {
        if runs.count > 0, extendDeletion(version: version, position: UInt32(position), count: UInt32(count), backwards: backwards) {
            return
        }
        runs.append(
            Run(
                version: UInt32(version), unit: UInt32(unitCount), count: UInt32(count), position: UInt32(position),
                content: 0, kind: backwards && count > 1 ? .deletionBackwards : .deletion))
        unitCount += count
    }

    @inline(__always)
    private mutating func extendDeletion(version: Int, position: UInt32, count: UInt32, backwards: Bool) -> Bool {
        let last = runs[runs.count - 1]
        if last.kind == .insertion || last.version + last.count != UInt32(version) { return false }
        // A single deletion has both directions.
        if last.kind == .deletion, position == last.position, !backwards || count == 1 {
            runs[runs.count - 1].count += count
        } else if last.kind == .deletionBackwards || last.count == 1, position + last.count == last.position, backwards || count == 1 {
            runs[runs.count - 1].count += count
            runs[runs.count - 1].kind = .deletionBackwards
        } else {
            return false
        }
        unitCount += Int(count)
        return true
    }

    /// Forgets the newest units.
    mutating func truncate(to newUnitCount: Int) {
        while runs.count > 0, Int(runs[runs.count - 1].unit) >= newUnitCount { _ = runs.removeLast() }
        unitCount = newUnitCount
        if runs.count > 0 { runs[runs.count - 1].count = UInt32(newUnitCount) - runs[runs.count - 1].unit }
    }

    // MARK: - Looking up

    /// The first run that ends behind a local version; `runs.count` when there is none.
    func firstRun(endingAfter version: UInt32) -> Int {
        let count = runs.count
        if count == 0 || runs[count - 1].version + runs[count - 1].count <= version { return count }
        if runs[count - 1].version <= version { return count - 1 }
        var low = 0, high = count - 1
        // Most questions are about what just happened: the run wanted is the one behind the first that ends too early.
        for _ in 0..<6 {
            if high == 0 || runs[high - 1].version + runs[high - 1].count <= version { return high }
            high -= 1
        }
        // What is further back is looked for in growing steps: it is seldom far.
        var step = 8
        while high >= step, runs[high - step].version + runs[high - step].count > version {
            high -= step
            step *= 2
        }
        low = max(high - step, 0)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].version + runs[middle].count <= version { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// As ``firstRun(endingAfter:)``, looked for from a run onwards: O(log n) in the distance.
    func firstRun(endingAfter version: UInt32, from hint: Int) -> Int {
        func endsBefore(_ index: Int) -> Bool { runs[index].version + runs[index].count <= version }
        guard hint < runs.count, runs[hint].version <= version else { return firstRun(endingAfter: version) }
        var low = hint, step = 1
        while low + step < runs.count, endsBefore(low + step - 1) {
            low += step
            step *= 2
        }
        var high = min(low + step, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if endsBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The run that holds a unit.
    func run(ofUnit unit: UInt32) -> Int {
        var low = 0, high = runs.count - 1
        if runs[high].unit <= unit { return high }
        while low < high {
            let middle = (low + high + 1) / 2
            if runs[middle].unit <= unit { low = middle } else { high = middle - 1 }
        }
        return low
    }

    func version(ofUnit unit: UInt32) -> UInt32 {
        let run = runs[run(ofUnit: unit)]
        return run.version + unit - run.unit
    }

    /// The unit at a local version, or the first one behind it.
    func unit(atOrAfter version: UInt32) -> UInt32 {
        let index = firstRun(endingAfter: version)
        if index == runs.count { return UInt32(unitCount) }
        let run = runs[index]
        return run.version >= version ? run.unit : run.unit + version - run.version
    }

    /// The units of a span of local versions.
    @inline(__always)
    func units(in span: VersionSpan) -> Range<UInt32> {
        var index = firstRun(endingAfter: span.start)
        if index == runs.count { return UInt32(unitCount)..<UInt32(unitCount) }
        let first = runs[index]
        let start = first.version >= span.start ? first.unit : first.unit + span.start - first.version
        // The end is in the same run or a few behind it; the search is for long spans.
        for _ in 0..<4 {
            let run = runs[index]
            if run.version >= span.end { return start..<max(start, run.unit) }
            if run.version + run.count >= span.end { return start..<run.unit + span.end - run.version }
            index += 1
            if index == runs.count { return start..<UInt32(unitCount) }
        }
        return start..<unit(atOrAfter: span.end)
    }

    /// The part of a run that lies in a span of local versions; they overlap.
    @inline(__always)
    func piece(ofRun index: Int, in span: VersionSpan) -> Piece {
        let run = runs[index]
        let start = max(run.version, span.start), end = min(run.version + run.count, span.end)
        let skipped = start - run.version
        let position =
            switch run.kind {
            case .insertion: run.position + skipped
            case .deletion: run.position
            case .deletionBackwards: run.position - skipped
            }
        return Piece(version: start, unit: run.unit + skipped, count: end - start, position: position, kind: run.kind)
    }

    /// Calls the body with what lies in a span of local versions, in order.
    @inline(__always)
    func forEachPiece(in span: VersionSpan, _ body: (Piece) -> Void) {
        var index = firstRun(endingAfter: span.start)
        while index < runs.count, runs[index].version < span.end {
            body(piece(ofRun: index, in: span))
            index += 1
        }
    }

    /// As ``forEachPiece(in:_:)``, with the index of the run.
    ///
    /// - Parameter hint: a run near the first; the last one, afterwards.
    @inline(__always)
    func forEachPiece(in span: VersionSpan, near hint: inout Int, _ body: (Piece, Int) -> Void) {
        var index = firstRun(endingAfter: span.start, from: hint)
        while index < runs.count, runs[index].version < span.end {
            body(piece(ofRun: index, in: span), index)
            hint = index
            index += 1
        }
    }
}
