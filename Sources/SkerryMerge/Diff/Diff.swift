/// What turns one sequence into another, as ranges of both: nothing of the content is kept.
///
/// ```swift
/// let diff = Diff(from: Array("abcd"), to: Array("abXd"))
/// diff.hunks          // [2..<3 -> 2..<3]
/// ```
///
/// ``Patch`` is the form that carries content and travels; ``TextLines/diff(to:options:)`` is the way in for text, several times faster.
///
/// - Invariant: hunks stand in order; between two of them lies at least one element that both sequences share, and what lies between
///   hunks is equal on both sides.
public struct Diff: Sendable, Hashable {
    /// The stretches that differ, in order.
    public let hunks: [Hunk]
    /// Elements of the sequence that is changed.
    public let sourceCount: Int
    /// Elements of the sequence it is changed into.
    public let targetCount: Int

    package init(hunks: [Hunk], sourceCount: Int, targetCount: Int) {
        self.hunks = hunks
        self.sourceCount = sourceCount
        self.targetCount = targetCount
    }

    /// Whether the sequences are equal.
    public var isEmpty: Bool { hunks.isEmpty }

    /// The way back.
    public var inverted: Diff {
        Diff(hunks: hunks.map(\.inverted), sourceCount: targetCount, targetCount: sourceCount)
    }

    /// Elements taken out and put in, over all hunks.
    public var editCount: Int { hunks.reduce(0) { $0 + $1.source.count + $1.target.count } }
}

extension Diff {
    /// Compares two collections of hashable elements.
    ///
    /// The result is correct for every input; how short it is depends on the algorithm (``DiffOptions``).
    ///
    /// - Precondition: each side has fewer than 2^31 elements.
    /// - Complexity: O(n) hashes and, for sequences that share elements seen seldom, O(n log n) time. Budgets and cost caps keep the worst case
    ///   linear for the histogram and at O(n √n) for the minimal algorithm. Memory is O(n).
    public init<Source: Collection, Target: Collection>(from source: Source, to target: Target, options: DiffOptions = .standard)
    where Source.Element: Hashable, Target.Element == Source.Element {
        var table = SymbolTable<Source.Element>()
        let a = table.symbols(of: source)
        let b = table.symbols(of: target)
        self.init(symbols: a, to: b, symbolCount: table.count, options: options, boundaries: nil)
    }

    /// Compares two sequences whose elements are known by small numbers below `symbolCount`.
    package init(symbols a: [UInt32], to b: [UInt32], symbolCount: Int, options: DiffOptions, boundaries: BoundaryScores?) {
        let hunks = a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var engine = DiffEngine(a, b, symbolCount: symbolCount)
                engine.run(options.algorithm)
                engine.slide(options.placement, boundaries)
                return engine.hunks()
            }
        }
        self.init(hunks: hunks, sourceCount: a.count, targetCount: b.count)
    }
}

/// One stretch that differs: `source` is replaced by `target`. Either may be empty, not both.
public struct Hunk: Sendable, Hashable, CustomStringConvertible {
    // Half a million hunks are ordinary for a large file, so bounds take four bytes each.
    private let sourceStart, sourceEnd, targetStart, targetEnd: UInt32

    /// - Precondition: bounds are below 2^32.
    public init(source: Range<Int>, target: Range<Int>) {
        self.init(
            UInt32(source.lowerBound), UInt32(source.upperBound), UInt32(target.lowerBound), UInt32(target.upperBound))
    }

    init(_ sourceStart: UInt32, _ sourceEnd: UInt32, _ targetStart: UInt32, _ targetEnd: UInt32) {
        self.sourceStart = sourceStart
        self.sourceEnd = sourceEnd
        self.targetStart = targetStart
        self.targetEnd = targetEnd
    }

    /// Positions taken out of the source.
    public var source: Range<Int> { Range(uncheckedBounds: (Int(sourceStart), Int(sourceEnd))) }
    /// Positions of the target that stand there instead.
    public var target: Range<Int> { Range(uncheckedBounds: (Int(targetStart), Int(targetEnd))) }

    /// The same stretch on the way back.
    public var inverted: Hunk { Hunk(targetStart, targetEnd, sourceStart, sourceEnd) }

    public var description: String { "\(source) -> \(target)" }
}
