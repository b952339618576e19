import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// What a commit sees and makes while it is evaluated: the index with every commit before it, stamps, and the records to append.
struct CommitContext {
    let metadata: any MetadataEngine
    let packs: any PackEngine
    let origin: OriginID
    /// Milliseconds since 1970.
    let now: UInt64

    private(set) var clock: HybridClock
    private(set) var sequence: UInt64
    private(set) var records: [Draft] = []
    /// Rows to remove for which the log needs no record.
    private(set) var removals: [Removal] = []
    /// What becomes of memory once the group is in the index.
    private(set) var effects: [@Sendable () -> Void] = []

    struct Draft: Sendable {
        var record: LogRecord
        var arrival: RecordArrival
    }

    enum Removal: Sendable {
        case block(TenantID, Digest, Manifest?)
        case row(MetadataFamily, [UInt8])
    }

    init(
        metadata: any MetadataEngine, packs: any PackEngine, origin: OriginID, now: UInt64, clock: HybridClock, sequence: UInt64
    ) {
        self.metadata = metadata
        self.packs = packs
        self.origin = origin
        self.now = now
        self.clock = clock
        self.sequence = sequence
    }

    /// A stamp greater than all before it.
    mutating func stamp() -> VersionID { VersionID(time: clock.next(now: now), origin: origin) }

    /// The number of the write that is being evaluated.
    mutating func nextDot() -> Dot {
        sequence += 1
        return Dot(origin: origin, sequence: sequence)
    }

    mutating func append(_ record: LogRecord) { records.append(Draft(record: record, arrival: .new)) }

    /// Appends a record that stands in the log already, to be found at its new place from now on.
    mutating func move(_ record: LogRecord) { records.append(Draft(record: record, arrival: .moved)) }

    mutating func remove(_ removal: Removal) { removals.append(removal) }

    mutating func whenCommitted(_ effect: @escaping @Sendable () -> Void) { effects.append(effect) }

    /// A point to which what follows can be taken back.
    struct Mark {
        fileprivate var sequence: UInt64
        fileprivate var records: Int
        fileprivate var removals: Int
        fileprivate var effects: Int
    }

    var mark: Mark { Mark(sequence: sequence, records: records.count, removals: removals.count, effects: effects.count) }

    /// Ends what began at the mark: several records of one commit count together or not at all, also when a crash tears the log between them.
    mutating func close(since mark: Mark) {
        let count = records.count - mark.records
        guard count > 1, records[mark.records].arrival == .new else { return }
        let head = LogRecord(kind: .group, fields: GroupRecord(count: count).fields)
        records.insert(Draft(record: head, arrival: .new), at: mark.records)
    }

    /// Takes back what was added since the mark; only the clock keeps running.
    mutating func revert(to mark: Mark) {
        sequence = mark.sequence
        records.removeSubrange(mark.records...)
        removals.removeSubrange(mark.removals...)
        effects.removeSubrange(mark.effects...)
    }
}
