import SkerryStorage

/// The batches of an engine as records of its log.
///
/// An engine's tables lose what was applied since their last flush; the log holds it. A record carries changes of rows as they are, so that
/// replaying is applying, and applying twice is applying once.
enum EngineLog {
    /// Numbers of records below belong to the object store.
    static let batch = LogRecord.Kind(rawValue: 32)
    /// Bytes of changes in one record, about: a group larger than this takes several, which count together or not at all.
    static let recordBytes = 4 << 20

    /// One record's place in its group, and the settings as of it.
    struct Head {
        var index: Int
        var count: Int
        var settings: StoreSettings
    }

    static func records(_ batch: MetadataBatch, _ settings: StoreSettings) -> [LogRecord] {
        var bodies: [FieldWriter] = [FieldWriter(reserving: 512)]
        for change in batch.changes {
            if bodies[bodies.count - 1].bytes.count >= recordBytes { bodies.append(FieldWriter(reserving: 512)) }
            write(change, to: &bodies[bodies.count - 1])
        }
        return bodies.enumerated().map { index, body in
            var fields = FieldWriter()
            fields.write(index)
            fields.write(bodies.count)
            settings.write(to: &fields)
            return LogRecord(kind: EngineLog.batch, fields: fields.bytes, body: body.bytes[...])
        }
    }

    static func head(of record: LogRecord) throws(StorageError) -> Head {
        guard record.kind == batch else { throw StorageError(.foreign, "the log holds a record of kind \(record.kind.rawValue)") }
        var reader = FieldReader(record.fields)
        let index = try reader.readCount(maximum: 1 << 20), count = try reader.readCount(maximum: 1 << 20)
        return Head(index: index, count: count, settings: try StoreSettings(&reader))
    }

    /// ```
    /// change = 0 family key value | 1 family key | 2 family lower (0 | 1 upper)
    /// ```
    private static func write(_ change: MetadataBatch.Change, to writer: inout FieldWriter) {
        switch change {
        case .put(let family, let key, let value):
            writer.write(byte: 0)
            writer.write(byte: family.rawValue)
            writer.write(key)
            writer.write(value)
        case .remove(let family, let key):
            writer.write(byte: 1)
            writer.write(byte: family.rawValue)
            writer.write(key)
        case .removeRange(let family, let range):
            writer.write(byte: 2)
            writer.write(byte: family.rawValue)
            writer.write(range.lower)
            writer.write(range.upper) { $0.write($1) }
        }
    }

    /// Adds the changes of a record to a batch.
    static func read(_ record: LogRecord, into batch: inout MetadataBatch) throws(StorageError) {
        var reader = FieldReader(record.body)
        while !reader.isAtEnd {
            let kind = try reader.readByte()
            guard let family = MetadataFamily(rawValue: try reader.readByte()) else { throw StorageError(.newerFormat, "an unknown table") }
            switch kind {
            case 0:
                let key = try reader.readBytes()
                batch.put(family, key, try reader.readBytes())
            case 1: batch.remove(family, try reader.readBytes())
            case 2:
                let lower = try reader.readBytes()
                let upper = try reader.readOptional { reader throws(StorageError) in try reader.readBytes() }
                batch.remove(family, in: KeyRange(lower: lower, upper: upper))
            default: throw StorageError(.newerFormat, "a change of kind \(kind)")
            }
        }
    }
}
