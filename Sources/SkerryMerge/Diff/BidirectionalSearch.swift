/// Shortest edit scripts in linear space: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", section 4b.
///
/// In the grid of x and y, a diagonal is the set of points with the same x - y, and an edit moves to the next diagonal. Two frontiers, from
/// the upper left corner and from the lower right, hold for each diagonal the furthest point reached with a number of edits. Where they
/// meet, a shortest path passes; the halves before and after that point are searched in turn.
///
/// Memory is two frontiers; time is O(ND). Beyond a cost cap the furthest point of both frontiers is taken for the split instead of the
/// best one, which keeps sequences without much in common near O(n √n).
struct BidirectionalSearch: ~Copyable {
    private let x: UnsafeBufferPointer<UInt32>
    private let y: UnsafeBufferPointer<UInt32>
    private let storage: UnsafeMutablePointer<Int>
    /// Furthest x from the start, by diagonal; indices from -(y.count + 1) to x.count + 1.
    private let forward: UnsafeMutablePointer<Int>
    /// Furthest x from the end, by diagonal.
    private let backward: UnsafeMutablePointer<Int>
    /// Edits from each end after which a split is taken as it comes.
    private let costMaximum: Int

    init(_ x: UnsafeBufferPointer<UInt32>, _ y: UnsafeBufferPointer<UInt32>) {
        self.x = x
        self.y = y
        let diagonals = x.count + y.count + 3
        storage = .allocate(capacity: 2 * diagonals)
        storage.initialize(repeating: 0, count: 2 * diagonals)
        forward = storage + (y.count + 1)
        backward = forward + diagonals
        costMaximum = max(256, DiffEngine.roughRoot(diagonals))
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
        mutating func widen(_ frontier: UnsafeMutablePointer<Int>, outside: Int) {
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
        forward[first] = box.x0
        backward[last] = box.x1

        var cost = 0
        while true {
            cost += 1
            ahead.widen(forward, outside: -1)
            for diagonal in stride(from: ahead.high, through: ahead.low, by: -2) {
                let reached = advance(diagonal, box)
                if meetsGoingForward, back.contains(diagonal), backward[diagonal] <= reached {
                    return Split(x: reached, y: reached - diagonal, isOptimalBefore: true, isOptimalAfter: true)
                }
            }
            back.widen(backward, outside: .max)
            for diagonal in stride(from: back.high, through: back.low, by: -2) {
                let reached = retreat(diagonal, box)
                if !meetsGoingForward, ahead.contains(diagonal), reached <= forward[diagonal] {
                    return Split(x: reached, y: reached - diagonal, isOptimalBefore: true, isOptimalAfter: true)
                }
            }
            if !box.isOptimal, cost >= costMaximum { return furthest(box, ahead, back) }
        }
    }

    @inline(__always)
    private func advance(_ diagonal: Int, _ box: Box) -> Int {
        let below = forward[diagonal - 1], above = forward[diagonal + 1]
        var i = below >= above ? below + 1 : above
        var j = i - diagonal
        while i < box.x1, j < box.y1, x[i] == y[j] {
            i += 1
            j += 1
        }
        forward[diagonal] = i
        return i
    }

    @inline(__always)
    private func retreat(_ diagonal: Int, _ box: Box) -> Int {
        let below = backward[diagonal - 1], above = backward[diagonal + 1]
        var i = below < above ? below : above - 1
        var j = i - diagonal
        while i > box.x0, j > box.y0, x[i - 1] == y[j - 1] {
            i -= 1
            j -= 1
        }
        backward[diagonal] = i
        return i
    }

    /// The point that came furthest from its corner, for want of a meeting.
    private func furthest(_ box: Box, _ ahead: Span, _ back: Span) -> Split {
        var aheadSum = -1, aheadX = box.x0
        for diagonal in stride(from: ahead.high, through: ahead.low, by: -2) {
            // A frontier may stand one step outside the box.
            let i = min(forward[diagonal], box.x1, box.y1 + diagonal)
            if i + i - diagonal > aheadSum { (aheadSum, aheadX) = (i + i - diagonal, i) }
        }
        var backSum = Int.max, backX = box.x1
        for diagonal in stride(from: back.high, through: back.low, by: -2) {
            let i = max(backward[diagonal], box.x0, box.y0 + diagonal)
            if i + i - diagonal < backSum { (backSum, backX) = (i + i - diagonal, i) }
        }
        return box.x1 + box.y1 - backSum < aheadSum - (box.x0 + box.y0)
            ? Split(x: aheadX, y: aheadSum - aheadX, isOptimalBefore: true, isOptimalAfter: false)
            : Split(x: backX, y: backSum - backX, isOptimalBefore: false, isOptimalAfter: true)
    }
}
