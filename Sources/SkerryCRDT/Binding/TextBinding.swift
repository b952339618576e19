internal import SkerryMerge
import Synchronization

/// Keeps a text field and a text of a document the same, in both directions, with the selection where the user left it.
///
/// The field tells it what the user did, as a string and a selection; it writes the difference. The document's changes come back as a string, edits
/// and the selection moved along. It never shows the field what the field has already.
public final class TextBinding: Sendable {
    /// What the field is to show.
    public struct Update: Sendable, Hashable {
        public var string: String
        /// In the binding's unit.
        public var selection: Range<Int>
        /// What leads there from what the field shows, in order; empty when the field's own edit met others on its way, then only the string holds.
        public var edits: [TextEdit]
    }

    private struct State {
        /// What the notices up to now say.
        var told: String
        /// What the field shows.
        var shown: String
        var selection: Range<Int> = 0..<0
        /// Own changes whose notice has not come.
        var own: Set<UInt64> = []
        var edits: [TextEdit] = []
    }

    public let text: TextView
    public let unit: TextUnit
    private let state: Mutex<State>
    private let show: @Sendable (Update) -> Void
    private let observation = Mutex<Observation?>(nil)

    /// - Parameters:
    ///   - unit: what the field counts selections in.
    ///   - show: called with what changed in the document, on the thread that changed it, outside the document's lock. Not called for what the field
    ///     says itself, nor for what is there at first: ``string``.
    public init(_ text: TextView, unit: TextUnit = .utf16, show: @escaping @Sendable (Update) -> Void) {
        self.text = text
        self.unit = unit
        self.show = show
        state = Mutex(State(told: "", shown: ""))
        let made = text.view.document.observeNumbered(
            reading: { core in
                let string = core.existingContainer(text.view.path).map { core.texts[core.containers.slot(of: $0)].rope.string } ?? ""
                // Under the document's lock, so that it is there before the first notice comes, on whatever thread.
                state.withLock { $0 = State(told: string, shown: string) }
            }
        ) { [weak self] number, change in self?.follow(number, change) }.observation
        observation.withLock { $0 = made }
    }

    /// What the field shows.
    public var string: String { state.withLock { $0.shown } }
    public var selection: Range<Int> { state.withLock { $0.selection } }

    /// Ends it.
    public func cancel() { observation.withLock { $0?.cancel() } }

    /// Notes where the user put the selection.
    public func select(_ selection: Range<Int>) { state.withLock { $0.selection = selection } }

    /// Writes what the user did to the field, as one change.
    ///
    /// - Parameter selection: the selection after it, in the binding's unit.
    public func edited(to string: String, selection: Range<Int>) {
        text.view.document.change { change in
            let editor = change.editor(at: text.view.path)
            let before = state.withLock { state -> String in
                defer {
                    state.shown = string
                    state.selection = selection
                }
                return state.shown
            }
            let events = change.core.pointee.graph.count
            TextEditor(editor: editor).update(from: before, to: string)
            if change.core.pointee.graph.count > events {
                state.withLock { state in _ = state.own.insert(change.core.pointee.published + 1) }
            }
        }
    }

    private func follow(_ number: UInt64, _ change: DocumentChange) {
        let update = state.withLock { state -> Update? in
            let isOwn = state.own.remove(number) != nil
            let wasSame = state.told.utf8.elementsEqual(state.shown.utf8)
            var edits: [TextEdit] = []
            for delta in change.deltas where delta.container == text.view.path {
                if case .text(let more) = delta.effect { edits += more }
            }
            if edits.isEmpty { return nil }
            state.told = edits.reduce(state.told) { $1.applied(to: $0) }
            // While an own edit is under way, what others did cannot be put into the field's string yet.
            if !state.own.isEmpty || state.told.utf8.elementsEqual(state.shown.utf8) { return nil }
            if wasSame, !isOwn {
                state.selection = edits.reduce(state.selection) { $1.moving($0, in: unit) }
            } else {
                state.selection = Self.move(state.selection, from: state.shown, to: state.told, in: unit)
                edits = []
            }
            state.shown = state.told
            return Update(string: state.shown, selection: state.selection, edits: edits)
        }
        if let update { show(update) }
    }

