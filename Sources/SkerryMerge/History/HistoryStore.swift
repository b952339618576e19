/// A name that keeps a commit: everything that names lead to stays, everything else may be collected.
public enum HistoryName: Sendable, Hashable, Comparable, CustomStringConvertible {
    case branch(String)
    case tag(String)
    /// What a peer's branch was when we last heard of it.
    case remote(String, branch: String)

    /// As it is written: `branches/main`, `tags/v1`, `remotes/hull/main`.
    public var description: String {
        switch self {
        case .branch(let name): "branches/\(name)"
        case .tag(let name): "tags/\(name)"
        case .remote(let remote, let branch): "remotes/\(remote)/\(branch)"
        }
    }

    /// - Returns: nil for anything that ``description`` does not give.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "branches": self = .branch(parts[1])
        case "tags": self = .tag(parts[1])
        case "remotes":
            let rest = parts[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard rest.count == 2 else { return nil }
            self = .remote(rest[0], branch: rest[1])
        default: return nil
        }
        guard isAllowed else { return nil }
    }

    /// Whether each part is 1 to 255 bytes that may stand in a file's name; branches and tags may have slashes inside.
    public var isAllowed: Bool {
        let parts: [String] =
            switch self {
            case .branch(let name), .tag(let name): name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            case .remote(let remote, let branch): [remote] + branch.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            }
        return description.utf8.count <= 1024 && parts.allSatisfy { Tree.isAllowed(Array($0.utf8)) }
            && !description.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }

    /// Begins the branch part of remote names that keep what a broken transfer has left until the next one goes on with it.
    static var incomingMark: String { ".incoming" }

    /// Whether the name only keeps the parts of a transfer that is not complete.
    public var isIncoming: Bool {
        guard case .remote(_, let branch) = self else { return false }
        return branch.hasPrefix(Self.incomingMark + "/")
    }

    public static func < (left: HistoryName, right: HistoryName) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

/// One name's move, carried out only if the name still stands where it is said to.
public struct NameChange: Sendable, Hashable {
    public let name: HistoryName
    /// Where it must stand now; nil: it must not exist.
    public let from: ObjectID?
    /// Where it goes; nil: it goes away.
    public let to: ObjectID?

    public init(_ name: HistoryName, from: ObjectID?, to: ObjectID?) {
        self.name = name
        self.from = from
        self.to = to
    }
}

/// Where a history lives: records by identifier, and a few names.
///
/// The store understands neither; ``History`` does. Calls may block, and one history owns its store: no two calls run at once.
///
/// What a store on a disk must keep, since a crash may come at any point:
/// - ``insert(_:)``: each record is whole or absent. Order within a call need not be kept.
/// - ``update(names:boundary:)``: on return all names are moved, or none when it throws; and every record inserted before is on disk before any name
///   is (write and sync records, then write, sync and rename the file of names, then sync the directory). Records no name
///   leads to may be lost without harm.
/// - ``replace(_:)``: each record is the old one or the new one; on return, the new ones are on disk before anything is removed.
/// - ``remove(_:)``: only records; may be lost, and may be carried out in part.
///
/// Where several processes may open one store, ``remove(_:)`` refuses with `changedMeanwhile` when names have moved since ``names()`` was called or
/// names were moved here, and ``update(names:boundary:)`` refuses in the same way when records were removed since: what somebody collects must not be what
/// somebody else is about to name.
public protocol HistoryStore: Sendable {
    /// The record of an object; nil when there is none.
    func record(_ id: ObjectID) throws(HistoryError) -> [UInt8]?
    /// Keeps records under their identifiers; one that is there already is left as it is.
    mutating func insert(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError)
    /// Keeps records in place of those that are there. The objects stay what they are: another form of the same bytes.
    mutating func replace(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError)
    /// All names.
    func names() throws(HistoryError) -> [HistoryName: ObjectID]
    /// Commits whose parents are not kept.
    func boundary() throws(HistoryError) -> Set<ObjectID>
    /// Moves names, all or none, and replaces the boundary where one is given.
    ///
    /// - Throws: ``HistoryError`` with `changedMeanwhile` when a name does not stand where the change says.
    mutating func update(names changes: [NameChange], boundary: Set<ObjectID>?) throws(HistoryError)
    /// Calls `body` for every identifier, in no order.
    func forEachID(_ body: (ObjectID) throws(HistoryError) -> Void) throws(HistoryError)
    /// Forgets records.
    mutating func remove(_ ids: [ObjectID]) throws(HistoryError)
}

/// A history in memory: for tests, for live objects, and as the model that other stores are compared with.
public struct MemoryHistoryStore: HistoryStore {
    private var records: [ObjectID: [UInt8]] = [:]
    private var named: [HistoryName: ObjectID] = [:]
    private var cut: Set<ObjectID> = []

    public init() {}

    public func record(_ id: ObjectID) -> [UInt8]? { records[id] }

    public mutating func insert(_ new: [(id: ObjectID, record: [UInt8])]) {
        for (id, record) in new where records[id] == nil { records[id] = record }
    }

    public mutating func replace(_ new: [(id: ObjectID, record: [UInt8])]) {
        for (id, record) in new { records[id] = record }
    }

    public func names() -> [HistoryName: ObjectID] { named }

    public func boundary() -> Set<ObjectID> { cut }

    public mutating func update(names changes: [NameChange], boundary: Set<ObjectID>?) throws(HistoryError) {
        for change in changes {
            guard named[change.name] == change.from else {
                throw HistoryError(.changedMeanwhile, "\(change.name) moved", object: named[change.name])
            }
        }
        for change in changes { named[change.name] = change.to }
        if let boundary { cut = boundary }
    }

    public func forEachID(_ body: (ObjectID) throws(HistoryError) -> Void) throws(HistoryError) {
        for id in records.keys { try body(id) }
    }

    public mutating func remove(_ ids: [ObjectID]) {
        for id in ids { records[id] = nil }
    }
}
