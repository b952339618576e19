/// Rows with an id and fields, kept in one map of a document: the model of a live list in a user interface.
///
/// A field is settled by itself: of two concurrent writes to one field the larger (stamp, origin) shows, writes to different fields both stay. A row that one
/// replica removes while another changes it is removed, in whatever order they meet.
public struct Rows: Sendable {
    /// Refuses a row by throwing; gets the row as it would be.
    public typealias Validation = @Sendable (_ id: String, _ fields: [String: DocumentValue]) throws(DocumentError) -> Void

    public let document: Document
    public let name: String
    private let validation: Validation?

    public init(_ document: Document, _ name: String = "rows", validation: Validation? = nil) {
        self.document = document
        self.name = name
        self.validation = validation
    }

    var path: ContainerPath { ContainerPath(key: name, kind: .map) }

    // MARK: - Reading

    /// Sorted.
    public var ids: [String] { document.map(name).keys }

    /// The fields of a row, nil when there is none.
    public subscript(id: String) -> [String: DocumentValue]? {
        guard document.map(name)[id] == .container(.map) else { return nil }
        let row = document.map(name).map(id)
        return Dictionary(row.keys.compactMap { key in row[key].map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Changing

    /// Makes a row; one that is there keeps its fields and gets these.
    ///
    /// - Throws: what the validation throws; nothing has changed then.
    public func add(_ id: String, _ fields: [String: DocumentValue] = [:]) throws(DocumentError) {
        try document.change { change throws(DocumentError) in try set(id, fields.mapValues { $0 }, in: change) }
    }

    /// Writes fields of a row, all or none, making the row when it is not there; nil removes a field.
    ///
    /// - Throws: as ``add(_:_:)``.
    public func set(_ id: String, _ fields: [String: DocumentValue?]) throws(DocumentError) {
        try document.change { change throws(DocumentError) in try set(id, fields, in: change) }
    }

    /// Removes a row; true when it was there.
    @discardableResult
    public func remove(_ id: String) -> Bool {
        document.change { change in
            guard change.map(name)[id] == .container(.map) else { return false }
            change.map(name)[id] = nil
            return true
        }
    }

    func set(_ id: String, _ fields: [String: DocumentValue?], in change: Change) throws(DocumentError) {
        let isNew = change.map(name)[id] != .container(.map)
        let row = change.map(name).map(id)
        // A removed row's old fields are not those of a new one.
        if isNew { for key in row.keys where fields[key] == nil { row[key] = nil } }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) where row[key] != value { row[key] = value }
        guard let validation else { return }
        try validation(id, Dictionary(row.keys.compactMap { key in row[key].map { (key, $0) } }, uniquingKeysWith: { first, _ in first }))
    }
}
