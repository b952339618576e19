import Synchronization
import SkerryCRDT

/// A document's state rebuilt from its notices alone: from each as it comes, or from several told together.
final class Mirror: Sendable {
    private let state = Mutex(MirrorState())
    private let document: Document
    private let observation = Mutex<Observation?>(nil)
    /// What came and is not in the state, as one; only when told together.
    private let waiting = Mutex<DocumentChange?>(nil)

    /// - Parameter isLate: true for one that is told what came since the last check as one change, as a reader is that fell behind.
    init(_ document: Document, isLate: Bool = false) {
        self.document = document
        let made = document.observe { [weak self] change in
            guard let self else { return }
            if !isLate { return state.withLock { $0.apply(change) } }
            waiting.withLock { waiting in if waiting == nil { waiting = change } else { waiting!.join(change) } }
        }
        observation.withLock { $0 = made }
    }

    /// Compares what was touched since the last check with what the document says.
    func check() throws {
        let change = waiting.withLock { $0.take() }
        try state.withLock { state in
            if let change { state.apply(change) }
            if let failure = state.failure { throw CheckFailure("a notice that does not fit: \(failure)") }
            for path in state.touched { try state.compare(path, document) }
            state.touched.removeAll(keepingCapacity: true)
        }
    }
}

/// What notices lead to.
struct MirrorState {
    /// Scalars, and beside each its marks.
    struct Text {
        var scalars: [Unicode.Scalar] = []
        var marks: [[String: DocumentValue]] = []

        var runs: [TextRun] {
            var runs: [TextRun] = []
            var string = String.UnicodeScalarView()
            for (index, scalar) in scalars.enumerated() {
                if index > 0, marks[index] != marks[index - 1] {
                    runs.append(TextRun(String(string), marks[index - 1]))
                    string = String.UnicodeScalarView()
                }
                string.append(scalar)
            }
            if !string.isEmpty { runs.append(TextRun(String(string), marks[marks.count - 1])) }
            return runs
        }

        /// A position is the same place in every unit.
        func has(_ position: TextPosition) -> Bool {
            guard position.scalars <= scalars.count else { return false }
            var utf8 = 0, utf16 = 0
            for scalar in scalars[..<position.scalars] {
                utf8 += UTF8.width(scalar)
                utf16 += UTF16.width(scalar)
            }
            return utf8 == position.utf8 && utf16 == position.utf16
        }
    }

    private var texts: [ContainerPath: Text] = [:]
    private var lists: [ContainerPath: [DocumentValue]] = [:]
    private var keys: [ContainerPath: [String: DocumentValue]] = [:]
    private var counters: [ContainerPath: Int64] = [:]
    private var sets: [ContainerPath: Set<DocumentValue>] = [:]
    var touched: Set<ContainerPath> = []
    private(set) var failure: String?

    init() {}

    /// What changes that were told lead to.
    init(_ changes: [DocumentChange]) { for change in changes { apply(change) } }

    mutating func apply(_ change: DocumentChange) { for delta in change.deltas { apply(delta) } }

    mutating func apply(_ delta: ContainerDelta) {
        touched.insert(delta.container)
        switch delta.effect {
        case .text(let edits): for edit in edits { apply(edit, to: delta.container) }
        case .marks(let edits): for edit in edits { apply(edit, to: delta.container) }
        case .list(let edits):
            for edit in edits {
                let range = edit.index..<edit.index + edit.deleted.count
                guard range.upperBound <= lists[delta.container, default: []].count,
                    lists[delta.container, default: []][range].elementsEqual(edit.deleted)
                else { return failure = "\(edit)" }
                lists[delta.container, default: []].replaceSubrange(range, with: edit.inserted)
            }
        case .keys(let edits):
            for edit in edits {
                if keys[delta.container]?[edit.key] != edit.before { failure = "\(edit)" }
                keys[delta.container, default: [:]][edit.key] = edit.after
            }
        case .counter(let amount): counters[delta.container, default: 0] &+= amount
        case .members(let edits):
            for edit in edits {
                if edit.isMember {
                    sets[delta.container, default: []].insert(edit.member)
                } else {
                    sets[delta.container]?.remove(edit.member)
                }
            }
        }
    }

    private mutating func apply(_ edit: TextEdit, to path: ContainerPath) {
        // Taken out, so that it is changed in place.
        var text = texts.removeValue(forKey: path) ?? Text()
        defer { texts[path] = text }
        let start = edit.position.scalars, end = start + edit.deleted.unicodeScalars.count
        guard text.has(edit.position), end <= text.scalars.count, text.scalars[start..<end].elementsEqual(edit.deleted.unicodeScalars)
        else { return failure = "\(edit)" }
        // What was marked of it is told, the rest is told to have no marks by saying nothing.
        let gone = Text(scalars: Array(text.scalars[start..<end]), marks: Array(text.marks[start..<end]))
        let runs = gone.marks.contains { !$0.isEmpty } ? gone.runs : []
        if runs != edit.deletedRuns { failure = "\(edit) of \(runs)" }
        let inserted = edit.insertedRuns.isEmpty ? [TextRun(edit.inserted)] : edit.insertedRuns
        if !inserted.map(\.string).joined().utf8.elementsEqual(edit.inserted.utf8) { failure = "\(edit)" }
        text.scalars.replaceSubrange(start..<end, with: edit.inserted.unicodeScalars)
        text.marks.replaceSubrange(
            start..<end, with: inserted.flatMap { repeatElement($0.marks, count: $0.string.unicodeScalars.count) })
    }

    private mutating func apply(_ edit: MarkEdit, to path: ContainerPath) {
        var text = texts.removeValue(forKey: path) ?? Text()
        defer { texts[path] = text }
        guard text.has(edit.start), text.has(edit.end), edit.start.scalars < edit.end.scalars else { return failure = "\(edit)" }
        for position in edit.start.scalars..<edit.end.scalars {
            if text.marks[position][edit.key] != edit.before { failure = "\(edit)" }
            text.marks[position][edit.key] = edit.after
        }
    }

    /// Compares a container with what the document says.
    func compare(_ path: ContainerPath, _ document: Document) throws {
        let isSame =
            switch path.steps.last!.kind {
            case .text: document.text(at: path)!.runs.isSame(as: texts[path, default: Text()].runs)
            case .list: document.list(at: path)!.values == lists[path, default: []]
            case .counter: document.counter(at: path)!.value == counters[path, default: 0]
            case .set: document.set(at: path)!.members == sets[path, default: []]
            case .register: document.register(at: path)!.value == keys[path]?[""]
            case .map:
                document.map(at: path)!.keys.allSatisfy { document.map(at: path)![$0] == keys[path]?[$0] }
                    && document.map(at: path)!.keys.count == keys[path, default: [:]].count
            }
        try require(isSame, "the notices of \(path) lead elsewhere")
    }
}

extension [TextRun] {
    /// Compared by scalars: strings that only look alike are two.
    func isSame(as other: [TextRun]) -> Bool {
        elementsEqual(other) { $0.string.utf8.elementsEqual($1.string.utf8) && $0.marks == $1.marks }
    }
}
