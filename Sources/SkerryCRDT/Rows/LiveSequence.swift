/// The rows with a value in a field, in an order that people make.
///
/// The order is a list of the document with the rows' ids, so runs that two replicas insert at one place stay whole, and concurrent moves leave a row in one
/// place. Sequences of one field with different values exclude each other: a row put into one leaves the other.
public final class LiveSequence: Sendable {
    public let members: LiveSet
    private let field: String
    private let value: DocumentValue
    private let listName: String

    private var rows: Rows { members.rows }
    private var document: Document { members.rows.document }

    /// - Parameter name: of the order; replicas that name it alike share it.
    public init(_ rows: Rows, field: String, equals value: DocumentValue, name: String) {
        members = LiveSet(rows, where: .field(field, equals: value))
        self.field = field
        self.value = value
        listName = "\(rows.name)/\(name)"
    }

    // MARK: - Reading

    /// The ids in order, each once.
    public var ids: [String] { Self.shown(document.list(listName).values) { members.contains($0) } }

    public var count: Int { ids.count }
    public var first: String? { ids.first }
    public var last: String? { ids.last }
    public func at(_ index: Int) -> String? {
        let ids = ids
        return ids.indices.contains(index) ? ids[index] : nil
    }
    public func index(of id: String) -> Int? { ids.firstIndex(of: id) }
    public func next(after id: String) -> String? { index(of: id).flatMap { at($0 + 1) } }
    public func previous(before id: String) -> String? { index(of: id).flatMap { at($0 - 1) } }

    private static func shown(_ values: [DocumentValue], isMember: (String) -> Bool) -> [String] {
        var seen: Set<String> = []
        return values.compactMap { value in
            guard case .string(let id) = value, isMember(id), seen.insert(id).inserted else { return nil }
            return id
        }
    }

    // MARK: - Changing

    /// Puts a row, made when it is not there, before an index; one that is in the sequence moves.
    ///
    /// - Precondition: `0 <= index <= count`, counted without the row.
    /// - Throws: what the rows' validation throws; nothing has changed then.
    public func insert(_ id: String, _ fields: [String: DocumentValue] = [:], at index: Int) throws(DocumentError) {
        try document.change { change throws(DocumentError) in
            try rows.set(id, fields.mapValues(Optional.some).merging([field: value]) { _, own in own }, in: change)
            let list = change.list(listName)
            let values = list.values
            let shown = Self.shown(values) { $0 != id && isMember($0, in: change) }
            precondition(index >= 0 && index <= shown.count, "no place at \(index)")
            // Before the one that stands there now, or at the end.
            let target = index < shown.count ? values.firstIndex(of: .string(shown[index]))! : values.count
            guard let old = values.firstIndex(of: .string(id)) else { return list.insert(.string(id), at: target) }
            let moved = target > old ? target - 1 : target
            if moved != old { list.move(from: old, to: moved) }
        }
    }

    public func push(_ id: String, _ fields: [String: DocumentValue] = [:]) throws(DocumentError) {
        try insert(id, fields, at: ids.count { $0 != id })
    }

    public func unshift(_ id: String, _ fields: [String: DocumentValue] = [:]) throws(DocumentError) { try insert(id, fields, at: 0) }

    /// Puts a row before another.
    ///
    /// - Throws: `notFound` when the other is not in the sequence.
    public func insert(_ id: String, _ fields: [String: DocumentValue] = [:], before other: String) throws(DocumentError) {
        try insert(id, fields, at: place(of: other, without: id))
    }

    /// Puts a row behind another.
    ///
    /// - Throws: `notFound` when the other is not in the sequence.
    public func insert(_ id: String, _ fields: [String: DocumentValue] = [:], after other: String) throws(DocumentError) {
        try insert(id, fields, at: place(of: other, without: id) + 1)
    }

    private func place(of other: String, without id: String) throws(DocumentError) -> Int {
        guard other != id, let index = ids.filter({ $0 != id }).firstIndex(of: other) else {
            throw DocumentError(code: .notFound, message: "\(other) is not in the sequence, or is to stand beside itself")
        }
        return index
    }

    /// Takes a row out, which stays as a row; true when it was in.
    @discardableResult
    public func remove(_ id: String) throws(DocumentError) -> Bool {
        guard members.contains(id) else { return false }
        try document.change { change throws(DocumentError) in
            try rows.set(id, [field: nil], in: change)
            let list = change.list(listName)
            for index in list.values.indices.reversed() where list[index] == .string(id) { list.remove(at: index) }
        }
        return true
    }

    /// Takes the last row out.
    public func pop() throws(DocumentError) -> String? {
        guard let id = last else { return nil }
        return try remove(id) ? id : nil
    }

    /// Takes the first row out.
    public func shift() throws(DocumentError) -> String? {
        guard let id = first else { return nil }
        return try remove(id) ? id : nil
    }

    private func isMember(_ id: String, in change: Change) -> Bool {
        change.map(rows.name)[id] == .container(.map) && change.map(rows.name).map(id)[field] == value
    }
}
