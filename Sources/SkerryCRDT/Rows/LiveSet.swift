import Synchronization

/// The rows that meet a condition, kept up to date as the document changes here or elsewhere.
public final class LiveSet: Sendable {
    /// What a row has to meet.
    public enum Condition: Sendable {
        /// A field has a value. Sets of one field with different values exclude each other: a row put into one leaves the other.
        case field(String, equals: DocumentValue)
        /// Looked at anew whenever the row changes.
        case predicate(@Sendable ([String: DocumentValue]) -> Bool)
    }

    public enum Event: Sendable, Hashable {
        case added(String)
        case removed(String)
        /// A member's fields changed and it stays.
        case changed(String)
    }

    private struct State {
        var members: Set<String> = []
        var watchers: [UInt64: @Sendable (Event) -> Void] = [:]
        var next: UInt64 = 0
    }

    public let rows: Rows
    public let condition: Condition
    private let state = Mutex(State())
    private let observation = Mutex<Observation?>(nil)

    public init(_ rows: Rows, where condition: Condition) {
        self.rows = rows
        self.condition = condition
        let made = rows.document.observe { [weak self] change in self?.update(change) }
        observation.withLock { $0 = made }
        for id in rows.ids { refresh(id) }
    }

    // MARK: - Reading

    /// Sorted by id.
    public var ids: [String] { state.withLock { $0.members.sorted() } }
    public var count: Int { state.withLock { $0.members.count } }
    public func contains(_ id: String) -> Bool { state.withLock { $0.members.contains(id) } }
    var all: Set<String> { state.withLock { $0.members } }

    // MARK: - Changing

    /// Gives a row, made when it is not there, the field's value.
    ///
    /// - Throws: `mismatch` for a set by predicate, and what the rows' validation throws.
    public func insert(_ id: String, _ fields: [String: DocumentValue] = [:]) throws(DocumentError) {
        let (field, value) = try ownField()
        try rows.set(id, fields.mapValues(Optional.some).merging([field: value]) { _, own in own })
    }

    /// Takes the field from a row, which stays; true when it was a member.
    ///
    /// - Throws: as ``insert(_:_:)``.
    @discardableResult
    public func remove(_ id: String) throws(DocumentError) -> Bool {
        let (field, _) = try ownField()
        guard contains(id) else { return false }
        try rows.set(id, [field: nil])
        return true
    }

    private func ownField() throws(DocumentError) -> (String, DocumentValue) {
        guard case .field(let field, let value) = condition else {
            throw DocumentError(code: .mismatch, message: "a set by predicate cannot be written through")
        }
        return (field, value)
    }

    // MARK: - Watching

    /// Calls the body for every event from now on, until the number is given to ``stop(_:)``.
    public func watch(_ body: @escaping @Sendable (Event) -> Void) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.watchers[state.next] = body
            return state.next
        }
    }

    public func stop(_ number: UInt64) { state.withLock { $0.watchers[number] = nil } }

    /// Calls the body for every member there is, and for every one to come.
    public func forEach(_ body: @escaping @Sendable (String) -> Void) -> UInt64 {
        let number = watch { event in if case .added(let id) = event { body(id) } }
        ids.forEach(body)
        return number
    }

    // MARK: - Keeping up

    private func update(_ change: DocumentChange) {
        var touched: Set<String> = []
        for delta in change.deltas {
            let steps = delta.container.steps
            guard steps[0] == rows.path.steps[0] else { continue }
            if steps.count > 1 {
                touched.insert(steps[1].key)
            } else if case .keys(let edits) = delta.effect {
                for edit in edits { touched.insert(edit.key) }
            }
        }
        for id in touched.sorted() { refresh(id) }
    }

    private func refresh(_ id: String) {
        let row = rows[id]
        let isMember = row.map(meets) ?? false
        let (event, watchers) = state.withLock { state -> (Event?, [@Sendable (Event) -> Void]) in
            let was = state.members.contains(id)
            if isMember { state.members.insert(id) } else { state.members.remove(id) }
            let event: Event? = isMember ? (was ? .changed(id) : .added(id)) : (was ? .removed(id) : nil)
            return (event, state.watchers.sorted { $0.key < $1.key }.map(\.value))
        }
        if let event { for watcher in watchers { watcher(event) } }
    }

    private func meets(_ row: [String: DocumentValue]) -> Bool {
        switch condition {
        case .field(let field, let value): row[field] == value
        case .predicate(let holds): holds(row)
        }
    }
}
