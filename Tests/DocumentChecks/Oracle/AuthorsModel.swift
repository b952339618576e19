/// A text of several authors as a plain set: which of its characters show, no two of which are alike, and what each change showed and hid.
struct AuthorsModel {
    struct Step {
        var author: String?
        var shown: [Unicode.Scalar]
        var hidden: [Unicode.Scalar]
    }

    private(set) var showing: Set<Unicode.Scalar> = []
    private var undoable: [Step] = []
    private var redoable: [Step] = []

    /// A change: nobody's step when it is another replica's.
    mutating func replace(_ deleted: [Unicode.Scalar], with inserted: [Unicode.Scalar], by author: String?, isOwn: Bool) {
        showing.subtract(deleted)
        showing.formUnion(inserted)
        guard isOwn, !inserted.isEmpty || !deleted.isEmpty else { return }
        undoable.append(Step(author: author, shown: inserted, hidden: deleted))
        redoable.removeAll { $0.author == author }
    }

    mutating func undo(by author: String?) -> Bool {
        guard let step = Self.take(&undoable, by: author) else { return false }
        redoable.append(revert(step))
        return true
    }

    mutating func redo(by author: String?) -> Bool {
        guard let step = Self.take(&redoable, by: author) else { return false }
        undoable.append(revert(step))
        return true
    }

    private static func take(_ steps: inout [Step], by author: String?) -> Step? {
        guard let index = author == nil ? steps.indices.last : steps.lastIndex(where: { $0.author == author }) else { return nil }
        return steps.remove(at: index)
    }

    /// Hides what still shows of what a step showed, and the other way round: that is the step back.
    private mutating func revert(_ step: Step) -> Step {
        let back = Step(
            author: step.author, shown: step.hidden.filter { !showing.contains($0) }, hidden: step.shown.filter { showing.contains($0) })
        showing.subtract(back.hidden)
        showing.formUnion(back.shown)
        return back
    }
}
