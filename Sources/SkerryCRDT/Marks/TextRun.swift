/// A stretch of text whose characters have the same marks.
public struct TextRun: Sendable, Hashable {
    public var string: String
    /// By kind of mark.
    public var marks: [String: DocumentValue]

    public init(_ string: String, _ marks: [String: DocumentValue] = [:]) {
        self.string = string
        self.marks = marks
    }
}

/// A number of scalars with the same marks.
struct MarkStretch: Sendable, Hashable {
    var count: Int
    var marks: [String: DocumentValue]
}

extension [MarkStretch] {
    /// Adds a stretch, joined with the last one when they are alike.
    mutating func add(_ count: Int, _ marks: [String: DocumentValue]) {
        if count == 0 { return }
        if let last, last.marks == marks { self[self.count - 1].count += count } else { append(MarkStretch(count: count, marks: marks)) }
    }

    /// The stretches of a range, cut at its ends.
    func part(_ range: Range<Int>) -> [MarkStretch] {
        var result: [MarkStretch] = []
        var position = 0
        for stretch in self {
            let start = Swift.max(position, range.lowerBound), end = Swift.min(position + stretch.count, range.upperBound)
            if start < end { result.add(end - start, stretch.marks) }
            position += stretch.count
            if position >= range.upperBound { break }
        }
        return result
    }

    /// Replaces a range by scalars.
    mutating func replace(_ range: Range<Int>, with inserted: [MarkStretch]) {
        let total = reduce(0) { $0 + $1.count }
        var result = part(0..<range.lowerBound)
        for stretch in inserted { result.add(stretch.count, stretch.marks) }
        for stretch in part(range.upperBound..<Swift.max(total, range.upperBound)) { result.add(stretch.count, stretch.marks) }
        self = result
    }
}
