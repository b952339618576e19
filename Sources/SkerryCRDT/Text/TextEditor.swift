/// A text within an open change; of no use after it.
public struct TextEditor {
    let editor: ContainerEditor

    /// Replaces a range by text.
    ///
    /// - Precondition: the bounds lie within the text and between scalars; the change is still open.
    public func replace(_ range: Range<Int>, in unit: TextUnit = .utf8, with text: String) {
        let slot = editor.open()
        let scalars = editor.core.pointee.texts[slot].scalars(range, in: unit)
        var text = text
        let isMarked = !editor.core.pointee.texts[slot].marks.isEmpty
        text.withUTF8 { utf8 in
            if isMarked {
                return editor.core.pointee.editMarked(
                    text: editor.container, at: scalars.lowerBound, deleting: scalars.count, inserting: utf8)
            }
            editor.core.pointee.edit(text: editor.container, at: scalars.lowerBound, deleting: scalars.count, inserting: utf8)
        }
    }

    /// Inserts text before a position.
    public func insert(_ text: String, at position: Int, in unit: TextUnit = .utf8) {
        replace(position..<position, in: unit, with: text)
    }

    /// Deletes a range.
    public func delete(_ range: Range<Int>, in unit: TextUnit = .utf8) { replace(range, in: unit, with: "") }

    /// The text as it stands in the change.
    public var string: String { editor.core.pointee.texts[editor.open()].rope.string }

    /// Its length.
    public func count(in unit: TextUnit = .utf8) -> Int { editor.core.pointee.texts[editor.open()].rope.total.count(in: unit) }
}

extension TextState {
    /// A range in scalars.
    ///
    /// - Precondition: the bounds lie within the text and between scalars.
    @inline(__always)
    mutating func scalars(_ range: Range<Int>, in unit: TextUnit) -> Range<Int> {
        if unit == .scalars {
            precondition(range.lowerBound >= 0 && range.upperBound <= sequence.count, "\(range) lies outside the text")
            return range
        }
        guard let lower = rope.scalarPosition(of: range.lowerBound, in: unit),
            let upper = range.isEmpty ? lower : rope.scalarPosition(of: range.upperBound, in: unit)
        else { preconditionFailure("\(range) lies outside the text or inside a scalar") }
        return lower..<upper
    }
}
