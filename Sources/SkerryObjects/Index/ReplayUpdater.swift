import SkerryStorage

/// Replays records into the index, many in one batch.
///
/// A record looks only at rows of its own key, so records of different keys may share a batch; a key that comes again, and records of
/// settings and uploads, are preceded by an application of what waits.
struct ReplayUpdater {
    /// Records that share a batch.
    private static let groupMaximum = 512

    private var updater: IndexUpdater
    private var keys = Set<Key>()
    private var waiting = 0

    private struct Key: Hashable {
        var bucket: BucketID
        var key: ObjectKey
    }

    init(_ updater: IndexUpdater) { self.updater = updater }

    var applied: AppliedRow { updater.applied }

    mutating func add(_ record: LogRecord, at location: RecordLocation) throws(StorageError) {
        let reads = try Reads(record, location)
        if conflicts(reads) || waiting >= ReplayUpdater.groupMaximum { try finish() }
        if case .key(let key) = reads { keys.insert(key) }
        try updater.add(record, at: location, .replayed)
        waiting += 1
    }

    /// Applies what waits.
    mutating func finish() throws(StorageError) {
        guard waiting > 0 else { return }
        try updater.apply()
        keys = []
        waiting = 0
    }

    private func conflicts(_ reads: Reads) -> Bool {
        switch reads {
        case .nothing: false
        case .key(let key): keys.contains(key)
        case .anything: true
        }
    }

    /// Which rows a record looks at before it makes its own.
    private enum Reads {
        case nothing
        case key(Key)
        case anything

        init(_ record: LogRecord, _ location: RecordLocation) throws(StorageError) {
            switch record.kind {
            case .chunk, .manifest: self = .nothing
            case .version:
                let version = try VersionRecord(fields: record.fields[...], location: location).version
                self = .key(Key(bucket: version.bucket, key: version.key))
            case .tombstone:
                let tombstone = try TombstoneRecord(fields: record.fields)
                self = .key(Key(bucket: tombstone.bucket, key: tombstone.key))
            default: self = .anything
            }
        }
    }
}