    /// Moves a selection along by comparing two texts.
    private static func move(_ selection: Range<Int>, from old: String, to new: String, in unit: TextUnit) -> Range<Int> {
        let from = old.scalarPosition(of: selection.lowerBound, in: unit), to = old.scalarPosition(of: selection.upperBound, in: unit)
        let diff = Diff(from: Array(old.unicodeScalars), to: Array(new.unicodeScalars), options: DiffOptions(algorithm: .myers))
        let lower = new.position(ofScalar: diff.moved(from), in: unit), upper = new.position(ofScalar: diff.moved(to), in: unit)
        return lower..<max(lower, upper)
    }
}

extension Diff {
    /// Where a place is on the other side; inside a stretch that differs, where that begins.
    func moved(_ place: Int) -> Int {
        var shift = 0
        for hunk in hunks {
            if place <= hunk.source.lowerBound { break }
            if place < hunk.source.upperBound { return hunk.target.lowerBound }
            shift = hunk.target.upperBound - hunk.source.upperBound
        }
        return place + shift
    }
}

extension TextEdit {
    /// The text after the edit.
    func applied(to string: String) -> String {
        var scalars = Array(string.unicodeScalars)
        let start = position.scalars
        scalars.replaceSubrange(start..<start + deleted.unicodeScalars.count, with: inserted.unicodeScalars)
        return String(String.UnicodeScalarView(scalars))
    }

    /// A selection after the edit. A bound where text is inserted stays in front of it.
    func moving(_ selection: Range<Int>, in unit: TextUnit) -> Range<Int> {
        let start = position.count(in: unit), gone = deleted.count(in: unit), come = inserted.count(in: unit)
        func moved(_ bound: Int) -> Int {
            if bound <= start { return bound }
            return bound < start + gone ? start : bound - gone + come
        }
        return moved(selection.lowerBound)..<moved(selection.upperBound)
    }
}

extension TextPosition {
    /// The position in one unit.
    public func count(in unit: TextUnit) -> Int {
        switch unit {
        case .utf8: utf8
        case .scalars: scalars
        case .utf16: utf16
        }
    }
}

extension String {
    fileprivate func count(in unit: TextUnit) -> Int {
        switch unit {
        case .utf8: utf8.count
        case .scalars: unicodeScalars.count
        case .utf16: utf16.count
        }
    }

    /// How many scalars lie before a position, which may lie beyond the end.
    fileprivate func scalarPosition(of position: Int, in unit: TextUnit) -> Int {
        var left = position, scalars = 0
        for scalar in unicodeScalars {
            if left <= 0 { break }
            left -= String(scalar).count(in: unit)
            scalars += 1
        }
        return scalars
    }

    fileprivate func position(ofScalar scalar: Int, in unit: TextUnit) -> Int {
        String(String.UnicodeScalarView(unicodeScalars.prefix(scalar))).count(in: unit)
    }
}

extension TextEditor {
    /// Makes the edits here that lead from one text to another, wherever what they touch is now.
    func update(from before: String, to after: String) {
        let now = string
        if now.utf8.elementsEqual(before.utf8) { return update(to: after) }
        let old = Array(before.unicodeScalars), new = Array(after.unicodeScalars)
        let own = Diff(from: old, to: new, options: DiffOptions(algorithm: .myers))
        let others = Diff(from: old, to: Array(now.unicodeScalars), options: DiffOptions(algorithm: .myers))
        for hunk in own.hunks.reversed() {
            let start = others.moved(hunk.source.lowerBound)
            let end = hunk.source.isEmpty ? start : max(start, others.moved(hunk.source.upperBound))
            replace(start..<end, in: .scalars, with: String(String.UnicodeScalarView(new[hunk.target])))
        }
    }
}

extension Change {
    /// The container at a path, made when it is not there.
    func editor(at path: ContainerPath) -> ContainerEditor {
        var editor = container(path.steps[0].key, path.steps[0].kind)
        for step in path.steps.dropFirst() { editor = editor.child(step.key, step.kind) }
        return editor
    }
}
