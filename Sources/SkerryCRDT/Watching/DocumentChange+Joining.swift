extension DocumentChange {
    /// Takes in the change that came after this one. Containers stand by themselves, so what happened to one is told together: of a text first every
    /// edit, then its marks, however often the two took turns.
    package mutating func join(_ next: DocumentChange) {
        source = .several
        origins = Set(origins).union(next.origins).sorted()
        for delta in next.deltas { join(delta) }
    }

    private mutating func join(_ next: ContainerDelta) {
        guard let index = deltas.lastIndex(where: { $0.container == next.container }) else { return deltas.append(next) }
        if case .text(let edits) = next.effect, case .marks(let marks) = deltas[index].effect {
            return join(edits, of: next.container, beforeMarksAt: index, marks)
        }
        if !deltas[index].join(next.effect) { deltas.append(next) }
    }

    /// Puts edits that followed marks in front of them: the edits tell of what they deleted as it was marked before, the marks stand on the text after.
    private mutating func join(_ edits: [TextEdit], of container: ContainerPath, beforeMarksAt index: Int, _ marks: [MarkEdit]) {
        var marks = marks
        let edits = edits.map { edit in
            let earlier = edit.beforeMarks(marks)
            marks = marks.flatMap { $0.after(edit) }
            return earlier
        }
        if marks.isEmpty { deltas.remove(at: index) } else { deltas[index].effect = .marks(marks) }
        if let text = deltas[..<index].lastIndex(where: { $0.container == container }), deltas[text].join(.text(edits)) { return }
        deltas.insert(ContainerDelta(container: container, effect: .text(edits)), at: index)
    }
}

extension ContainerDelta {
    /// Takes in what came after it, when that is of its kind.
    fileprivate mutating func join(_ next: Effect) -> Bool {
        switch (effect, next) {
        case (.counter(let left), .counter(let right)): effect = .counter(left &+ right)
        case (.keys(let left), .keys(let right)): effect = .keys(Self.joined(left, right))
        case (.members(let left), .members(let right)): effect = .members(Self.joined(left, right))
        case (.text(let left), .text(let right)): effect = .text(Self.joined(left, right))
        case (.list(let left), .list(let right)): effect = .list(left + right)
        case (.marks(let left), .marks(let right)): effect = .marks(Self.joined(left, right))
        default: return false
        }
        return true
    }

    private static func joined(_ left: [KeyEdit], _ right: [KeyEdit]) -> [KeyEdit] {
        var result = left
        var indices = Dictionary(left.indices.map { (left[$0].key, $0) }, uniquingKeysWith: { $1 })
        for edit in right {
            if let index = indices[edit.key] {
                result[index].after = edit.after
            } else {
                indices[edit.key] = result.count
                result.append(edit)
            }
        }
        return result.filter { $0.before != $0.after }
    }

    private static func joined(_ left: [MemberEdit], _ right: [MemberEdit]) -> [MemberEdit] {
        // A member only ever comes when it is out and goes when it is in, so the next edit of it takes the last one back.
        var result = left
        for edit in right {
            if let index = result.lastIndex(where: { $0.member == edit.member }) { result.remove(at: index) } else { result.append(edit) }
        }
        return result
    }

    private static func joined(_ left: [TextEdit], _ right: [TextEdit]) -> [TextEdit] {
        var result = left
        for edit in right {
            if let last = result.last, let joined = last.joined(with: edit) {
                result[result.count - 1] = joined
            } else {
                result.append(edit)
            }
        }
        return result
    }

    private static func joined(_ left: [MarkEdit], _ right: [MarkEdit]) -> [MarkEdit] {
        var result = left
        for edit in right {
            // Kinds do not touch each other, so an edit may join one of its kind past those of others.
            if let index = result.lastIndex(where: { $0.key == edit.key }), let joined = result[index].joined(with: edit) {
                if joined.before == joined.after { result.remove(at: index) } else { result[index] = joined }
            } else {
                result.append(edit)
            }
        }
        return result
    }
}

