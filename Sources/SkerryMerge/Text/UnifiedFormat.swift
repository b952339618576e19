/// The unified form of a text diff, as `diff -u`, `patch` and git read and write it.
///
/// ```swift
/// let text = UnifiedFormat(sourceName: "a/notes", targetName: "b/notes").render(diff, from: old, to: new)
/// ```
public struct UnifiedFormat: Sendable, Hashable {
    /// Unchanged lines shown around a hunk.
    public var context: Int
    /// Names for the `---` and `+++` lines; both are left out when one is nil.
    public var sourceName: String?
    public var targetName: String?
    /// Whether a hunk's head repeats the nearest line above it that begins with a letter, `_` or `$`: the function it stands in.
    public var hasHeadings: Bool
    /// Whether lines are coloured for a terminal, as git does by default.
    public var isColoured: Bool

    public init(
        context: Int = 3, sourceName: String? = nil, targetName: String? = nil, hasHeadings: Bool = true, isColoured: Bool = false
    ) {
        self.context = max(0, context)
        self.sourceName = sourceName
        self.targetName = targetName
        self.hasHeadings = hasHeadings
        self.isColoured = isColoured
    }

    /// Everything at once; empty when the texts are equal.
    public func render(_ diff: Diff, from source: TextLines, to target: TextLines) -> [UInt8] {
        var output: [UInt8] = []
        write(diff, from: source, to: target) { output.append(contentsOf: $0) }
        return output
    }

    /// Writes in pieces of about 64 KiB, so that memory does not grow with the output.
    ///
    /// - Parameter sink: takes each piece; the buffer is valid during the call. What it throws ends the writing and is thrown on.
    /// - Precondition: `diff` is of these two texts.
    public func write<Failure: Error>(
        _ diff: Diff, from source: TextLines, to target: TextLines, _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(diff.sourceCount == source.count && diff.targetCount == target.count, "a diff of other texts")
        guard !diff.isEmpty else { return }
        try withoutActuallyEscaping(sink) { (sink) throws(Failure) in
            var writer = ByteWriter<Failure>(sink)
            try writeNames(&writer)
            try source.bytes.withUnsafeBufferPointer { (sourceBytes) throws(Failure) in
                try target.bytes.withUnsafeBufferPointer { (targetBytes) throws(Failure) in
                    let page = Page(
                        format: self, diff: diff, source: Lines(UnsafeRawBufferPointer(sourceBytes), source),
                        target: Lines(UnsafeRawBufferPointer(targetBytes), target))
                    try page.write(&writer)
                }
            }
            try writer.flush()
        }
    }

    private func writeNames<Failure: Error>(_ writer: inout ByteWriter<Failure>) throws(Failure) {
        guard let sourceName, let targetName else { return }
        for (mark, name) in [("---", sourceName), ("+++", targetName)] {
            try writer.write(isColoured ? "\(Colour.name)\(mark) \(name)\(Colour.reset)\n" : "\(mark) \(name)\n")
        }
    }

    /// Escape sequences of a terminal.
    fileprivate enum Colour {
        static var name: String { "\u{1B}[1m" }
        static var head: String { "\u{1B}[36m" }
        static var removed: String { "\u{1B}[31m" }
        static var inserted: String { "\u{1B}[32m" }
        static var reset: String { "\u{1B}[m" }
    }
}

/// The lines of a text while its bytes stand still.
private struct Lines {
    private let bytes: UnsafeRawBufferPointer
    private let starts: [Int]

    init(_ bytes: UnsafeRawBufferPointer, _ text: TextLines) {
        self.bytes = bytes
        starts = text.starts
    }

    var count: Int { starts.count - 1 }

    @inline(__always)
    subscript(line: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[starts[line]..<starts[line + 1]])
    }

    /// Whether the line may be a heading, and so much of it as fits.
    func heading(_ line: Int) -> UnsafeRawBufferPointer? {
        let bytes = self[line]
        guard let first = bytes.first, isLetter(first) || first == UInt8(ascii: "_") || first == UInt8(ascii: "$") else { return nil }
        var end = min(bytes.count, Self.headingMaximum)
        while end > 0, bytes[end - 1] <= 0x20 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[..<end])
    }

    private static var headingMaximum: Int { 80 }

    private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
}

/// One diff being written.
private struct Page {
    let format: UnifiedFormat
    let diff: Diff
    let source: Lines
    let target: Lines

