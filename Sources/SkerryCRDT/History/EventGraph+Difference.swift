/// A stretch of local versions, `end` exclusive.
struct VersionSpan: BitwiseCopyable, Sendable, Equatable {
    var start: UInt32
    var end: UInt32

    var count: Int { Int(end - start) }
}

/// Room for comparing versions, kept between comparisons.
struct DifferenceScratch: ~Copyable, Sendable {
    /// A binary heap of `version << 2 | side`.
    var heap = RawArray<UInt64>(capacity: 16)
    /// What only the left version has seen, descending.
    var onlyLeft = RawArray<VersionSpan>(capacity: 16)
    /// What only the right version has seen, descending.
    var onlyRight = RawArray<VersionSpan>(capacity: 16)

    init() {}
}

extension EventGraph {
    private static let left: UInt64 = 1
    private static let right: UInt64 = 2
    private static let both: UInt64 = 3

    /// Finds what each of two versions has seen that the other has not.
    ///
    /// Walks back from both, newest first, until everything on the heap is known to both (Gentle and Kleppmann, "Collaborative Text
    /// Editing with Eg-walker", EuroSys 2025, section 3). O(k log k) in the runs between the versions and their common past.
    func difference(
        _ left: UnsafeBufferPointer<UInt32>, _ right: UnsafeBufferPointer<UInt32>, into scratch: inout DifferenceScratch
    ) {
        scratch.onlyLeft.truncate(to: 0)
        scratch.onlyRight.truncate(to: 0)
        if left.elementsEqual(right) { return }
        scratch.heap.truncate(to: 0)
        for version in left { scratch.push(UInt64(version) << 2 | Self.left) }
        for version in right { scratch.push(UInt64(version) << 2 | Self.right) }
        var common = 0
        while let top = scratch.pop() {
            var version = top >> 2
            var side = top & 3
            if side == Self.both { common -= 1 }
            let index = run(of: Int(version))
            let start = UInt64(runs[index].start)
            while let next = scratch.peek, next >> 2 >= start {
                _ = scratch.pop()
                if next & 3 == Self.both { common -= 1 }
                if next & 3 != side {
                    scratch.note(from: next >> 2 + 1, to: version + 1, side: side)
                    version = next >> 2
                    side = Self.both
                }
            }
            scratch.note(from: start, to: version + 1, side: side)
            for parent in parents(ofRun: index) {
                scratch.push(UInt64(parent) << 2 | side)
                if side == Self.both { common += 1 }
            }
            if common == scratch.heap.count { break }
        }
    }

    /// Whether a version has seen an event.
    ///
    /// An origin's events form a chain, so whoever has seen a later one of the event's origin has seen the event. O(k log k) in the runs
    /// walked back until such a one is met: few when it was seen, those between the two when it was not.
    func hasSeen(_ heads: UnsafeBufferPointer<UInt32>, _ event: UInt32, scratch: inout DifferenceScratch) -> Bool {
        if heads.contains(event) { return true }
        scratch.heap.truncate(to: 0)
        let origin = runs[run(of: Int(event))].origin
        for head in heads where head > event { scratch.push(UInt64(head)) }
        while let top = scratch.pop() {
            let index = run(of: Int(top))
            if runs[index].start <= event || runs[index].origin == origin { return true }
            while let next = scratch.peek, next >= UInt64(runs[index].start) { _ = scratch.pop() }
            for parent in parents(ofRun: index) {
                if parent == event { return true }
                if parent > event { scratch.push(UInt64(parent)) }
            }
        }
        return false
    }

    /// Whether the event at a local version had seen another. O(1) on average while the events of an origin are asked about in order, as they are
    /// when they come in; else as far as ``hasSeen(_:_:scratch:)`` has to walk.
    ///
    /// - Parameter clocks: what the writers have seen, as far as it was asked.
    func hasSeen(_ version: UInt32, _ other: UInt32, clocks: inout TrackerClocks, scratch: inout DifferenceScratch) -> Bool {
        let index = run(of: Int(version))
        let run = runs[index]
        if other >= run.start { return other < version }
        if run.sawAll || Int(other) <= latestCritical && latestCritical < Int(version) { return true }
        let otherIndex = self.run(of: Int(other))
        // An origin's events form a chain.
        if runs[otherIndex].origin == run.origin { return true }
        if let isSeen = clocks.hasSeen(version, run: index, other, otherRun: otherIndex, graph: self) { return isSeen }
        return hasSeen(parents(ofRun: index), other, scratch: &scratch)
    }
}

extension DifferenceScratch {
    /// Adds a span to its side; spans come newest first and join where they touch.
    @inline(__always)
    fileprivate mutating func note(from start: UInt64, to end: UInt64, side: UInt64) {
        if side == 3 || start >= end { return }
        let span = VersionSpan(start: UInt32(start), end: UInt32(end))
        if side == 1 { Self.add(span, to: &onlyLeft) } else { Self.add(span, to: &onlyRight) }
    }

    private static func add(_ span: VersionSpan, to spans: inout RawArray<VersionSpan>) {
        if spans.count > 0, spans[spans.count - 1].start == span.end {
            spans[spans.count - 1].start = span.start
        } else {
            spans.append(span)
        }
    }

    @inline(__always)
    fileprivate var peek: UInt64? { heap.count > 0 ? heap[0] : nil }

    @inline(__always)
    mutating func push(_ value: UInt64) {
        heap.append(value)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            if heap[parent] >= value { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = value
    }

    @inline(__always)
    mutating func pop() -> UInt64? {
        if heap.count == 0 { return nil }
        let top = heap[0]
        let last = heap.removeLast()
        let count = heap.count
        if count == 0 { return top }
        var index = 0
        while true {
            var child = 2 * index + 1
            if child >= count { break }
            if child + 1 < count, heap[child + 1] > heap[child] { child += 1 }
            if heap[child] <= last { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = last
        return top
    }
}
