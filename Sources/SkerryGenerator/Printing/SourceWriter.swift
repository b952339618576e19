/// Swift source being written, line by line, in the house format.
struct SourceWriter {
    private(set) var text = ""
    private var depth = 0

    /// One line at the current depth. Line feeds inside start further lines at the same depth.
    mutating func line(_ line: String = "") {
        for part in line.split(separator: "\n", omittingEmptySubsequences: false) {
            if !part.isEmpty { text += String(repeating: "    ", count: depth) + part }
            text += "\n"
        }
    }

    /// `head {`, the lines of `body` one level in, `}`.
    mutating func block(_ head: String, close: String = "}", _ body: (inout SourceWriter) -> Void) {
        line(head + " {")
        indented(body)
        line(close)
    }

    /// The lines of `body` one level in.
    mutating func indented(_ body: (inout SourceWriter) -> Void) {
        depth += 1
        body(&self)
        depth -= 1
    }

    /// `head(`, the arguments, `)tail`: on one line when it fits, else the arguments on lines of their own, filled.
    mutating func call(_ head: String, _ arguments: [String], tail: String = "") {
        list(head, open: "(", arguments, close: ")" + tail)
    }

    /// As ``call(_:_:tail:)`` with other brackets; `isClosedApart` puts the closing one on a line of its own.
    mutating func list(_ head: String, open: String, _ items: [String], close: String, isClosedApart: Bool = false) {
        let single = head + open + items.joined(separator: ", ") + close
        if fits(single) || items.isEmpty {
            line(single)
            return
        }
        line(head + open)
        indented { writer in
            let room = Self.columns - writer.depth * 4 - (isClosedApart ? 1 : close.count)
            let rows = Self.filled(items, width: room)
            for (index, row) in rows.enumerated() {
                let end = index + 1 < rows.count ? "," : isClosedApart ? "," : close
                writer.line(row + end)
            }
        }
        if isClosedApart { line(close) }
    }

    /// `items` joined by commas, as many on a row as fit.
    private static func filled(_ items: [String], width: Int) -> [String] {
        var rows: [String] = []
        for item in items {
            if let last = rows.last, last.count + 2 + item.count <= width {
                rows[rows.count - 1] = last + ", " + item
            } else {
                rows.append(item)
            }
        }
        return rows
    }

    /// Whether `line` stays within the house's width at the current depth.
    func fits(_ line: String) -> Bool { depth * 4 + line.count <= Self.columns }

    /// The house's 140 less the three levels by which a member may be moved when it is put in its place.
    private static let columns = 128
}
