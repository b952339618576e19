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
    private(set) var entries: [RegisterEntry] = []

    /// What it says: the winner's value.
    var value: DocumentValue? { entries.first?.value }

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
        for index in entries.indices {
            let dot = entries[index].dot
            guard let origin = graph.existingNumber(of: dot.origin),
                let version = graph.version(origin: origin, sequence: Int(dot.sequence) - 1)
            else { preconditionFailure("the history lacks a write that the state knows") }
            entries[index].version = UInt32(version)
        }
    }

    private static func wins(_ left: RegisterEntry, over right: RegisterEntry) -> Bool {
        left.stamp != right.stamp ? left.stamp > right.stamp : left.dot > right.dot
    }

    func encode(to writer: inout ByteWriter) {
        writer.write(varint: entries.count)
        for index in entries.indices {
            writer.write(fixed: entries[index].dot.origin.rawValue)
            writer.write(varint: entries[index].dot.sequence)
            writer.write(fixed: entries[index].stamp.rawValue)
            if let value = entries[index].value {
                writer.write(1)
                value.encode(to: &writer)
            } else {
                writer.write(0)
            }
        }
    }

    /// - Parameter version: the local version that all entries take: the base's last.
    init(_ reader: inout ByteReader, version: UInt32) throws(DocumentError) {
        let count = try reader.count(atMost: reader.remaining / 18, "the number of writes")
        for _ in 0..<count {
            let dot = Dot(origin: OriginID(rawValue: try reader.fixed64()), sequence: try reader.varint())
            let stamp = HybridTimestamp(rawValue: try reader.fixed64())
            let form = try reader.byte()
            guard form <= 1, dot.sequence > 0 else { throw reader.damaged("an unknown form of write") }
            let value = form == 0 ? nil : try DocumentValue(&reader)
            let entry = RegisterEntry(version: version, dot: dot, stamp: stamp, value: value)
            guard entries.last.map({ Self.wins($0, over: entry) }) ?? true else { throw reader.damaged("writes are out of order") }
            entries.append(entry)
        }
    }

    init() {}

    init(_ only: RegisterEntry) { entries = [only] }
}
