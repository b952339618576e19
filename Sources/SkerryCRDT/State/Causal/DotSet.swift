/// A set of dots, exactly: what was seen, with the gaps that deltas leave. For each origin, runs of sequences.
///
/// A ``CausalContext`` says "up to here", which a delta that holds the fifth write alone cannot say.
public struct DotSet: DeltaState {
    public struct Run: Sendable, Equatable, BitwiseCopyable {
        public internal(set) var origin: OriginID
        /// At least 1.
        public internal(set) var first: UInt64
        public internal(set) var last: UInt64
    }

    /// Ascending by origin and sequence; runs of one origin neither overlap nor touch.
    public private(set) var runs: [Run] = []

    public init() {}

    public init(_ dot: Dot) { insert(dot) }

    public var isEmpty: Bool { runs.isEmpty }

    public func contains(_ dot: Dot) -> Bool {
        let index = firstRun(endingAt: dot)
        return index < runs.count && runs[index].origin == dot.origin && runs[index].first <= dot.sequence
    }

    /// The dot that an origin writes next.
    public func next(of origin: OriginID) -> Dot {
        let end = firstRun(endingAt: Dot(origin: origin, sequence: .max))
        let last = end > 0 && runs[end - 1].origin == origin ? runs[end - 1].last : 0
        return Dot(origin: origin, sequence: last + 1)
    }

    public mutating func insert(_ dot: Dot) {
        var index = firstRun(endingAt: dot)
        if index < runs.count, runs[index].origin == dot.origin, runs[index].first <= dot.sequence { return }
        if index > 0, runs[index - 1].origin == dot.origin, runs[index - 1].last + 1 == dot.sequence {
            index -= 1
            runs[index].last = dot.sequence
        } else {
            runs.insert(Run(origin: dot.origin, first: dot.sequence, last: dot.sequence), at: index)
        }
        if index + 1 < runs.count, runs[index + 1].origin == dot.origin, runs[index + 1].first == dot.sequence + 1 {
            runs[index].last = runs[index + 1].last
            runs.remove(at: index + 1)
        }
    }

    // MARK: - Sets

    /// The union.
    public mutating func join(_ other: DotSet) {
        if other.runs.isEmpty || other == self { return }
        if other.runs.count == 1, other.runs[0].first == other.runs[0].last {
            insert(Dot(origin: other.runs[0].origin, sequence: other.runs[0].first))
            return
        }
        var result: [Run] = []
        var left = runs[...], right = other.runs[...]
        while let one = left.first, let two = right.first {
            Self.append(Self.starts(two, before: one) ? right.removeFirst() : left.removeFirst(), to: &result)
        }
        for run in left { Self.append(run, to: &result) }
        for run in right { Self.append(run, to: &result) }
        runs = result
    }

    public func covers(_ other: DotSet) -> Bool { other.subtracting(self).isEmpty }

    func intersection(_ other: DotSet) -> DotSet {
        var result = DotSet()
        var left = 0, right = 0
        while left < runs.count, right < other.runs.count {
            let one = runs[left], two = other.runs[right]
            if one.origin == two.origin, max(one.first, two.first) <= min(one.last, two.last) {
                result.runs.append(Run(origin: one.origin, first: max(one.first, two.first), last: min(one.last, two.last)))
            }
            if (one.origin, one.last) < (two.origin, two.last) { left += 1 } else { right += 1 }
        }
        return result
    }

    func subtracting(_ other: DotSet) -> DotSet {
        var result = DotSet()
        var right = 0
        for run in runs {
            var first = run.first
            while right < other.runs.count, (other.runs[right].origin, other.runs[right].last) < (run.origin, run.first) { right += 1 }
            var index = right
            while index < other.runs.count, other.runs[index].origin == run.origin,
                other.runs[index].first <= run.last || isDefective(.contextHasNoGaps)
            {
                var hole = other.runs[index]
                if isDefective(.contextHasNoGaps) { hole.first = 1 }
                if hole.first > first { result.runs.append(Run(origin: run.origin, first: first, last: hole.first - 1)) }
                first = max(first, hole.last + 1)
                index += 1
            }
            if first <= run.last { result.runs.append(Run(origin: run.origin, first: first, last: run.last)) }
        }
        return result
    }

    // MARK: - Runs

    /// The first run that ends at a dot or behind it.
    private func firstRun(endingAt dot: Dot) -> Int {
        var low = 0, high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if (runs[middle].origin, runs[middle].last) < (dot.origin, dot.sequence) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func starts(_ left: Run, before right: Run) -> Bool { (left.origin, left.first) < (right.origin, right.first) }

    /// Adds a run that starts at or behind the last one's start.
    private static func append(_ run: Run, to runs: inout [Run]) {
        if let last = runs.last, last.origin == run.origin, run.first <= last.last + 1 {
            runs[runs.count - 1].last = max(last.last, run.last)
        } else {
            runs.append(run)
        }
    }
}

extension DotSet: StateCodable {
    /// Sequences stay below this; nobody writes as often.
    static let sequenceLimit: UInt64 = 1 << 62

    public static var stateType: [UInt8] { [0x28] }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: runs.count)
        for run in runs {
            run.origin.encode(to: &writer)
            writer.write(run.first)
            writer.write(run.last - run.first)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        for _ in 0..<(try reader.count(ofAtLeast: 10)) {
            let origin = try OriginID(from: &reader), first = try reader.uint64(below: Self.sequenceLimit)
            let more = try reader.uint64(below: Self.sequenceLimit - first)
            guard first > 0 else { throw reader.damaged("a dot before the first") }
            if let last = runs.last, (last.origin, last.last + 1) >= (origin, first) { throw reader.damaged("dots are out of order") }
            runs.append(Run(origin: origin, first: first, last: first + more))
        }
    }
}
