/// Shortest edit scripts in linear space: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", section 4b.
///
/// In the grid of x and y, a diagonal is the set of points with the same x - y, and an edit moves to the next diagonal. Two frontiers, from
/// the upper left corner and from the lower right, hold for each diagonal the furthest point reached with a number of edits. Where they
/// meet, a shortest path passes; the halves before and after that point are searched in turn.
///
/// Memory is two frontiers; time is O(ND). Beyond a cost cap the furthest point of both frontiers is taken for the split instead of the
/// best one, so that time is O(n) times the cap at most.
///
/// Nearly all time goes into following equal elements along a diagonal, often for one or two steps. Symbols are as narrow as their number
/// allows and compared a word at a time, so that how far such a walk goes is computed and not guessed by a branch.
struct BidirectionalSearch<Symbol: FixedWidthInteger & UnsignedInteger>: ~Copyable {
    private typealias Symbols = PaddedSymbols<Symbol>

    private let x: Symbols
    private let y: Symbols
    private let storage: UnsafeMutablePointer<Int32>
    /// Furthest x from the start, by diagonal; indices from -(y.count + 1) to x.count + 1. A place is written before it is read.
    private let forward: UnsafeMutablePointer<Int32>
    /// Furthest x from the end, by diagonal.
    private let backward: UnsafeMutablePointer<Int32>
    /// Edits from each end after which a split is taken as it comes.
    private let costMaximum: Int

    /// - Parameters: how many symbols each side has, and the symbol of an index, in the range of `Symbol`; the cost cap.
    init(x xCount: Int, _ xSymbol: (Int) -> UInt32, y yCount: Int, _ ySymbol: (Int) -> UInt32, costMaximum: Int) {
        x = PaddedSymbols(count: xCount, xSymbol)
        y = PaddedSymbols(count: yCount, ySymbol)
        let diagonals = xCount + yCount + 3
        storage = .allocate(capacity: 2 * diagonals)
        forward = storage + (yCount + 1)
        backward = forward + diagonals
        self.costMaximum = costMaximum
    }

    deinit { storage.deallocate() }

    /// A rectangle of the grid still to be searched.
    private struct Box {
        var x0, x1, y0, y1: Int
        /// Whether the cost cap is off: a half of an optimal path is no dearer than the whole was.
        var isOptimal: Bool
    }

    private struct Split {
        var x, y: Int
        var isOptimalBefore, isOptimalAfter: Bool
    }

    /// Reports the elements that are not shared, in no particular order.
    func run(onlyInX: (Int) -> Void, onlyInY: (Int) -> Void) {
        var boxes = [Box(x0: 0, x1: x.count, y0: 0, y1: y.count, isOptimal: false)]
        while let pending = boxes.popLast() {
            let box = trimmed(pending)
            if box.x0 == box.x1 {
                for j in box.y0..<box.y1 { onlyInY(j) }
            } else if box.y0 == box.y1 {
                for i in box.x0..<box.x1 { onlyInX(i) }
            } else {
                let split = split(box)
                boxes.append(Box(x0: split.x, x1: box.x1, y0: split.y, y1: box.y1, isOptimal: split.isOptimalAfter))
                boxes.append(Box(x0: box.x0, x1: split.x, y0: box.y0, y1: split.y, isOptimal: split.isOptimalBefore))
            }
        }
    }

    private func trimmed(_ box: Box) -> Box {
        var box = box
        while box.x0 < box.x1, box.y0 < box.y1, x[box.x0] == y[box.y0] {
            box.x0 += 1
            box.y0 += 1
        }
        while box.x0 < box.x1, box.y0 < box.y1, x[box.x1 - 1] == y[box.y1 - 1] {
            box.x1 -= 1
            box.y1 -= 1
        }
        return box
    }

    /// Diagonals that a frontier has reached, within those that exist in the box.
    private struct Span {
        var low, high: Int
        let lowest, highest: Int

        /// One diagonal further each way; at the edge of the box the frontier narrows instead, which keeps its parity.
        mutating func widen(_ frontier: UnsafeMutablePointer<Int32>, outside: Int32) {
            if low > lowest {
                low -= 1
                frontier[low - 1] = outside
            } else {
                low += 1
            }
            if high < highest {
                high += 1
                frontier[high + 1] = outside
            } else {
                high -= 1
            }
        }

        func contains(_ diagonal: Int) -> Bool { low <= diagonal && diagonal <= high }
    }

    private func split(_ box: Box) -> Split {
        let lowest = box.x0 - box.y1, highest = box.x1 - box.y0
        let first = box.x0 - box.y0, last = box.x1 - box.y1
        let meetsGoingForward = (first - last) & 1 != 0
        var ahead = Span(low: first, high: first, lowest: lowest, highest: highest)
        var back = Span(low: last, high: last, lowest: lowest, highest: highest)
        forward[first] = Int32(truncatingIfNeeded: box.x0)
        backward[last] = Int32(truncatingIfNeeded: box.x1)

        var cost = 0
        while true {
            cost += 1
            ahead.widen(forward, outside: -1)
            if let diagonal = meetsGoingForward ? advance(ahead, box, meeting: back) : advance(ahead, box, meeting: nil) {
                return split(at: diagonal, Int(forward[diagonal]))
            }
            back.widen(backward, outside: .max)
            if let diagonal = meetsGoingForward ? retreat(back, box, meeting: nil) : retreat(back, box, meeting: ahead) {
                return split(at: diagonal, Int(backward[diagonal]))
            }
            if !box.isOptimal, cost >= costMaximum { return furthest(box, ahead, back) }
        }
    }

