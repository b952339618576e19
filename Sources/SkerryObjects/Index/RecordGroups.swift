import SkerryStorage

/// Holds back the records of a group until the last of them has come.
struct RecordGroups {
    private var held: [(location: RecordLocation, record: LogRecord)] = []
    /// Records of the group that have not come yet.
    private var missing = 0

    /// Takes the next record of the log and returns those that count now, in order.
    mutating func add(_ location: RecordLocation, _ record: LogRecord) throws(StorageError) -> [(
        location: RecordLocation, record: LogRecord
    )] {
        if let first = held.first, first.location.position.pack != location.position.pack {
            held = []
            missing = 0
        }
        guard missing > 0 || record.kind == .group else { return [(location, record)] }
        if missing == 0 { missing = try GroupRecord(fields: record.fields).count } else { missing -= 1 }
        held.append((location, record))
        guard missing == 0 else { return [] }
        defer { held = [] }
        return held
    }
}

extension PackEngine {
    /// ``replay(from:_:)`` without the records of groups that a crash has torn.
    ///
    /// A replay that begins inside of a group takes its records one by one: whoever knows that place has seen the group whole.
    func replayGroups(
        from position: LogPosition, _ body: (RecordLocation, LogRecord) throws(StorageError) -> Bool
    ) throws(StorageError) {
        var groups = RecordGroups()
        try replay(from: position) { location, record throws(StorageError) in
            for (location, record) in try groups.add(location, record) {
                guard try body(location, record) else { return false }
            }
            return true
        }
    }
}