    func write<Failure: Error>(_ writer: inout ByteWriter<Failure>) throws(Failure) {
        var index = 0
        var headings = HeadingSearch()
        while index < diff.hunks.count {
            let end = groupEnd(index)
            try writeGroup(index..<end, &headings, &writer)
            index = end
        }
    }

    /// Hunks whose contexts touch share a head.
    private func groupEnd(_ index: Int) -> Int {
        var end = index + 1
        while end < diff.hunks.count,
            diff.hunks[end].source.lowerBound - diff.hunks[end - 1].source.upperBound <= 2 * format.context
        {
            end += 1
        }
        return end
    }

    private func writeGroup<Failure: Error>(
        _ indices: Range<Int>, _ headings: inout HeadingSearch, _ writer: inout ByteWriter<Failure>
    ) throws(Failure) {
        let first = diff.hunks[indices.lowerBound], last = diff.hunks[indices.upperBound - 1]
        let before = min(format.context, first.source.lowerBound), after = min(format.context, source.count - last.source.upperBound)
        let sourceRange = first.source.lowerBound - before..<last.source.upperBound + after
        let targetRange = first.target.lowerBound - before..<last.target.upperBound + after
        let heading = format.hasHeadings ? headings.heading(above: sourceRange.lowerBound, in: source) : nil
        try writeHead(sourceRange, targetRange, heading, &writer)
        var shown = sourceRange.lowerBound
        for index in indices {
            let hunk = diff.hunks[index]
            for line in shown..<hunk.source.lowerBound { try write(source[line], mark: 0x20, nil, &writer) }
            for line in hunk.source { try write(source[line], mark: 0x2D, UnifiedFormat.Colour.removed, &writer) }
            for line in hunk.target { try write(target[line], mark: 0x2B, UnifiedFormat.Colour.inserted, &writer) }
            shown = hunk.source.upperBound
        }
        for line in shown..<sourceRange.upperBound { try write(source[line], mark: 0x20, nil, &writer) }
    }

    private func writeHead<Failure: Error>(
        _ sourceRange: Range<Int>, _ targetRange: Range<Int>, _ heading: UnsafeRawBufferPointer?, _ writer: inout ByteWriter<Failure>
    ) throws(Failure) {
        if format.isColoured { try writer.write(UnifiedFormat.Colour.head) }
        try writer.write("@@ -")
        try write(sourceRange, &writer)
        try writer.write(" +")
        try write(targetRange, &writer)
        try writer.write(" @@")
        if format.isColoured { try writer.write(UnifiedFormat.Colour.reset) }
        if let heading {
            try writer.write(0x20)
            try writer.write(heading)
        }
        try writer.write(0x0A)
    }

    /// A range counts from 1; an empty one names the line before it.
    private func write<Failure: Error>(_ range: Range<Int>, _ writer: inout ByteWriter<Failure>) throws(Failure) {
        try writer.write(decimal: range.isEmpty ? range.lowerBound : range.lowerBound + 1)
        guard range.count != 1 else { return }
        try writer.write(0x2C)
        try writer.write(decimal: range.count)
    }

    @inline(__always)
    private func write<Failure: Error>(
        _ line: UnsafeRawBufferPointer, mark: UInt8, _ colour: @autoclosure () -> String?, _ writer: inout ByteWriter<Failure>
    ) throws(Failure) {
        guard format.isColoured, let colour = colour() else {
            try writer.write(mark)
            try writer.write(line)
            if line.last != 0x0A { try writer.write("\n\\ No newline at end of file\n") }
            return
        }
        let endsInFeed = line.last == 0x0A
        try writer.write(colour)
        try writer.write(mark)
        try writer.write(endsInFeed ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line)
        try writer.write(UnifiedFormat.Colour.reset)
        try writer.write(endsInFeed ? "\n" : "\n\\ No newline at end of file\n")
    }
}

/// Finds headings in one pass over the text, however many hunks there are.
private struct HeadingSearch {
    private var searched = 0
    private var found: UnsafeRawBufferPointer?

    /// The nearest heading above a line.
    mutating func heading(above line: Int, in lines: Lines) -> UnsafeRawBufferPointer? {
        var candidate = line - 1
        while candidate >= searched {
            if let heading = lines.heading(candidate) {
                found = heading
                break
            }
            candidate -= 1
        }
        searched = max(searched, line)
        return found
    }
}
