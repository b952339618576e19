import Synchronization

/// The rows with a value in a field, in an order that people make.
///
/// The order is a list of the document with the rows' ids, so runs that two replicas insert at one place stay whole, and concurrent moves leave a row in one
/// place. Sequences of one field with different values exclude each other: a row put into one leaves the other.
public final class LiveSequence: Sendable {
    public let members: LiveSet
    private let field: String
    private let value: DocumentValue
    private let listName: String
    /// The list as it was read last, so that a row at the end does not cost a walk through all.
    private let order = Mutex(Order())

    private struct Order {
        /// Where the list's log was then: it grows with every change.
        var units = -1
        var writes = -1
        var values: [DocumentValue] = []
        var known: Set<DocumentValue> = []

        mutating func insert(_ value: DocumentValue, at index: Int) {
            values.insert(value, at: index)
            known.insert(value)
        }
    }

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
    public var ids: [String] {
        let values = document.list(listName).view.read([DocumentValue]()) { core, slot in
            order.withLock { order in
                Self.refresh(&order, core.lists[slot])
                return order.values
            }
        }
        let ids = members.all
        return Self.shown(values) { ids.contains($0) }
    }

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
        try put(id, fields) { values, change in
            let shown = Self.shown(values) { $0 != id && isMember($0, in: change) }
            precondition(index >= 0 && index <= shown.count, "no place at \(index)")
            // Before the one that stands there now, or at the end.
            return index < shown.count ? values.firstIndex(of: .string(shown[index]))! : values.count
        }
    }

    /// Puts a row at the end. O(log n) for one that is not in the list.
    public func push(_ id: String, _ fields: [String: DocumentValue] = [:]) throws(DocumentError) {
        try put(id, fields) { values, _ in values.count }
    }

    /// Puts a row where the body says, given the list with the row where it was.
    private func put(
        _ id: String, _ fields: [String: DocumentValue], at place: ([DocumentValue], Change) -> Int
    ) throws(DocumentError) {
        try document.change { change throws(DocumentError) in
            // Throws before the list is touched, so what is remembered of it holds.
            try rows.set(id, fields.mapValues(Optional.some).merging([field: value]) { _, own in own }, in: change)
            edit(change) { list, order in
                let target = place(order.values, change)
                guard order.known.contains(.string(id)), let old = order.values.firstIndex(of: .string(id)) else {
                    list.insert(.string(id), at: target)
                    return order.insert(.string(id), at: target)
                }
                let moved = target > old ? target - 1 : target
                if moved == old { return }
                list.move(from: old, to: moved)
                order.values.insert(order.values.remove(at: old), at: moved)
            }
        }
    }

    /// Runs a body with the list and what is remembered of it, which it keeps up.
    private func edit(_ change: Change, _ body: (ListEditor, inout Order) -> Void) {
        let list = change.list(listName)
        let slot = list.editor.open()
        order.withLock { order in
            Self.refresh(&order, list.editor.core.pointee.lists[slot])
            body(list, &order)
            order.units = list.editor.core.pointee.lists[slot].sequence.log.unitCount
            order.writes = list.editor.core.pointee.lists[slot].log.count
        }
    }

    private static func refresh(_ order: inout Order, _ list: borrowing ListState) {
        if order.units == list.sequence.log.unitCount, order.writes == list.log.count { return }
        order.values = list.shown.map { $0.value.value ?? .null }
        order.known = Set(order.values)
        order.units = list.sequence.log.unitCount
        order.writes = list.log.count
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
            edit(change) { list, order in
                for index in order.values.indices.reversed() where order.values[index] == .string(id) {
                    list.remove(at: index)
                    order.values.remove(at: index)
                }
                order.known.remove(.string(id))
            }
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
