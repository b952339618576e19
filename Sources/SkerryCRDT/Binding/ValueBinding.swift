import Synchronization

/// Keeps a value of an application's own type and a container of a document the same, in both directions.
///
/// What the application sets is written as a difference, see ``Change/encode(_:identity:)``; what changes in the document is read and shown. It never shows
/// what was set here.
public final class ValueBinding<Value: Codable & Equatable & Sendable>: Sendable {
    public let document: Document
    /// nil for the whole document.
    private let path: ContainerPath?
    private let identity: String
    private let last: Mutex<Value?>
    private let show: @Sendable (Result<Value, DocumentError>) -> Void
    private let observation = Mutex<Observation?>(nil)

    /// - Parameters:
    ///   - path: the container; nil for the whole document.
    ///   - show: called when the value has changed in the document, on the thread that changed it, outside the document's lock; with an error when what is
    ///     there does not have the type's shape.
    public init(
        _ document: Document, at path: ContainerPath? = nil, as type: Value.Type = Value.self, identity: String = "id",
        show: @escaping @Sendable (Result<Value, DocumentError>) -> Void
    ) {
        self.document = document
        self.path = path
        self.identity = identity
        self.show = show
        last = Mutex(nil)
        let made = document.observe { [weak self] change in self?.follow(change) }
        observation.withLock { $0 = made }
        let value = try? read()
        last.withLock { $0 = value }
    }

    /// What is there.
    ///
    /// - Throws: as ``Document/decode(_:)``.
    public var value: Value { get throws(DocumentError) { try read() } }

    /// Writes what differs.
    ///
    /// - Throws: as ``Document/encode(_:identity:)``; nothing has changed then.
    public func set(_ value: Value) throws(DocumentError) {
        let before = last.withLock { last in
            defer { last = value }
            return last
        }
        do throws(DocumentError) {
            let tree = try DocumentCoding.tree(of: value)
            try document.change { change throws(DocumentError) in
                let writer = TreeWriter(identity: identity)
                if let path {
                    try writer.write(tree, to: change.editor(at: path), at: [])
                } else {
                    try writer.write(tree, toRootOf: change)
                }
            }
        } catch {
            last.withLock { $0 = before }
            throw error
        }
    }

    /// Ends it.
    public func cancel() { observation.withLock { $0?.cancel() } }

    private func read() throws(DocumentError) -> Value {
        guard let path else { return try document.decode(Value.self) }
        return try ContainerView(document: document, path: path).decode(Value.self)
    }

    private func follow(_ change: DocumentChange) {
        if let path, !change.deltas.contains(where: { $0.container.steps.starts(with: path.steps) }) { return }
        let result: Result<Value, DocumentError>
        do throws(DocumentError) { result = .success(try read()) } catch { result = .failure(error) }
        let isNew = last.withLock { last in
            defer { last = try? result.get() }
            if case .success(let value) = result { return last != value }
            return true
        }
        if isNew { show(result) }
    }
}
