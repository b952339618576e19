public import SkerryMerge
public import SkerryStorage
internal import Synchronization

/// A history in an index engine, beside whatever else is in it.
///
/// Rows of one family whose keys begin with a prefix: `o` and an identifier for a record, `n` and a name, `b` and a commit of the boundary. An
/// engine loses no batch before a later one it keeps, so names never lead to records that a crash took.
///
/// Copies are the same store, and there is at most one, with its copies, for a prefix of an engine. Calls block.
public struct EngineHistoryStore<Engine: MetadataEngine>: HistoryStore {
    private let rows: Rows

    /// - Parameters:
    ///   - family: the table; ``MetadataFamily/settings`` unless there is a better one.
    ///   - prefix: what keys begin with; nothing else in the family may begin so.
    public init(engine: Engine, family: MetadataFamily = .settings, prefix: [UInt8]) {
        rows = Rows(engine: engine, family: family, prefix: prefix)
    }

    private enum Kind: UInt8 {
        case object = 0x6F
        case name = 0x6E
        case boundary = 0x62
    }

    private final class Rows: Sendable {
        let engine: Engine
        let family: MetadataFamily
        let prefix: [UInt8]
        /// Held from looking to writing.
        let writing = Mutex(())

        init(engine: Engine, family: MetadataFamily, prefix: [UInt8]) {
            self.engine = engine
            self.family = family
            self.prefix = prefix
        }

        func key(_ kind: Kind, _ rest: some Sequence<UInt8> = []) -> [UInt8] { prefix + [kind.rawValue] + rest }

        func key(_ id: ObjectID) -> [UInt8] { key(.object, id.bytes) }

        /// What follows the kind in each key of it, and the value.
        func scan(
            _ kind: Kind, _ body: (_ rest: ArraySlice<UInt8>, _ value: UnsafeRawBufferPointer) throws(HistoryError) -> Void
        ) throws(HistoryError) {
            var failure: HistoryError?
            try storing { () throws(StorageError) in
                try engine.scan(family, KeyRange(prefix: key(kind))) { key, value throws(StorageError) in
                    do throws(HistoryError) { try body(Array(key)[(prefix.count + 1)...], value) } catch {
                        failure = error
                        return .stop
                    }
                    return .next
                }
            }
            if let failure { throw failure }
        }
    }

    public func record(_ id: ObjectID) throws(HistoryError) -> [UInt8]? {
        try storing { () throws(StorageError) in try rows.engine.get(rows.family, rows.key(id)) }
    }

    public mutating func insert(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError) {
        var batch = MetadataBatch()
        var seen: Set<ObjectID> = []
        for (id, record) in records where seen.insert(id).inserted {
            if try self.record(id) == nil { batch.put(rows.family, rows.key(id), record) }
        }
        try apply(batch)
    }

    public mutating func replace(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError) {
        var batch = MetadataBatch()
        for (id, record) in records { batch.put(rows.family, rows.key(id), record) }
        try apply(batch)
    }

    public func names() throws(HistoryError) -> [HistoryName: ObjectID] {
        var names: [HistoryName: ObjectID] = [:]
        try rows.scan(.name) { rest, value throws(HistoryError) in
            guard let name = String(validating: rest, as: UTF8.self).flatMap({ HistoryName($0) }), let id = ObjectID(Array(value)) else {
                throw HistoryError(.corrupt, "a row of names is damaged")
            }
            names[name] = id
        }
        return names
    }

    public func boundary() throws(HistoryError) -> Set<ObjectID> {
        var boundary: Set<ObjectID> = []
        try rows.scan(.boundary) { rest, _ throws(HistoryError) in
            guard let id = ObjectID(rest) else { throw HistoryError(.corrupt, "a row of the boundary is damaged") }
            boundary.insert(id)
        }
        return boundary
    }

    public mutating func update(names changes: [NameChange], boundary: Set<ObjectID>?) throws(HistoryError) {
        try rows.writing.withLock { _ throws(HistoryError) in
            var batch = MetadataBatch()
            for change in changes {
                let key = rows.key(.name, change.name.description.utf8)
                let current = try storing { () throws(StorageError) in try rows.engine.get(rows.family, key) }
                guard current == change.from?.bytes else {
                    throw HistoryError(.changedMeanwhile, "\(change.name) moved", object: current.flatMap { ObjectID($0) })
                }
                if let to = change.to { batch.put(rows.family, key, to.bytes) } else { batch.remove(rows.family, key) }
            }
            if let boundary {
                batch.remove(rows.family, in: KeyRange(prefix: rows.key(.boundary)))
                for id in boundary.sorted() { batch.put(rows.family, rows.key(.boundary, id.bytes), []) }
            }
            try apply(batch)
            try storing { () throws(StorageError) in try rows.engine.flush() }
        }
    }

    public func forEachID(_ body: (ObjectID) throws(HistoryError) -> Void) throws(HistoryError) {
        var ids: [ObjectID] = []
        try rows.scan(.object) { rest, _ throws(HistoryError) in
            guard let id = ObjectID(rest) else { throw HistoryError(.corrupt, "a row of objects is damaged") }
            ids.append(id)
        }
        // Not inside the scan: whoever asks may want to read.
        for id in ids { try body(id) }
    }

    public mutating func remove(_ ids: [ObjectID]) throws(HistoryError) {
        var batch = MetadataBatch()
        for id in ids { batch.remove(rows.family, rows.key(id)) }
        try apply(batch)
    }

    private func apply(_ batch: MetadataBatch) throws(HistoryError) {
        guard !batch.isEmpty else { return }
        try storing { () throws(StorageError) in try rows.engine.apply(batch) }
    }
}
