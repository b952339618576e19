#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Text as lines of bytes. A line ends after its line feed; only the last may lack one. No encoding is assumed and no byte is special but
/// the line feed, so any file is a text and comes out as it went in.
///
/// ```swift
/// let old = TextLines("one\ntwo\n"), new = TextLines("one\n2\n")
/// let diff = old.diff(to: new)
/// String(decoding: UnifiedFormat().render(diff, from: old, to: new), as: UTF8.self)
/// ```
public struct TextLines: Sendable, Hashable {
    /// Everything.
    public let bytes: [UInt8]
    /// Where each line begins, and the end of the last.
    let starts: [Int]

    /// Most lines told apart; what follows counts as part of the last. Numbers of lines stay below 2^31 that way, whatever comes in.
    static var lineMaximum: Int { (1 << 31) - 2 }

    /// - Complexity: O(n) for n bytes, at the speed of `memchr`; 8 bytes of memory a line beside the bytes.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        starts = Self.starts(of: bytes)
    }

    public init(_ text: String) {
        self.init(Array(text.utf8))
    }

    public static func == (left: TextLines, right: TextLines) -> Bool { left.bytes == right.bytes }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    private static func starts(of bytes: [UInt8]) -> [Int] {
        var starts: [Int] = []
        // Lines of source code average about 32 bytes.
        starts.reserveCapacity(bytes.count / 32 + 2)
        starts.append(0)
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var position = 0
            while position < bytes.count, starts.count < lineMaximum, let found = memchr(base + position, 10, bytes.count - position) {
                position = UnsafeRawPointer(found) - base + 1
                starts.append(position)
            }
            if position < bytes.count { starts.append(bytes.count) }
        }
        return starts
    }
}

extension TextLines: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { starts.count - 1 }
    /// A line with its line feed.
    public subscript(index: Int) -> ArraySlice<UInt8> { bytes[starts[index]..<starts[index + 1]] }

    /// The bytes of several lines.
    public func bytes(ofLines lines: Range<Int>) -> ArraySlice<UInt8> { bytes[starts[lines.lowerBound]..<starts[lines.upperBound]] }
}

// MARK: - Comparison

extension TextLines {
    /// What turns this text into `target`, by lines.
    ///
    /// - Complexity: as ``Diff/init(from:to:options:)``, with hashes taken a word at a time.
    public func diff(to target: TextLines, options: DiffOptions = .text) -> Diff {
        let interned = LineInterner.symbols(of: [self, target])
        return Diff(
            symbols: interned.symbols[0], to: interned.symbols[1], symbolCount: interned.count, options: options,
            boundaries: options.placement == .boundaries ? BoundaryScores(source: cutScore, target: target.cutScore) : nil)
    }

    /// How much a cut above a line disturbs a reader: little between paragraphs, much inside a block.
    ///
    /// A line of little indentation after a blank one is a good place to begin; a line that closes a block belongs to what stands before it.
    func cutScore(_ line: Int) -> Int {
        guard line < count else { return 2 }
        guard let indent = indent(line) else {
            // A blank line belongs to what it follows.
            return 4 * Swift.min(nextIndent(after: line), Self.indentMaximum) + 10
        }
        var score = 4 * indent
        let previous = line > 0 ? self.indent(line - 1) : nil
        if previous == nil { score -= 6 }
        if let previous, previous > indent { score += 8 }
        if closesBlock(line) { score += 12 }
        return score
    }

    private static var indentMaximum: Int { 80 }
    /// Blank lines passed over in search of an indentation.
    private static var blankMaximum: Int { 20 }

    /// Columns of leading space, a tab going to the next multiple of 8, at most 80; nil for a blank line.
    private func indent(_ line: Int) -> Int? {
        var columns = 0
        for byte in self[line] {
            switch byte {
            case 0x20: columns += 1
            case 0x09: columns += 8 - columns % 8
            case 0x0A, 0x0D, 0x0B, 0x0C: continue
            default: return columns
            }
            if columns >= Self.indentMaximum { return Self.indentMaximum }
        }
        return nil
    }

    private func nextIndent(after line: Int) -> Int {
        for next in line + 1..<Swift.max(line + 1, Swift.min(count, line + Self.blankMaximum)) {
            if let indent = indent(next) { return indent }
        }
        return 0
    }

    private func closesBlock(_ line: Int) -> Bool {
        guard let first = self[line].first(where: { $0 != 0x20 && $0 != 0x09 }) else { return false }
        return first == UInt8(ascii: "}") || first == UInt8(ascii: ")") || first == UInt8(ascii: "]")
    }
}
