extension DocumentChange {
    /// Takes in the change that came after this one. Containers stand by themselves, so what happened to one is told together.
    mutating func join(_ next: DocumentChange) {
        source = .several
        for delta in next.deltas {
            if let index = deltas.lastIndex(where: { $0.container == delta.container }), deltas[index].join(delta.effect) { continue }
            deltas.append(delta)
        }
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
        case (.marks(let left), .marks(let right)): effect = .marks(left + right)
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
        // A member only ever comes when it is out and goes when it is in, so a second edit takes the first back.
        var result = left
        for edit in right {
            if let index = result.firstIndex(where: { $0.member == edit.member }) { result.remove(at: index) } else { result.append(edit) }
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
}
