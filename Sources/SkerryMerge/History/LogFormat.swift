/// The log of a history with its branches drawn beside it, as `git log --graph` does.
///
/// ```
/// *   4f2a90c1d3 merge
/// |\
/// | * 81b3c2aa07 theirs
/// * | 0be19ff2c4 ours
/// |/
/// * 97d1f0a1be first
/// ```
///
/// Pure: commits come in as a list, text goes out.
public struct LogFormat: Sendable, Hashable {
    /// What is drawn of a commit.
    public struct Entry: Sendable, Hashable {
        public var id: ObjectID
        public var parents: [ObjectID]
        /// The first line stands beside the commit's star, the others below it.
        public var text: String

        public init(id: ObjectID, parents: [ObjectID], text: String) {
            self.id = id
            self.parents = parents
            self.text = text
        }
    }

    /// Whether lanes and names are coloured for a terminal.
    public var isColoured: Bool

    public init(isColoured: Bool = false) { self.isColoured = isColoured }

    /// - Parameter entries: every commit before its parents, as ``CommitGraph/log(from:)`` orders them. Parents that are not among them end in nothing.
    public func render(_ entries: [Entry]) -> String {
        let known = Set(entries.map(\.id))
        /// What each lane waits for.
        var lanes: [ObjectID] = []
        var output = ""
        for entry in entries {
            let column: Int
            if let index = lanes.firstIndex(of: entry.id) {
                column = index
            } else {
                column = lanes.count
                lanes.append(entry.id)
            }
            let parents = entry.parents.filter(known.contains)
            append(entry, column, lanes.count, parents.count, &output)
            advance(&lanes, column, parents, &output)
        }
        return output
    }

    private func append(_ entry: Entry, _ column: Int, _ width: Int, _ parentCount: Int, _ output: inout String) {
        for (index, text) in entry.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = Line()
            for lane in 0..<width {
                if lane != column { line.put("|", at: 2 * lane, lane) }
                if lane == column, index == 0 { line.put("*", at: 2 * lane, nil) }
                if lane == column, index > 0, parentCount > 0 { line.put("|", at: 2 * lane, lane) }
            }
            line.fill(to: 2 * width)
            let id = isColoured ? "\u{1B}[33m\(entry.id.abbreviated)\u{1B}[m" : entry.id.abbreviated
            output += trimmed(line.drawn(isColoured) + (index == 0 ? "\(id) \(text)" : text))
        }
    }

    /// Replaces a commit by its parents in the lanes, and draws the lines that part and meet.
    private func advance(_ lanes: inout [ObjectID], _ column: Int, _ parents: [ObjectID], _ output: inout String) {
        guard let first = parents.first else {
            if column < lanes.count - 1 { output += close(column, lanes.count) }
            lanes.remove(at: column)
            return
        }
        lanes[column] = first
        for (offset, parent) in parents.dropFirst().enumerated() {
            output += fork(column + offset, lanes.count)
            lanes.insert(parent, at: column + offset + 1)
        }
        // Two lanes that wait for the same commit: the right one ends in the left.
        while let (left, right) = meeting(lanes) {
            output += join(left, right, lanes.count)
            lanes.remove(at: right)
        }
    }

    private func meeting(_ lanes: [ObjectID]) -> (Int, Int)? {
        for right in lanes.indices {
            if let left = lanes[..<right].firstIndex(of: lanes[right]) { return (left, right) }
        }
        return nil
    }

    /// A new lane to the right of `column`; those beyond move right.
    private func fork(_ column: Int, _ width: Int) -> String {
        var line = Line()
        for lane in 0...column { line.put("|", at: 2 * lane, lane) }
        for lane in column..<width { line.put("\\", at: 2 * lane + 1, lane + 1) }
        return trimmed(line.drawn(isColoured))
    }

    /// The lane `right` runs into `left`; those beyond it move left.
    private func join(_ left: Int, _ right: Int, _ width: Int) -> String {
        var line = Line()
        for lane in 0..<right { line.put("|", at: 2 * lane, lane) }
        for gap in left..<right - 1 { line.put("_", at: 2 * gap + 1, right) }
        for lane in right..<width { line.put("/", at: 2 * lane - 1, lane) }
        return trimmed(line.drawn(isColoured))
    }

    /// The lane `column` has ended; those beyond it move left.
    private func close(_ column: Int, _ width: Int) -> String {
        var line = Line()
        for lane in 0..<column { line.put("|", at: 2 * lane, lane) }
        for lane in column + 1..<width { line.put("/", at: 2 * lane - 1, lane) }
        return trimmed(line.drawn(isColoured))
    }

    private func trimmed(_ line: String) -> String {
        var line = Substring(line)
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    /// Characters in columns; two columns a lane.
    private struct Line {
        private var cells: [(character: Character, lane: Int?)] = []

        mutating func put(_ character: Character, at column: Int, _ lane: Int?) {
            fill(to: column + 1)
            cells[column] = (character, lane)
        }

        mutating func fill(to width: Int) {
            while cells.count < width { cells.append((" ", nil)) }
        }

        func drawn(_ isColoured: Bool) -> String {
            cells.map { cell in
                guard isColoured, let lane = cell.lane else { return String(cell.character) }
                return "\u{1B}[3\(1 + lane % 6)m\(cell.character)\u{1B}[m"
            }.joined()
        }
    }
}
