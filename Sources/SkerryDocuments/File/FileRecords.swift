import SkerryCRDT
import SkerryStorage

/// A commit as it stands in a single file.
///
/// ```
/// commit  = settings writers name row flags [removed] [chunk] [snapshot] [stretches]
/// writers = first:integer count:integer origin:fixed*          those that this record names first
/// flags   = 1 removed | 2 chunk | 4 snapshot | 8 no snapshot any more | 16 no row any more
/// removed = first:integer count:integer
/// chunk   = number:integer length:integer                      its bytes are the first of the body
/// snapshot = length:integer                                    its bytes follow
/// ```
struct CommitRecord {
    var settings: StoreSettings
    /// The number of the first of ``newWriters``.
    var firstWriter: Int
    var newWriters: [OriginID]
    var row: DocumentRow
    var removed: Range<UInt64>?
    var chunk: (number: UInt64, length: Int)?
    var snapshotLength: Int?
    var removesSnapshot = false
    var removesRow = false

    init(_ commit: StorageCommit, settings: StoreSettings, firstWriter: Int, newWriters: [OriginID]) {
        self.settings = settings
        self.firstWriter = firstWriter
        self.newWriters = newWriters
        row = commit.row
        removed = commit.removed
        chunk = commit.chunk.map { ($0.number, $0.bytes.count) }
        snapshotLength = commit.snapshot?.count
        removesSnapshot = commit.removesSnapshot
        removesRow = commit.removesRow
    }

    /// - Parameter writers: knows every writer of the row already, among them ``newWriters``.
    func fields(_ writers: inout WriterTable) -> [UInt8] {
        var writer = FieldWriter()
        settings.write(to: &writer)
        writer.write(firstWriter)
        writer.write(newWriters.count)
        for origin in newWriters { writer.write(fixed: origin.rawValue) }
        writer.write(row.name)
        row.write(to: &writer, &writers)
        let flags =
            (removed != nil ? 1 : 0) | (chunk != nil ? 2 : 0) | (snapshotLength != nil ? 4 : 0) | (removesSnapshot ? 8 : 0)
            | (removesRow ? 16 : 0)
        writer.write(byte: UInt8(flags))
        if let removed {
            writer.write(removed.lowerBound)
            writer.write(removed.upperBound - removed.lowerBound)
        }
        if let chunk {
            writer.write(chunk.number)
            writer.write(chunk.length)
        }
        if let snapshotLength { writer.write(snapshotLength) }
        return writer.bytes
    }

    /// - Parameter writers: takes in the new ones. Those that only a damaged record named stay unknown; chunks name their writers
    ///   themselves.
    init(_ bytes: [UInt8], _ writers: inout WriterTable) throws(StorageError) {
        var reader = FieldReader(bytes)
        settings = try StoreSettings(&reader)
        firstWriter = try reader.readCount(maximum: 1 << 24)
        newWriters = []
        for _ in 0..<(try reader.readCount(maximum: reader.remaining / 8)) {
            newWriters.append(OriginID(rawValue: try reader.readFixed()))
        }
        while writers.origins.count < firstWriter { writers.appendUnknown() }
        for (index, origin) in newWriters.enumerated() {
            guard writers.number(of: origin) == UInt64(firstWriter + index) else {
                throw StorageError(.corrupt, "writer \(firstWriter + index) has another number already")
            }
        }
        let name = try reader.readString()
        row = try DocumentRow(name: name, &reader, writers)
        let flags = try reader.readByte()
        guard flags < 32 else { throw StorageError(.newerFormat, "a commit with flags \(flags)") }
        if flags & 1 != 0 {
            let first = try reader.readInteger(), count = try reader.readInteger()
            let (end, overflow) = first.addingReportingOverflow(count)
            guard !overflow else { throw StorageError(.corrupt, "a range of chunks is too large") }
            removed = first..<end
        }
        if flags & 2 != 0 { chunk = (try reader.readInteger(), try reader.readCount(maximum: FileFormat.bodyMaximum)) }
        if flags & 4 != 0 { snapshotLength = try reader.readCount(maximum: FileFormat.bodyMaximum) }
        removesSnapshot = flags & 8 != 0
        removesRow = flags & 16 != 0
    }
}

/// Everything that stands in a single file, and where.
struct FileDirectory: Sendable {
    struct Extent: Sendable, Hashable {
        var number: UInt64
        var offset: UInt64
        var length: Int
    }

    struct Document: Sendable {
        var row: DocumentRow
        /// By number.
        var chunks: [Extent] = []
        var snapshot: Extent?