extension TextEdit {
    /// This edit and the next as one, where typing or deleting went on; nil when they are two.
    fileprivate func joined(with next: TextEdit) -> TextEdit? {
        guard deletedRuns.isEmpty, insertedRuns.isEmpty, next.deletedRuns.isEmpty, next.insertedRuns.isEmpty else { return nil }
        if next.deleted.isEmpty, next.position.scalars == position.scalars + inserted.unicodeScalars.count {
            return TextEdit(position: position, deleted: deleted, inserted: inserted + next.inserted)
        }
        if inserted.isEmpty, next.position.scalars == position.scalars {
            return TextEdit(position: position, deleted: deleted + next.deleted, inserted: next.inserted)
        }
        if inserted.isEmpty, next.position.scalars + next.deleted.unicodeScalars.count == position.scalars {
            return TextEdit(position: next.position, deleted: next.deleted + deleted, inserted: next.inserted)
        }
        return nil
    }

    /// The edit as it is told when it comes before marks that it came after: what it deleted was marked otherwise then.
    fileprivate func beforeMarks(_ marks: [MarkEdit]) -> TextEdit {
        let deleted = Array(deleted.unicodeScalars)
        let range = position.scalars..<position.scalars + deleted.count
        guard marks.contains(where: { $0.start.scalars < range.upperBound && $0.end.scalars > range.lowerBound }) else { return self }
        let runs = deletedRuns.isEmpty ? [TextRun(self.deleted)] : deletedRuns
        var kinds = runs.flatMap { run in repeatElement(run.marks, count: run.string.unicodeScalars.count) }
        for mark in marks.reversed() {
            let covered =
                max(
                    mark.start.scalars, range.lowerBound)..<max(
                    mark.start.scalars, range.lowerBound, min(mark.end.scalars, range.upperBound))
            for place in covered { kinds[place - range.lowerBound][mark.key] = mark.before }
        }
        var edit = self
        edit.deletedRuns = []
        if kinds.contains(where: { !$0.isEmpty }) {
            for (scalar, marks) in zip(deleted, kinds) {
                if edit.deletedRuns.last?.marks == marks {
                    edit.deletedRuns[edit.deletedRuns.count - 1].string.unicodeScalars.append(scalar)
                } else {
                    edit.deletedRuns.append(TextRun(String(String.UnicodeScalarView([scalar])), marks))
                }
            }
        }
        return edit
    }
}

extension MarkEdit {
    /// This edit and the next of its kind as one; nil when they are two.
    fileprivate func joined(with next: MarkEdit) -> MarkEdit? {
        var result = self
        if next.start == start, next.end == end, next.before == after {
            result.after = next.after
        } else if next.before != before || next.after != after {
            return nil
        } else if next.start == end {
            result.end = next.end
        } else if next.end == start {
            result.start = next.start
        } else {
            return nil
        }
        return result
    }

    /// The edit on the text after another edit: what is left of its stretch, which text inserted in its middle is no part of.
    fileprivate func after(_ edit: TextEdit) -> [MarkEdit] {
        if isDefective(.joinedMarksStay) { return [self] }
        let gone = TextPosition(length: edit.deleted), come = TextPosition(length: edit.inserted)
        let place = edit.position, end = place + gone
        func moved(_ position: TextPosition) -> TextPosition {
            if position.scalars <= place.scalars { return position }
            return position.scalars < end.scalars ? place : position - gone
        }
        var kept = self
        (kept.start, kept.end) = (moved(start), moved(self.end))
        if kept.start == kept.end { return [] }
        if kept.end.scalars <= place.scalars { return [kept] }
        if kept.start.scalars >= place.scalars {
            (kept.start, kept.end) = (kept.start + come, kept.end + come)
            return [kept]
        }
        if edit.inserted.isEmpty { return [kept] }
        var rest = kept
        kept.end = place
        (rest.start, rest.end) = (place + come, rest.end + come)
        return [kept, rest]
    }
}

extension TextPosition {
    fileprivate init(length string: String) {
        self.init(utf8: string.utf8.count, scalars: string.unicodeScalars.count, utf16: string.utf16.count)
    }

    fileprivate static func + (left: TextPosition, right: TextPosition) -> TextPosition {
        TextPosition(utf8: left.utf8 + right.utf8, scalars: left.scalars + right.scalars, utf16: left.utf16 + right.utf16)
    }

    fileprivate static func - (left: TextPosition, right: TextPosition) -> TextPosition {
        TextPosition(utf8: left.utf8 - right.utf8, scalars: left.scalars - right.scalars, utf16: left.utf16 - right.utf16)
    }
}
