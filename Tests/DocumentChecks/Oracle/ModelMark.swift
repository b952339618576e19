import SkerryCRDT

/// A mark as Peritext has it: two places, each a side of a character.
struct ModelMark {
    struct Edge {
        /// -1 for the beginning of the text (after nothing) or its end (before nothing).
        var unit: Int
        var isAfter: Bool
    }

    var key: String
    /// nil takes marks off.
    var value: DocumentValue?
    var stamp: HybridTimestamp
    /// Of the replica that made it.
    var origin: UInt64
    var start: Edge
    var end: Edge

    /// A mark on characters of what shows.
    init(
        _ range: Range<Int>, of visible: [Int], _ key: String, _ value: DocumentValue?, _ expansion: MarkExpansion, origin: UInt64,
        stamp: HybridTimestamp
    ) {
        self.key = key
        self.value = value
        self.origin = origin
        self.stamp = stamp
        let first = range.lowerBound, last = range.upperBound - 1
        if expansion == .before || expansion == .both {
            start = first == 0 ? Edge(unit: -1, isAfter: true) : Edge(unit: visible[first - 1], isAfter: true)
        } else {
            start = Edge(unit: visible[first], isAfter: false)
        }
        if expansion == .after || expansion == .both {
            end = last + 1 == visible.count ? Edge(unit: -1, isAfter: false) : Edge(unit: visible[last + 1], isAfter: false)
        } else {
            end = Edge(unit: visible[last], isAfter: true)
        }
    }

    func wins(over other: ModelMark) -> Bool { stamp != other.stamp ? stamp > other.stamp : origin > other.origin }
}

extension ModelReplica {
    static let markKeys = ["b", "color", "i"]

    /// The text in runs: every mark of every character.
    mutating func runs(_ text: Int) -> [TextRun] {
        let order = texts[text].order()
        let places = self.places(of: order)
        // By kind of mark and place in the order: the mark that holds.
        var holding = Self.markKeys.map { _ in Array(repeating: -1, count: marks[text].isEmpty ? 0 : order.count) }
        for (number, mark) in marks[text].enumerated() {
            let kind = Self.markKeys.firstIndex(of: mark.key)!
            let start = place(of: mark.start, places, order.count), end = place(of: mark.end, places, order.count)
            for place in min(start, end)..<end {
                let other = holding[kind][place]
                if other < 0 || mark.wins(over: marks[text][other]) { holding[kind][place] = number }
            }
        }
        var runs: [TextRun] = []
        for (place, unit) in order.enumerated() where !texts[text].isDeleted(unit) {
            var found: [String: DocumentValue] = [:]
            if !marks[text].isEmpty {
                for kind in holding.indices where holding[kind][place] >= 0 {
                    found[Self.markKeys[kind]] = marks[text][holding[kind][place]].value
                }
            }
            if runs.last?.marks == found {
                runs[runs.count - 1].string.unicodeScalars.append(scalars[text][unit]!)
            } else {
                runs.append(TextRun(String(String.UnicodeScalarView([scalars[text][unit]!])), found))
            }
        }
        return runs
    }

    /// What text inserted at a position is marked with besides what its place gives it. Inserted text stands in front of deleted characters between its
    /// neighbours; where a mark's edge is behind one of those, it is marked as if it stood behind the last such edge.
    mutating func correction(_ text: Int, at position: Int) -> [(key: String, value: DocumentValue?)] {
        if marks[text].isEmpty { return [] }
        let order = texts[text].order()
        let places = self.places(of: order)
        var first = 0
        if position > 0 { first = places[texts[text].visible()[position - 1]] + 1 }
        var behind = first
        while behind < order.count, texts[text].isDeleted(order[behind]) { behind += 1 }
        var last = -1
        for mark in marks[text] {
            for edge in [mark.start, mark.end] where edge.isAfter && edge.unit >= 0 && (first..<behind).contains(places[edge.unit]) {
                last = max(last, places[edge.unit] + 1)
            }
        }
        if last < 0 { return [] }
        let wanted = held(text, at: last, places), given = held(text, at: first, places)
        return Self.markKeys.filter { wanted[$0] != given[$0] }.map { ($0, wanted[$0]) }
    }

    /// What would be marked between two characters, deleted or not, with so many in front.
    private func held(_ text: Int, at gap: Int, _ places: [Int]) -> [String: DocumentValue] {
        var holding: [String: ModelMark] = [:]
        for mark in marks[text] {
            let start = place(of: mark.start, places, .max), end = place(of: mark.end, places, .max)
            guard start < gap || (start == gap && mark.start.isAfter), end > gap || (end == gap && !mark.end.isAfter) else { continue }
            if let other = holding[mark.key], other.wins(over: mark) { continue }
            holding[mark.key] = mark
        }
        return holding.compactMapValues(\.value)
    }

    private func place(of edge: ModelMark.Edge, _ places: [Int], _ end: Int) -> Int {
        edge.unit < 0 ? (edge.isAfter ? 0 : end) : places[edge.unit] + (edge.isAfter ? 1 : 0)
    }

    private func places(of order: [Int]) -> [Int] {
        var places = Array(repeating: -1, count: (order.max() ?? -1) + 1)
        for (place, unit) in order.enumerated() { places[unit] = place }
        return places
    }
}