        /// What the document takes in a file without dead bytes, about.
        var liveBytes: Int {
            (snapshot?.length ?? 0) + chunks.reduce(0) { $0 + $1.length + 96 } + 2 * (96 + row.name.utf8.count + 4 * row.version.dots.count)
        }
    }

    var settings: StoreSettings?
    var writers = WriterTable()
    var documents = NameTable<Document>()
    /// Stretches without a sound record.
    var quarantine: [Range<UInt64>] = []
    var liveBytes = 0

    /// Takes in a commit whose body begins at an offset.
    mutating func apply(_ record: CommitRecord, bodyAt offset: UInt64) {
        settings = record.settings
        let name = record.row.name
        var document = documents[name] ?? Document(row: record.row)
        liveBytes -= documents[name]?.liveBytes ?? 0
        // A name that is used again is another document.
        if document.row.number != record.row.number { document = Document(row: record.row) }
        document.row = record.row
        if let removed = record.removed { document.chunks.removeAll { removed.contains($0.number) } }
        var next = offset
        if let chunk = record.chunk {
            let extent = Extent(number: chunk.number, offset: next, length: chunk.length)
            let index = document.chunks.lastIndex { $0.number <= chunk.number }.map { $0 + 1 } ?? 0
            document.chunks.insert(extent, at: index)
            next += UInt64(chunk.length)
        }
        if record.removesSnapshot { document.snapshot = nil }
        if let length = record.snapshotLength { document.snapshot = Extent(number: 0, offset: next, length: length) }
        documents[name] = record.removesRow ? nil : document
        liveBytes += documents[name]?.liveBytes ?? 0
    }

    /// ```
    /// footer  = settings writers:integer origin:fixed* quarantined:integer (offset length)* documents:integer document*
    /// document = name row chunks:integer (number offset length)* (0 | 1 offset length)      ascending by name
    /// ```
    func footer() -> [UInt8] {
        var writer = FieldWriter(reserving: 256 + documents.count * 96)
        var writers = writers
        settings?.write(to: &writer)
        writer.write(writers.origins.count)
        for origin in writers.origins { writer.write(fixed: origin.rawValue) }
        writer.write(quarantine.count)
        for range in quarantine {
            writer.write(range.lowerBound)
            writer.write(range.upperBound - range.lowerBound)
        }
        writer.write(documents.count)
        for name in sortedNames {
            guard let document = documents[name] else { continue }
            writer.write(name)
            document.row.write(to: &writer, &writers)
            writer.write(document.chunks.count)
            for chunk in document.chunks {
                writer.write(chunk.number)
                writer.write(chunk.offset)
                writer.write(chunk.length)
            }
            writer.write(document.snapshot) { writer, snapshot in
                writer.write(snapshot.offset)
                writer.write(snapshot.length)
            }
        }
        return writer.bytes
    }

    init() {}

    /// - Parameter end: where the footer begins; everything it names lies before.
    init(footer bytes: [UInt8], end: UInt64) throws(StorageError) {
        var reader = FieldReader(bytes)
        settings = try StoreSettings(&reader)
        var origins: [OriginID] = []
        for _ in 0..<(try reader.readCount(maximum: reader.remaining / 8)) { origins.append(OriginID(rawValue: try reader.readFixed())) }
        writers = WriterTable(origins)
        for _ in 0..<(try reader.readCount(maximum: reader.remaining / 2)) {
            let extent = try FileDirectory.extent(&reader, number: 0, end: end)
            quarantine.append(extent.offset..<extent.offset + UInt64(extent.length))
        }
        let count = try reader.readCount(maximum: reader.remaining / 12)
        documents.reserveCapacity(count)
        for _ in 0..<count {
            let name = try reader.readString()
            var document = Document(row: try DocumentRow(name: name, &reader, writers))
            for _ in 0..<(try reader.readCount(maximum: reader.remaining / 3)) {
                let number = try reader.readInteger()
                document.chunks.append(try FileDirectory.extent(&reader, number: number, end: end))
            }
            document.snapshot = try reader.readOptional { reader throws(StorageError) in
                try FileDirectory.extent(&reader, number: 0, end: end)
            }
            documents[name] = document
            liveBytes += document.liveBytes
        }
    }

    private static func extent(_ reader: inout FieldReader, number: UInt64, end: UInt64) throws(StorageError) -> Extent {
        let offset = try reader.readInteger()
        let length = try reader.readCount(maximum: Int(clamping: end))
        guard offset <= end, UInt64(length) <= end - offset else { throw StorageError(.corrupt, "a footer points behind itself") }
        return Extent(number: number, offset: offset, length: length)
    }

    /// In the order of their bytes.
    var sortedNames: [String] { documents.names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
}
