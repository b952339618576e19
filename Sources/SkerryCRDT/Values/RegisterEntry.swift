/// A value written by an event that no other write has seen and replaced.
struct RegisterEntry: Sendable, Equatable {
    /// The local version of the write; of the base's last event when it is older than the history here.
    var version: UInt32
    var dot: Dot
    var stamp: HybridTimestamp
    /// nil for a removal.
    var value: DocumentValue?
}

/// A multi-value register: the writes that no other has replaced, the winner first.
///
/// A write replaces exactly what it had seen, so concurrent ones stay side by side. The winner is the largest by (stamp, origin, sequence), the same
/// everywhere whatever the order of arrival; a removal competes like any other write.
struct MultiValue: Sendable, Equatable {
    /// The writes that stand, the winner first.
    private(set) var entries: [RegisterEntry] = []

    init() {}

    init(_ only: RegisterEntry) { entries = [only] }

    var winner: RegisterEntry? { entries.first }

    /// The name of the winner, without a look at its value.
    var winnerDot: Dot? { entries.isEmpty ? nil : entries[0].dot }

    /// What it says: the winner's value.
    var value: DocumentValue? { winner?.value }

    /// All values that stand, the winner's first.
    var values: [DocumentValue] { entries.compactMap(\.value) }

    /// - Parameter isSeen: whether the write had seen the event with a local version.
    mutating func write(_ entry: RegisterEntry, isSeen: (UInt32) -> Bool) {
        entries.removeAll { isSeen($0.version) || isDefective(.writeReplacesAll) }
        let index = entries.firstIndex { isDefective(.writeByArrival) || Self.wins(entry, over: $0) } ?? entries.count
        entries.insert(entry, at: index)
    }

    /// Names the writes by where they are now.
    mutating func renumber(_ graph: borrowing EventGraph) {
        for index in entries.indices { entries[index].renumber(graph) }
    }

    private static func wins(_ left: RegisterEntry, over right: RegisterEntry) -> Bool {
        left.stamp != right.stamp ? left.stamp > right.stamp : left.dot > right.dot
    }

    // MARK: - Snapshots

    /// Whether there is nothing but the value that an event inserted.
    func isPlain(_ dot: Dot) -> Bool {
        entries.count == 1 && entries[0].dot == dot && entries[0].stamp == .zero && entries[0].value != nil
    }

    /// ```
    /// writes = count:varint (event stamp:8 (0 | 1 value))*
    /// ```
    func encode(to writer: inout ByteWriter, origins: inout SnapshotOrigins) {
        writer.write(varint: entries.count)
        for index in entries.indices { entries[index].encode(to: &writer, origins: &origins) }
    }

    /// - Parameter version: the local version that all entries take: the base's last.
    init(_ reader: inout ByteReader, version: UInt32, origins: SnapshotOrigins) throws(DocumentError) {
        let count = try reader.count(atMost: reader.remaining / 11, "the number of writes")
        for _ in 0..<count {
            let entry = try RegisterEntry(&reader, version: version, origins: origins)
            guard entries.last.map({ Self.wins($0, over: entry) }) ?? true else { throw reader.damaged("writes are out of order") }
            entries.append(entry)
        }
    }
}

extension RegisterEntry {
    fileprivate mutating func renumber(_ graph: borrowing EventGraph) {
        guard let origin = graph.existingNumber(of: dot.origin),
            let version = graph.version(origin: origin, sequence: Int(dot.sequence) - 1)
        else { preconditionFailure("the history lacks a write that the state knows") }
        self.version = UInt32(version)
    }

    fileprivate func encode(to writer: inout ByteWriter, origins: inout SnapshotOrigins) {
        origins.write(dot, to: &writer)
        writer.write(fixed: stamp.rawValue)
        if let value {
            writer.write(1)
            value.encode(to: &writer)
        } else {
            writer.write(0)
        }
    }

    fileprivate init(_ reader: inout ByteReader, version: UInt32, origins: SnapshotOrigins) throws(DocumentError) {
        self.version = version
        dot = try origins.read(&reader)
        stamp = HybridTimestamp(rawValue: try reader.fixed64())
        let form = try reader.byte()
        guard form <= 1 else { throw reader.damaged("an unknown form of write") }
        value = form == 0 ? nil : try DocumentValue(&reader)
    }
}
