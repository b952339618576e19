extension TextEditor {
    /// Marks a range: every character of it, and what others insert in its middle, has the mark until another one replaces it.
    ///
    /// Concurrent marks of one kind on the same character settle on the larger (stamp, origin); kinds do not touch each other, so marks that may
    /// stand side by side, like comments, take a kind each: `"comment:7"`.
    ///
    /// The first mark of a text gives names to its characters, O(n log n) in its history; a text without marks never does.
    ///
    /// - Parameters:
    ///   - key: the kind of mark.
    ///   - value: anything but a container.
    ///   - expansion: where text typed at an edge takes the mark on.
    /// - Precondition: the bounds lie within the text and between scalars; the change is still open.
    public func mark(
        _ range: Range<Int>, in unit: TextUnit = .utf8, _ key: String, _ value: DocumentValue = true, expansion: MarkExpansion
    ) {
        if case .container = value { preconditionFailure("a mark cannot hold a container") }
        write(range, in: unit, key, value, expansion)
    }

    /// Marks a range by the rule of the kind, see ``Document/setExpansion(_:ofMark:)``.
    public func mark(_ range: Range<Int>, in unit: TextUnit = .utf8, _ key: String, _ value: DocumentValue = true) {
        mark(range, in: unit, key, value, expansion: editor.core.pointee.expansion(of: key))
    }

    /// Takes the marks of a kind off a range.
    ///
    /// - Parameter expansion: the rule of the marks that go, see ``mark(_:in:_:_:expansion:)``.
    /// - Precondition: as there.
    public func unmark(_ range: Range<Int>, in unit: TextUnit = .utf8, _ key: String, expansion: MarkExpansion) {
        write(range, in: unit, key, nil, expansion.removal)
    }

    /// Takes the marks of a kind off a range by the rule of the kind.
    public func unmark(_ range: Range<Int>, in unit: TextUnit = .utf8, _ key: String) {
        unmark(range, in: unit, key, expansion: editor.core.pointee.expansion(of: key))
    }

    private func write(_ range: Range<Int>, in unit: TextUnit, _ key: String, _ value: DocumentValue?, _ expansion: MarkExpansion) {
        precondition(key.utf8.count <= UpdateDecoder.keyMaximum, "a kind of mark has at most \(UpdateDecoder.keyMaximum) bytes")
        let slot = editor.open()
        let scalars = editor.core.pointee.texts[slot].scalars(range, in: unit)
        editor.core.pointee.mark(text: editor.container, scalars, key, value, expansion: expansion)
    }

    /// The text as it stands in the change, in runs with the same marks.
    public var runs: [TextRun] {
        let slot = editor.open()
        return editor.core.pointee.runs(of: slot, in: 0..<editor.core.pointee.texts[slot].sequence.count)
    }

    /// A range of the text as it stands in the change, in runs with the same marks.
    ///
    /// - Precondition: the bounds lie within the text and between scalars.
    public func runs(in range: Range<Int>, in unit: TextUnit = .utf8) -> [TextRun] {
        let slot = editor.open()
        let scalars = editor.core.pointee.texts[slot].scalars(range, in: unit)
        return editor.core.pointee.runs(of: slot, in: scalars)
    }
}

extension TextView {
    /// What it says now, in runs of characters with the same marks. O(n + m log m) in the text and its marks.
    public var runs: [TextRun] { view.read([]) { core, slot in core.runs(of: slot, in: 0..<core.texts[slot].sequence.count) } }

    /// A range, in runs of characters with the same marks.
    ///
    /// - Precondition: the bounds lie within the text and between scalars.
    public func runs(in range: Range<Int>, in unit: TextUnit = .utf8) -> [TextRun] {
        view.read([]) { core, slot in
            let scalars = core.texts[slot].scalars(range, in: unit)
            return core.runs(of: slot, in: scalars)
        }
    }

    /// What the character behind a position is marked with; nothing at the end of the text.
    ///
    /// - Precondition: the position lies within the text and between scalars.
    public func marks(at position: Int, in unit: TextUnit = .utf8) -> [String: DocumentValue] {
        view.read([:]) { core, slot in
            let start = core.texts[slot].scalars(position..<position, in: unit).lowerBound
            if start == core.texts[slot].sequence.count { return [:] }
            return core.stretches(of: slot, in: start..<start + 1).first?.marks ?? [:]
        }
    }
}

extension Document {
    /// Says how marks of a kind grow that are made here from now on, `after` for kinds that nothing was said of. A mark keeps the rule it was made with.
    public func setExpansion(_ expansion: MarkExpansion, ofMark key: String) { withCore { $0.expansions[key] = expansion } }
}
