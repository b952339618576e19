/// What the lanes of a tracker and the writers in it have seen, as clocks: for each origin, where its newest seen event ends.
///
/// An origin's events form a chain, so one local version an origin names all that was seen of it, and what lies between two views is read
/// off their clocks origin by origin, with no walk through the graph. A writer's clock only grows, by what its newest event has seen in
/// addition; the walk that finds it stops wherever the clock has been.
///
/// Events at or before the tracker's base count as seen everywhere. Only origins with events behind it take part, at most
/// ``originMaximum``: beyond that the tracker goes back to comparing versions in the graph.
struct TrackerClocks: ~Copyable, Sendable {
    static let originMaximum = 64
    private static let none: UInt8 = 255

    /// Rows of ``originMaximum`` columns: one a lane, then one an origin that takes part.
    private var rows = RawArray<UInt32>()
    /// By origin of the graph: its column.
    private var columns = RawArray<UInt8>()
    /// By column: the origin.
    private var origins = RawArray<UInt32>(capacity: 8)
    /// Versions to look at, above the runs that hold them.
    private var stack = RawArray<UInt64>(capacity: 16)
    private var base = -1
    /// False when more origins took part than there is room for.
    private(set) var isUsable = true

    init() {}

    /// Begins at a critical version, with every view there.
    mutating func start(at base: Int) {
        for row in 0..<min(rows.count / Self.originMaximum, Tracker.laneCount + origins.count) {
            (rows.base + row * Self.originMaximum).update(repeating: 0, count: origins.count)
        }
        for index in 0..<origins.count { columns[Int(origins[index])] = Self.none }
        origins.truncate(to: 0)
        self.base = base
        isUsable = true
    }

    /// The column of an origin, which takes part from now on; nil, for good, when there is no room.
    mutating func column(of origin: UInt32) -> Int? {
        if Int(origin) < columns.count, columns[Int(origin)] != Self.none { return Int(columns[Int(origin)]) }
        guard isUsable, origins.count < Self.originMaximum else {
            isUsable = false
            return nil
        }
        if columns.count <= Int(origin) { columns.append(repeating: Self.none, count: Int(origin) + 1 - columns.count) }
        let column = origins.count
        columns[Int(origin)] = UInt8(column)
        origins.append(origin)
        let rowCount = Tracker.laneCount + origins.count
        if rows.count < rowCount * Self.originMaximum {
            rows.append(repeating: 0, count: rowCount * Self.originMaximum - rows.count)
        }
        return column
    }

    /// The row of a column's origin.
    @inline(__always)
    func row(ofColumn column: Int) -> Int { Tracker.laneCount + column }

    @inline(__always)
    private func cells(_ row: Int) -> UnsafeMutablePointer<UInt32> { rows.base + row * Self.originMaximum }

    /// Adds to an origin's clock what versions have seen; false when there is no room.
    mutating func see(_ versions: UnsafeBufferPointer<UInt32>, column own: Int, graph: borrowing EventGraph) -> Bool {
        stack.truncate(to: 0)
        for version in versions where Int(version) > base { push(version, run: UInt32(graph.run(of: Int(version)))) }
        while stack.count > 0 {
            let next = stack.removeLast()
            let version = UInt32(truncatingIfNeeded: next >> 32)
            var run = Int(next & 0xFFFF_FFFF)
            guard let column = column(of: graph.runs[run].origin) else { return false }
            let seen = cells(row(ofColumn: own))[column]
            if version < seen { continue }
            let newest = cells(row(ofColumn: column))
            if column != own, newest[column] == version + 1 {
                // That origin's newest event here, and its clock is at hand.
                let mine = cells(row(ofColumn: own))
                for index in 0..<origins.count { mine[index] = max(mine[index], newest[index]) }
                continue
            }
            cells(row(ofColumn: own))[column] = version + 1
            // Every run of that origin back to what was seen already has parents of its own.
            while true {
                let start = graph.runs[run].start
                if Int(start) <= base || start < seen { break }
                let parents = graph.parents(ofRun: run), runs = graph.parentRuns(ofRun: run)
                for index in 0..<parents.count where Int(parents[index]) > base { push(parents[index], run: runs[index]) }
                let previous = graph.runs[run].previous
                if previous == .max || graph.runs[Int(previous) + 1].start <= max(seen, UInt32(base + 1)) { break }
                run = Int(previous)
            }
        }
        return true
    }

    @inline(__always)
    private mutating func push(_ version: UInt32, run: UInt32) { stack.append(UInt64(version) << 32 | UInt64(run)) }

    /// Whether an event has seen another. nil when there is no room, or when a later event of its origin was asked about before.
    mutating func hasSeen(_ version: UInt32, run: Int, _ other: UInt32, otherRun: Int, graph: borrowing EventGraph) -> Bool? {
        if Int(other) <= base { return true }
        guard let own = column(of: graph.runs[run].origin), let column = column(of: graph.runs[otherRun].origin) else { return nil }
        if cells(row(ofColumn: own))[own] > version + 1 { return nil }
        let isUsable = withUnsafePointer(to: version) { pointer in
            see(UnsafeBufferPointer(start: pointer, count: 1), column: own, graph: graph)
        }
        return isUsable ? cells(row(ofColumn: own))[column] > other : nil
    }

    /// How many versions lie between a lane and an origin's view, roughly.
    func distance(lane: Int, column: Int) -> Int {
        let left = cells(lane), right = cells(row(ofColumn: column))
        var sum = 0
        for index in 0..<origins.count { sum += abs(max(Int(left[index]), base + 1) - max(Int(right[index]), base + 1)) }
        return sum
    }

    /// Brings a lane to an origin's view: what it loses is `onlyLeft` then, what it comes to see is `onlyRight`, in no order.
    mutating func move(lane: Int, toColumn own: Int, graph: borrowing EventGraph, into scratch: inout DifferenceScratch) {
        scratch.onlyLeft.truncate(to: 0)
        scratch.onlyRight.truncate(to: 0)
        let from = cells(lane), to = cells(row(ofColumn: own))
        for column in 0..<origins.count where from[column] != to[column] {
            let forward = from[column] < to[column]
            let low = max(min(from[column], to[column]), UInt32(base + 1)), high = max(from[column], to[column])
            from[column] = to[column]
            if low >= high { continue }
            var run = graph.run(of: Int(high) - 1, ofOrigin: origins[column])
            var end = high
            while true {
                let start = max(graph.runs[run].start, low)
                let span = VersionSpan(start: start, end: end)
                if forward { scratch.onlyRight.append(span) } else { scratch.onlyLeft.append(span) }
                let previous = graph.runs[run].previous
                if previous == .max { break }
                run = Int(previous)
                end = graph.runs[run + 1].start
                if end <= low { break }
            }
        }
    }

    /// Notes that an origin's events up to `end` were applied in a lane that stood where they wanted it.
    @inline(__always)
    mutating func applied(to end: UInt32, column: Int, lane: Int) {
        cells(lane)[column] = end
        cells(row(ofColumn: column))[column] = end
    }
}
