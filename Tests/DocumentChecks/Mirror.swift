import Synchronization
import SkerryCRDT

/// A document's state rebuilt from its notices alone.
final class Mirror: Sendable {
    private struct State {
        var texts: [ContainerPath: [UInt8]] = [:]
        var lists: [ContainerPath: [DocumentValue]] = [:]
        var keys: [ContainerPath: [String: DocumentValue]] = [:]
        var counters: [ContainerPath: Int64] = [:]
        var sets: [ContainerPath: Set<DocumentValue>] = [:]
        var touched: Set<ContainerPath> = []
        var failure: String?
    }

    private let state = Mutex(State())
    private let document: Document
    private let observation = Mutex<Observation?>(nil)

    init(_ document: Document) {
        self.document = document
        let made = document.observe { [weak self] change in
            guard let self else { return }
            state.withLock { state in for delta in change.deltas { Mirror.apply(delta, to: &state) } }
        }
        observation.withLock { $0 = made }
    }

    private static func apply(_ delta: ContainerDelta, to state: inout State) {
        state.touched.insert(delta.container)
        switch delta.effect {
        case .text(let edits):
            for edit in edits {
                let start = edit.position.utf8, end = start + edit.deleted.utf8.count
                guard end <= state.texts[delta.container, default: []].count,
                    state.texts[delta.container, default: []][start..<end].elementsEqual(edit.deleted.utf8)
                else { return state.failure = "\(edit)" }
                state.texts[delta.container, default: []].replaceSubrange(start..<end, with: edit.inserted.utf8)
            }
        case .list(let edits):
            for edit in edits {
                let range = edit.index..<edit.index + edit.deleted.count
                guard range.upperBound <= state.lists[delta.container, default: []].count,
                    state.lists[delta.container, default: []][range].elementsEqual(edit.deleted)
                else { return state.failure = "\(edit)" }
                state.lists[delta.container, default: []].replaceSubrange(range, with: edit.inserted)
            }
        case .keys(let edits):
            for edit in edits {
                if state.keys[delta.container]?[edit.key] != edit.before { state.failure = "\(edit)" }
                state.keys[delta.container, default: [:]][edit.key] = edit.after
            }
        case .counter(let amount): state.counters[delta.container, default: 0] &+= amount
        case .members(let edits):
            for edit in edits {
                if edit.isMember {
                    state.sets[delta.container, default: []].insert(edit.member)
                } else {
                    state.sets[delta.container]?.remove(edit.member)
                }
            }
        // Nobody marks text here; marks have a model of their own.
        case .marks: break
        }
    }

    /// Compares what was touched since the last check with what the document says.
    func check() throws {
        try state.withLock { state in
            if let failure = state.failure { throw CheckFailure("a notice that does not fit: \(failure)") }
            for path in state.touched { try Mirror.compare(path, state, document) }
            state.touched.removeAll(keepingCapacity: true)
        }
    }

    private static func compare(_ path: ContainerPath, _ state: State, _ document: Document) throws {
        let isNested = path.steps.count > 1
        let nested = document.map("m").map("n")
        let isSame =
            switch path.steps.last!.kind {
            case .text:
                (isNested ? nested.text("t") : document.text("t")).string.utf8.elementsEqual(state.texts[path, default: []])
            case .list: (isNested ? nested.list("l") : document.list("l")).values == state.lists[path, default: []]
            case .counter: (isNested ? nested.counter("c") : document.counter("c")).value == state.counters[path, default: 0]
            case .set: (isNested ? nested.set("s") : document.set("s")).members == state.sets[path, default: []]
            case .register: (isNested ? nested.register(of: "r") : document.register("r")).value == state.keys[path]?[""]
            case .map:
                (isNested ? nested : document.map("m")).keys.allSatisfy {
                    (isNested ? nested : document.map("m"))[$0] == state.keys[path]?[$0]
                }
                    && (isNested ? nested : document.map("m")).keys.count == state.keys[path, default: [:]].count
            }
        try require(isSame, "the notices of \(path) lead elsewhere")
    }
}
