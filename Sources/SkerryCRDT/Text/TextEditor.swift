/// A text within an open change; of no use after it.
public struct TextEditor {
    // Keeps the memory behind `core` alive, so that use after the change is found out and not undefined.
    let document: Document
    let core: UnsafeMutablePointer<DocumentCore>
    let serial: UInt64
    let container: UInt32

    /// Replaces a range by text.
    ///
    /// - Precondition: the bounds lie within the text and between scalars; the change is still open.
    public func replace(_ range: Range<Int>, in unit: TextUnit = .utf8, with text: String) {
        checkOpen()
        let slot = Int(core.pointee.containers.slots[Int(container)])
        var lower = range.lowerBound, upper = range.upperBound
        if unit == .scalars {
            precondition(lower >= 0 && upper <= core.pointee.texts[slot].sequence.count, "\(range) lies outside the text")
        } else {
            guard let first = core.pointee.texts[slot].rope.scalarPosition(of: lower, in: unit),
                let last = lower == upper ? first : core.pointee.texts[slot].rope.scalarPosition(of: upper, in: unit)
            else { preconditionFailure("\(range) lies outside the text or inside a scalar") }
            lower = first
            upper = last
        }
        var text = text
        text.withUTF8 { utf8 in core.pointee.edit(text: container, at: lower, deleting: upper - lower, inserting: utf8) }
    }

    /// Inserts text before a position.
    public func insert(_ text: String, at position: Int, in unit: TextUnit = .utf8) {
        replace(position..<position, in: unit, with: text)
    }

    /// Deletes a range.
    public func delete(_ range: Range<Int>, in unit: TextUnit = .utf8) { replace(range, in: unit, with: "") }

    /// The text as it stands in the change.
    public var string: String {
        checkOpen()
        return core.pointee.texts[Int(core.pointee.containers.slots[Int(container)])].rope.string
    }

    /// Its length.
    public func count(in unit: TextUnit = .utf8) -> Int {
        checkOpen()
        return core.pointee.texts[Int(core.pointee.containers.slots[Int(container)])].rope.total.count(in: unit)
    }

    @inline(__always)
    private func checkOpen() {
        precondition(core.pointee.isChanging && core.pointee.changeSerial == serial, "the change is over")
    }
}
