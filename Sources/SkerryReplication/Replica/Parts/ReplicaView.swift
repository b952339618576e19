internal import SkerryCRDT
internal import Synchronization

/// A sorted index over a model: rows that a function makes of each key and value, kept in the store and committed with the entries that changed them.
///
/// ```swift
/// let byAge = ReplicaView("by-age") { key, bytes in [(key: bytes, value: Array(key.utf8))] }
/// let people = ReplicatedModel<UInt64>(views: [byAge])
/// let youngest = try await byAge.rows(limit: 10)
/// ```
///
/// The function depends on its arguments alone: it is called with the old value again to find the rows that go.
public final class ReplicaView: Sendable {
    /// A row of a view.
    public struct Row: Sendable, Hashable {
        /// What it is sorted by; rows of one key are in the order of their sources.
        public var key: [UInt8]
        /// The key of the model that it came from.
        public var source: String
        public var value: [UInt8]
    }

    /// The rows of a key and the bytes of its value.
    public typealias Map = @Sendable (_ key: String, _ value: ArraySlice<UInt8>) -> [(key: [UInt8], value: [UInt8])]

    private struct State: Sendable {
        var prefix: [UInt8] = []
        var marker: [UInt8] = []
        weak var replica: Replica?
        /// Whether what is applied is in the store already.
        var isReplaying = false
    }

    /// Unique among the views of a part, at most 255 bytes.
    public let name: String
    private let version: UInt64
    private let map: Map
    private let state = Mutex(State())

    /// - Parameter version: another number when the function is another: the view is built anew.
    public init(_ name: String, version: UInt64 = 1, map: @escaping Map) {
        self.name = name
        self.version = version
        self.map = map
    }

    /// Rows from a key on, ascending, as the last commit left them (``Replica/durable()``).
    ///
    /// - Throws: ``ReplicaError`` with `invalid` for a view of no replica, `storeFailed`.
    public func rows(from lower: [UInt8] = [], limit: Int) async throws(ReplicaError) -> [Row] {
        let (replica, prefix) = state.withLock { ($0.replica, $0.prefix) }
        guard let replica else { throw ReplicaError(.invalid, "the view \(name) belongs to no replica") }
        return try await replica.rows(withPrefix: prefix, from: prefix + Self.escaped(lower), limit: limit).compactMap { row in
            Self.unescaped(row.key.dropFirst(prefix.count)).flatMap { key, source in
                String(validating: source, as: UTF8.self).map { Row(key: key, source: $0, value: row.value ?? []) }
            }
        }
    }

    // MARK: - Told by the model

    /// - Returns: rows to change before anything is applied.
    func attached(_ part: ReplicaPart) -> [ReplicaRow] {
        guard let replica = part.replica else { return [] }
        let name = [UInt8(truncatingIfNeeded: self.name.utf8.count)] + Array(self.name.utf8.prefix(255))
        let prefix = [1] + part.prefix + name
        let marker = [2] + part.prefix + name
        let built = replica.storedRows(withPrefix: marker, limit: 1).first?.value
        // What came while the part was not here is in no row.
        let isWhole = built == version.replicaBytes && !replica.isStale(part.prefix)
        state.withLock { state in
            (state.prefix, state.marker, state.replica) = (prefix, marker, replica)
            state.isReplaying = isWhole
        }
        guard !isWhole else { return [] }
        let old = replica.storedRows(withPrefix: prefix, limit: .max).map { ReplicaRow(key: $0.key, value: nil) }
        return old + [ReplicaRow(key: marker, value: version.replicaBytes)]
    }

    func caughtUp() { state.withLock { $0.isReplaying = false } }

    func change(_ key: String, from previous: ReplicaEntry?, to entry: ReplicaEntry?, rows: inout [ReplicaRow]) {
        let (prefix, isReplaying) = state.withLock { ($0.prefix, $0.isReplaying) }
        guard !isReplaying, !prefix.isEmpty else { return }
        let end = Array(key.utf8)
        var fresh: Set<[UInt8]> = []
        var puts: [ReplicaRow] = []
        if let entry, !entry.isRemoval {
            for row in map(key, entry.value) {
                let place = prefix + Self.escaped(row.key) + [0, 0] + end
                fresh.insert(place)
                puts.append(ReplicaRow(key: place, value: row.value))
            }
        }
        if let previous, !previous.isRemoval {
            for row in map(key, previous.value) {
                let place = prefix + Self.escaped(row.key) + [0, 0] + end
                if !fresh.contains(place) { rows.append(ReplicaRow(key: place, value: nil)) }
            }
        }
        rows += puts
    }

    // MARK: - Keys

    /// A zero is followed by 255, so that two zeros are an end that sorts before all that goes on.
    private static func escaped(_ key: [UInt8]) -> [UInt8] { key.flatMap { $0 == 0 ? [0, 255] : [$0] } }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> (key: [UInt8], source: ArraySlice<UInt8>)? {
        var key: [UInt8] = []
        var place = bytes.startIndex
        while place < bytes.endIndex {
            guard bytes[place] == 0 else {
                key.append(bytes[place])
                place += 1
                continue
            }
            guard place + 1 < bytes.endIndex else { return nil }
            if bytes[place + 1] == 0 { return (key, bytes[(place + 2)...]) }
            key.append(0)
            place += 2
        }
        return nil
    }
}
