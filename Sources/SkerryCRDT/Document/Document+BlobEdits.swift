internal import SkerryMerge

/// The replacements that turn one text into another: lines first, and inside changed lines words.
///
/// Edits fall between scalars, and stand in order. What is shared between two edits of one change but shorter than both of them is taken to be
/// chance (a blank, a comma) and becomes part of one replacement, so that concurrent writers do not find words woven into each other.
struct BlobEdits {
    struct Edit: Sendable, Hashable {
        /// Bytes taken out of the old text.
        var source: Range<Int>
        /// Bytes of the new text that stand there instead.
        var target: Range<Int>
    }

    /// A change with a larger side than this is one replacement, after its common ends: 256 KiB.
    static let refinementMaximum = 1 << 18
    /// Words on both sides up to which the fewest edits are looked for.
    private static let minimalMaximum = 1 << 14

    private let source: [UInt8]
    private let target: [UInt8]
    private(set) var edits: [Edit] = []

    /// - Parameters: valid UTF-8.
    init(from source: [UInt8], to target: [UInt8]) {
        self.source = source
        self.target = target
        guard source != target else { return }
        let old = TextLines(source), new = TextLines(target)
        for hunk in old.diff(to: new).hunks {
            let before = old.bytes(ofLines: hunk.source), after = new.bytes(ofLines: hunk.target)
            refine(Edit(source: before.startIndex..<before.endIndex, target: after.startIndex..<after.endIndex))
        }
    }

    private mutating func refine(_ edit: Edit) {
        let edit = trimmed(edit)
        guard !edit.source.isEmpty, !edit.target.isEmpty, max(edit.source.count, edit.target.count) <= Self.refinementMaximum else {
            if !(edit.source.isEmpty && edit.target.isEmpty) { edits.append(edit) }
            return
        }
        let first = edits.count
        let before = WordTokens.tokens(of: source[edit.source]), after = WordTokens.tokens(of: target[edit.target])
        let isSmall = before.count + after.count <= Self.minimalMaximum
        let words = Diff(from: before, to: after, options: DiffOptions(algorithm: isSmall ? .myers : .histogram, placement: .last))
        for hunk in words.hunks {
            append(
                Edit(
                    source: Self.bytes(of: hunk.source, in: before, end: edit.source.upperBound),
                    target: Self.bytes(of: hunk.target, in: after, end: edit.target.upperBound)), notBefore: first)
        }
        for index in first..<edits.count { edits[index] = trimmed(edits[index]) }
    }

    private static func bytes(of words: Range<Int>, in tokens: [ArraySlice<UInt8>], end: Int) -> Range<Int> {
        let place = { (index: Int) in index < tokens.count ? tokens[index].startIndex : end }
        return place(words.lowerBound)..<place(words.upperBound)
    }

    /// Adds an edit, joined with those before it that little parts from it.
    private mutating func append(_ edit: Edit, notBefore first: Int) {
        var edit = edit
        while edits.count > first, let last = edits.last {
            let shared = edit.source.lowerBound - last.source.upperBound
            let least = min(max(last.source.count, last.target.count), max(edit.source.count, edit.target.count))
            guard shared < least else { break }
            edits.removeLast()
            edit = Edit(
                source: last.source.lowerBound..<edit.source.upperBound, target: last.target.lowerBound..<edit.target.upperBound)
        }
        edits.append(edit)
    }

    /// Without the scalars that both sides begin and end with.
    private func trimmed(_ edit: Edit) -> Edit {
        var source = edit.source, target = edit.target
        while !source.isEmpty, !target.isEmpty, self.source[source.lowerBound] == self.target[target.lowerBound] {
            source = source.dropFirst()
            target = target.dropFirst()
        }
        // Back to where a scalar begins: what was passed is the same on both sides.
        while source.lowerBound > edit.source.lowerBound, isInsideScalar(source.lowerBound, target.lowerBound) {
            source = source.lowerBound - 1..<source.upperBound
            target = target.lowerBound - 1..<target.upperBound
        }
        let ends = (source.upperBound, target.upperBound)
        while !source.isEmpty, !target.isEmpty, self.source[source.upperBound - 1] == self.target[target.upperBound - 1] {
            source = source.dropLast()
            target = target.dropLast()
        }
        while source.upperBound < ends.0, isInsideScalar(source.upperBound, target.upperBound) {
            source = source.lowerBound..<source.upperBound + 1
            target = target.lowerBound..<target.upperBound + 1
        }
        return Edit(source: source, target: target)
    }

    private func isInsideScalar(_ sourceIndex: Int, _ targetIndex: Int) -> Bool {
        (sourceIndex < source.count && source[sourceIndex] & 0xC0 == 0x80)
            || (targetIndex < target.count && target[targetIndex] & 0xC0 == 0x80)
    }
}
