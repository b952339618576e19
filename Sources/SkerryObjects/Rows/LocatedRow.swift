import SkerryStorage

/// A row that is a record of the log: where it stands, then its fields as they are.
///
/// A record is live exactly when its row still names its place.
enum LocatedRow {
    static func bytes(_ location: RecordLocation, _ fields: [UInt8]) -> [UInt8] {
        var writer = FieldWriter(reserving: fields.count + 16)
        writer.write(location)
        writer.write(raw: fields)
        return writer.bytes
    }

    static func parse(_ row: ArraySlice<UInt8>) throws(StorageError) -> (location: RecordLocation, fields: ArraySlice<UInt8>) {
        var reader = FieldReader(row)
        let location = try reader.readLocation()
        return (location, try reader.read(raw: reader.remaining))
    }

    static func location(_ row: [UInt8]) throws(StorageError) -> RecordLocation {
        var reader = FieldReader(row)
        return try reader.readLocation()
    }

    static func version(_ row: [UInt8]) throws(StorageError) -> VersionRecord {
        let (location, fields) = try parse(row[...])
        return try VersionRecord(fields: fields, location: location)
    }
}
