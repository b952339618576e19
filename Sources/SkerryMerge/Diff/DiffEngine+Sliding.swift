// A group of changed elements that begins with the element that follows it can slide down by one, and up when it ends with the element
// before it: "a [b a] b" and "a b [a b]" are the same change. Sliding joins groups that meet and lays the rest where readers expect them.
//
// Both sides are walked in step: before each unchanged element (and at the end) stands a group, often empty, and the groups of the two
// sides correspond. When a group slides past an element, its counterpart becomes the one next to it.

/// What it costs a reader to see a cut above an element; smaller is better. An index may be the count: a cut at the end.
package struct BoundaryScores {
    let source: (Int) -> Int
    let target: (Int) -> Int
}

extension DiffEngine {
    func slide(_ placement: DiffOptions.Placement, _ scores: BoundaryScores?) {
        let source = Side(symbols: a, flags: aChanged, count: aCount)
        let target = Side(symbols: b, flags: bChanged, count: bCount)
        Slider(side: source, other: target).run(placement, scores?.source)
        Slider(side: target, other: source).run(placement, scores?.target)
    }

    fileprivate struct Side {
        let symbols: UnsafePointer<UInt32>
        let flags: UnsafeMutablePointer<UInt8>
        let count: Int

        @inline(__always)
        func isShared(eightFrom index: Int) -> Bool {
            index + 8 <= count && UnsafeRawPointer(flags + index).loadUnaligned(as: UInt64.self) == 0
        }
    }
}

private struct Slider {
    typealias Side = DiffEngine.Side

    /// Changed elements `start..<end`; `end` is an unchanged one or the end of the side.
    struct Group {
        var start = 0, end = 0
        var isEmpty: Bool { start == end }
    }

    /// Slides further than this find no better boundary; it bounds the search for one.
    static let boundaryWindow = 100

    let side, other: Side
    var group = Group(), counterpart = Group()

    init(side: Side, other: Side) {
        self.side = side
        self.other = other
        Self.extend(&group, side)
        Self.extend(&counterpart, other)
    }

    consuming func run(_ placement: DiffOptions.Placement, _ scores: ((Int) -> Int)?) {
        repeat {
            if !group.isEmpty { place(placement, scores) }
            skipShared()
        } while next()
    }

    private mutating func place(_ placement: DiffOptions.Placement, _ scores: ((Int) -> Int)?) {
        if placement == .first {
            while slideUp() {}
            return
        }
        let reach = slideBothWays()
        guard group.end != reach.earliestEnd else { return }
        if reach.meetsOther {
            while counterpart.isEmpty, slideUp() {}
        } else if placement == .boundaries, let scores {
            let end = bestEnd(from: reach.earliestEnd, scores)
            while group.end > end, slideUp() {}
        }
    }

    /// Slides up and then down as far as possible, again while that joins groups; ends at the bottom.
    private mutating func slideBothWays() -> (earliestEnd: Int, meetsOther: Bool) {
        while true {
            let size = group.end - group.start
            while slideUp() {}
            let earliestEnd = group.end
            var meetsOther = !counterpart.isEmpty
            while slideDown() { if !counterpart.isEmpty { meetsOther = true } }
            if group.end - group.start == size { return (earliestEnd, meetsOther) }
        }
    }

    private func bestEnd(from earliestEnd: Int, _ scores: (Int) -> Int) -> Int {
        let size = group.end - group.start
        var best = group.end, bestScore = Int.max
        // Beyond its own size a group repeats itself.
        for end in max(earliestEnd, group.end - size - 1, group.end - Self.boundaryWindow)...group.end {
            let score = scores(end) + scores(end - size)
            if score <= bestScore { (best, bestScore) = (end, score) }
        }
        return best
    }

    // MARK: Steps

    private mutating func slideUp() -> Bool {
        guard group.start > 0, side.symbols[group.start - 1] == side.symbols[group.end - 1] else { return false }
        group.start -= 1
        group.end -= 1
        side.flags[group.start] = 1
        side.flags[group.end] = 0
        while side.flags[group.start - 1] != 0 { group.start -= 1 }
        counterpart.end = counterpart.start - 1
        counterpart.start = counterpart.end
        while other.flags[counterpart.start - 1] != 0 { counterpart.start -= 1 }
        return true
    }

    private mutating func slideDown() -> Bool {
        guard group.end < side.count, side.symbols[group.start] == side.symbols[group.end] else { return false }
        side.flags[group.start] = 0
        side.flags[group.end] = 1
        group.start += 1
        Self.extend(&group, side)
        Self.advance(&counterpart, other)
        return true
    }

    private mutating func next() -> Bool {
        guard group.end < side.count else { return false }
        Self.advance(&group, side)
        Self.advance(&counterpart, other)
        return true
    }

    /// Jumps over eight elements at a time that neither side changed.
    private mutating func skipShared() {
        var i = group.end, j = counterpart.end
        while side.isShared(eightFrom: i), other.isShared(eightFrom: j) {
            i += 8
            j += 8
        }
        guard i > group.end else { return }
        // One back, so that the group before the element at hand is looked at by `next`.
        group = Group(start: i - 1, end: i - 1)
        counterpart = Group(start: j - 1, end: j - 1)
    }

    private static func advance(_ group: inout Group, _ side: Side) {
        group.start = group.end + 1
        group.end = group.start
        extend(&group, side)
    }

    private static func extend(_ group: inout Group, _ side: Side) {
        while side.flags[group.end] != 0 { group.end += 1 }
    }
}
