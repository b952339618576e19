public import Logging
import SkerryCRDT
public import SkerryStorage

extension ObjectStore {
    /// Opens the store that the engines hold, and founds it on first use. Replays what the index lacks of the log.
    ///
    /// - Throws: `storage` with the engine's error; `invalidArgument` when the clock lies too far behind.
    public static func open(
        metadata: any MetadataEngine, packs: any PackEngine, blocking: any BlockingExecutor, options: StoreOptions = StoreOptions(),
        logger: Logger
    ) async throws(ObjectError) -> ObjectStore {
        let applied: AppliedRow
        do throws(StorageError) {
            applied = try await blocking.run { () throws(StorageError) in
                let applied = try replay(metadata: metadata, packs: packs, from: nil) { _, _ in }
                return applied.origin == nil ? try found(metadata: metadata, packs: packs, applied: applied, options: options) : applied
            }
        } catch {
            throw ObjectError(error)
        }
        try checkClock(applied, options)
        guard let origin = applied.origin else { throw ObjectError(StorageError(.corrupt, "the log does not say whose it is")) }
        return try ObjectStore(
            metadata: metadata, packs: packs, blocking: blocking, options: options, applied: applied, origin: origin, logger: logger)
    }

    /// How far into the log an index goes: a log opened with this need not look at what lies before. Blocks.
    public static func appliedPosition(of metadata: any MetadataEngine) throws(StorageError) -> LogPosition {
        guard let row = try metadata.get(.settings, IndexKey.applied) else { return .start }
        return try AppliedRow(row).position
    }

    /// Makes the index anew from the log alone and returns the number of records read. Blocks.
    ///
    /// - Parameter progress: Called now and then with the records and bytes read so far.
    @discardableResult
    public static func rebuild(
        metadata: any MetadataEngine, packs: any PackEngine, progress: (_ records: UInt64, _ bytes: UInt64) -> Void
    ) throws(ObjectError) -> UInt64 {
        var total: UInt64 = 0
        do throws(StorageError) {
            try metadata.clear()
            _ = try replay(metadata: metadata, packs: packs, from: .start) { records, bytes in
                total = records
                progress(records, bytes)
            }
            try metadata.flush()
        } catch {
            throw ObjectError(error)
        }
        return total
    }

    /// Records between two calls of a progress closure.
    private static let progressInterval: UInt64 = 10_000

    /// Brings the index up to the end of the log, from where it stands or from `position`.
    private static func replay(
        metadata: any MetadataEngine, packs: any PackEngine, from position: LogPosition?,
        progress: (_ records: UInt64, _ bytes: UInt64) -> Void
    ) throws(StorageError) -> AppliedRow {
        let row = try metadata.get(.settings, IndexKey.applied)
        let applied = try row.map { row throws(StorageError) in try AppliedRow(row) } ?? AppliedRow()
        var updater = ReplayUpdater(IndexUpdater(metadata: metadata, packs: packs, applied: applied))
        var records: UInt64 = 0
        var bytes: UInt64 = 0
        try packs.replayGroups(from: position ?? applied.position) { location, record throws(StorageError) in
            try updater.add(record, at: location)
            records += 1
            bytes += UInt64(record.fields.count + record.body.count)
            if records % progressInterval == 0 { progress(records, bytes) }
            return true
        }
        try updater.finish()
        progress(records, bytes)
        return updater.applied
    }

    /// Writes the first record of a new log.
    private static func found(
        metadata: any MetadataEngine, packs: any PackEngine, applied: AppliedRow, options: StoreOptions
    ) throws(StorageError) -> AppliedRow {
        let origin = OriginRecord(origin: OriginID(rawValue: options.randomIdentifier()), siteName: options.siteName)
        let record = LogRecord(kind: .origin, fields: origin.fields)
        let locations = try packs.append([record])
        try packs.sync()
        var updater = IndexUpdater(metadata: metadata, packs: packs, applied: applied)
        try updater.add(record, at: locations[0], .new)
        try updater.apply()
        return updater.applied
    }

    private static func checkClock(_ applied: AppliedRow, _ options: StoreOptions) throws(ObjectError) {
        let lag = HybridClock(highWater: applied.clock).lag(now: options.now())
        guard lag <= StoreOptions.clockLagMaximum || options.allowClockBehind else {
            throw ObjectError(
                .invalidArgument,
                "The clock of this machine is \(lag / 1000) s behind the newest object in the store; set it, or start with --allow-clock-behind."
            )
        }
    }
}