    private func split(at diagonal: Int, _ i: Int) -> Split {
        Split(x: i, y: i - diagonal, isOptimalBefore: true, isOptimalAfter: true)
    }

    // Arithmetic below cannot overflow, since everything lies within the box or a word beside it; checks would cost a fifth.

    /// Takes the frontier one edit further on each of its diagonals, the highest first; returns the first one on which it meets the other.
    @inline(__always)
    private func advance(_ ahead: Span, _ box: Box, meeting back: Span?) -> Int? {
        let x = self.x.start, y = self.y.start, forward = self.forward, backward = self.backward
        var above = Int(forward[ahead.high &+ 1])
        var diagonal = ahead.high
        while diagonal >= ahead.low {
            let below = Int(forward[diagonal &- 1])
            let start = max(below &+ 1, above)
            above = below
            let end = min(box.x1, box.y1 &+ diagonal)
            var i = start
            var shared: Int
            repeat {
                let difference = Symbols.word(x + i) ^ Symbols.word(y + (i &- diagonal))
                shared = difference.trailingZeroBitCount / Symbol.bitWidth
                i &+= shared
            } while shared == Symbols.inWord && i < end
            // The last word may reach beyond the box; a frontier may stand one step outside it.
            if i > end { i = max(start, end) }
            forward[diagonal] = Int32(truncatingIfNeeded: i)
            if let back, back.contains(diagonal), Int(backward[diagonal]) <= i { return diagonal }
            diagonal &-= 2
        }
        return nil
    }

    /// As ``advance(_:_:meeting:)``, from the end.
    @inline(__always)
    private func retreat(_ back: Span, _ box: Box, meeting ahead: Span?) -> Int? {
        let x = self.x.start - Symbols.inWord, y = self.y.start - Symbols.inWord, forward = self.forward, backward = self.backward
        var above = Int(backward[back.high &+ 1])
        var diagonal = back.high
        while diagonal >= back.low {
            let below = Int(backward[diagonal &- 1])
            let start = min(below, above &- 1)
            above = below
            let end = max(box.x0, box.y0 &+ diagonal)
            var i = start
            var shared: Int
            repeat {
                let difference = Symbols.word(x + i) ^ Symbols.word(y + (i &- diagonal))
                shared = difference.leadingZeroBitCount / Symbol.bitWidth
                i &-= shared
            } while shared == Symbols.inWord && i > end
            if i < end { i = min(start, end) }
            backward[diagonal] = Int32(truncatingIfNeeded: i)
            if let ahead, ahead.contains(diagonal), i <= Int(forward[diagonal]) { return diagonal }
            diagonal &-= 2
        }
        return nil
    }

    /// The point that came furthest from its corner, for want of a meeting.
    private func furthest(_ box: Box, _ ahead: Span, _ back: Span) -> Split {
        var aheadSum = -1, aheadX = box.x0
        for diagonal in stride(from: ahead.high, through: ahead.low, by: -2) {
            // A frontier may stand one step outside the box.
            let i = min(Int(forward[diagonal]), box.x1, box.y1 + diagonal)
            if i + i - diagonal > aheadSum { (aheadSum, aheadX) = (i + i - diagonal, i) }
        }
        var backSum = Int.max, backX = box.x1
        for diagonal in stride(from: back.high, through: back.low, by: -2) {
            let i = max(Int(backward[diagonal]), box.x0, box.y0 + diagonal)
            if i + i - diagonal < backSum { (backSum, backX) = (i + i - diagonal, i) }
        }
        return box.x1 + box.y1 - backSum < aheadSum - (box.x0 + box.y0)
            ? Split(x: aheadX, y: aheadSum - aheadX, isOptimalBefore: true, isOptimalAfter: false)
            : Split(x: backX, y: backSum - backX, isOptimalBefore: false, isOptimalAfter: true)
    }
}

/// Symbols with room around them, so that a word may be read wherever a frontier stands.
struct PaddedSymbols<Symbol: FixedWidthInteger & UnsignedInteger>: ~Copyable {
    /// Symbols in a word.
    static var inWord: Int { UInt64.bitWidth / Symbol.bitWidth }
    /// A frontier stands at most one step outside, and a word is read from there.
    private static var padding: Int { inWord + 2 }

    let start: UnsafeMutablePointer<Symbol>
    let count: Int

    init(count: Int, _ symbol: (Int) -> UInt32) {
        let storage = UnsafeMutablePointer<Symbol>.allocate(capacity: count + 2 * Self.padding)
        start = storage + Self.padding
        self.count = count
        storage.initialize(repeating: 0, count: Self.padding)
        for index in 0..<count { (start + index).initialize(to: Symbol(truncatingIfNeeded: symbol(index))) }
        (start + count).initialize(repeating: 0, count: Self.padding)
    }

    deinit { (start - Self.padding).deallocate() }

    @inline(__always)
    subscript(index: Int) -> Symbol { start[index] }

    /// The symbols from an address on, the first in the lowest bits.
    @inline(__always)
    static func word(_ address: UnsafeMutablePointer<Symbol>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(address).loadUnaligned(as: UInt64.self))
    }
}
