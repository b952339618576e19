import SkerryStorage

/// The settings as they stand in an engine, with how far into the log its rows go.
struct EngineSettingsRow: Sendable {
    /// The first place in the log that is not yet in the rows.
    var applied: LogPosition
    var settings: StoreSettings

    init(applied: LogPosition, settings: StoreSettings) {
        self.applied = applied
        self.settings = settings
    }

    var bytes: [UInt8] {
        var writer = FieldWriter()
        writer.write(applied.pack)
        writer.write(applied.offset)
        settings.write(to: &writer)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(StorageError) {
        var reader = FieldReader(bytes)
        applied = LogPosition(pack: try reader.readInteger(), offset: try reader.readInteger())
        settings = try StoreSettings(&reader)
    }
}
