/// What a ``PackLog`` knows under its lock.
struct PackLogState<File: OpenFile>: Sendable {
    enum Status: Sendable, Hashable {
        case open
        case failed
        case closed
    }

    /// Oldest first; the last one may be ``active``.
    var packs: [PackSummary]
    /// The pack that takes appends; nil when the next append begins one.
    var active: ActivePack<File>?
    var status = Status.open

    init(packs: [PackSummary]) { self.packs = packs }

    var end: LogPosition {
        if let active { return LogPosition(pack: active.number, offset: active.end) }
        guard let last = packs.last else { return .start }
        return LogPosition(pack: last.number, offset: last.length)
    }

    /// Everything before this is on disk: sealed packs are synced whole.
    var synced: LogPosition {
        guard let active else { return end }
        return LogPosition(pack: active.number, offset: active.synced)
    }

    var summaries: [PackSummary] {
        guard let active else { return packs }
        return packs.dropLast() + [PackSummary(number: active.number, length: active.end, isSealed: false)]
    }

    func verifyOpen() throws(StorageError) {
        guard status != .closed else { throw StorageError(.closed, "the log is closed") }
    }

    func verifyWritable() throws(StorageError) {
        try verifyOpen()
        guard status == .open else { throw StorageError(.failed, "a sync of the log failed; it takes no more writes") }
    }

    /// Runs `body`, after whose failure nobody knows what the disk holds.
    mutating func failing(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        do throws(StorageError) {
            try body()
        } catch {
            status = .failed
            throw error.with(code: .failed)
        }
    }
}

/// The pack that is being written. Its mutable state is touched under the log's lock alone.
// @unchecked Sendable: `end` and `synced` are read and written only inside PackLog.state.withLock; the rest is constant.
final class ActivePack<File: OpenFile>: @unchecked Sendable {
    /// Bodies from here on are written from where they lie; smaller ones are copied, which costs less than one more part of a write.
    private static var gatheredBodyMaximum: Int { 64 << 10 }

    let number: UInt64
    let salt: UInt64
    let file: File
    let capacity: UInt64
    /// First byte behind the last record.
    private(set) var end = UInt64(PackHeader.length)
    /// First byte that may not be on disk.
    var synced = UInt64(PackHeader.length)

    init(number: UInt64, salt: UInt64, file: File, capacity: UInt64) {
        self.number = number
        self.salt = salt
        self.file = file
        self.capacity = capacity
    }

    /// Writes the records at ``end``, which moves only if all of them were written.
    func append(_ records: [LogRecord], _ frames: [RecordHeader]) throws(StorageError) -> [RecordLocation] {
        var locations: [RecordLocation] = []
        locations.reserveCapacity(records.count)
        var gathered: [UInt8] = []
        var writeOffset = end
        var offset = end
        for (record, frame) in zip(records, frames) {
            var frame = frame
            frame.syncedOffset = UInt32(clamping: synced)
            frame.append(fields: record.fields, salt: salt, offset: offset, to: &gathered)
            let location = RecordLocation(
                position: LogPosition(pack: number, offset: offset), fieldsLength: frame.fieldsLength, bodyLength: frame.bodyLength)
            locations.append(location)
            offset = location.end.offset
            if record.body.count <= ActivePack.gatheredBodyMaximum {
                gathered.append(contentsOf: record.body)
            } else {
                try write(gathered[...], record.body, at: writeOffset)
                gathered.removeAll(keepingCapacity: true)
                writeOffset = offset
            }
        }
        if !gathered.isEmpty { try write(gathered[...], [], at: writeOffset) }
        end = offset
        return locations
    }

    private func write(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) {
        let outcome = first.withUnsafeBytes { first in
            second.withUnsafeBytes { second in
                Result { () throws(StorageError) in try file.write([first, second], at: offset) }
            }
        }
        try outcome.get()
    }
}

/// A sync that is to be made outside the log's lock.
struct PendingSync<File: OpenFile>: Sendable {
    var pack: ActivePack<File>
    var file: File
    /// End of the records it covers.
    var offset: UInt64
}
