import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// The record that makes a version: the version itself, whose chunks it refers to, and which versions it takes the place of.
struct VersionRecord: Sendable {
    var tenant: TenantID
    var version: ObjectVersion
    /// Versions that go with this write: the null version it replaces, or what it covers in an unversioned bucket.
    var replaces: [VersionID]

    var fields: [UInt8] {
        var writer = FieldWriter(reserving: 256)
        writer.write(fixed: tenant.rawValue)
        writer.write(fixed: version.bucket.rawValue)
        writer.write(version.key.bytes)
        writer.write(version.id)
        writer.write(byte: (version.isNull ? 1 : 0) | (version.isDeleteMarker ? 2 : 0))
        writer.write(version.dot)
        writer.write(version.context)
        writer.write(version.size)
        writer.write(version.etag)
        writer.write(version.checksum) { $0.write($1) }
        writer.write(version.metadata)
        writer.write(version.partCount)
        writer.write(version.body)
        writer.write(replaces.count)
        for id in replaces { writer.write(id) }
        return writer.bytes
    }

    init(tenant: TenantID, version: ObjectVersion, replaces: [VersionID]) {
        self.tenant = tenant
        self.version = version
        self.replaces = replaces
    }

    /// Decodes the fields of the record that stands at `location`.
    init(fields: ArraySlice<UInt8>, location: RecordLocation) throws(StorageError) {
        var reader = FieldReader(fields)
        tenant = TenantID(rawValue: try reader.readFixed())
        let bucket = BucketID(rawValue: try reader.readFixed())
        let key = try reader.readKey()
        let id = try reader.readVersionID()
        let flags = try reader.readByte()
        version = ObjectVersion(
            bucket: bucket, key: key, id: id, isNull: flags & 1 != 0, isDeleteMarker: flags & 2 != 0,
            dot: try reader.readDot(), context: try reader.readContext(), size: try reader.readInteger(), etag: try reader.readETag(),
            checksum: try reader.readOptional { reader throws(StorageError) in try reader.readObjectChecksum() },
            metadata: try reader.readMetadata(), partCount: try reader.readCount(maximum: 10_000), body: try reader.readBody(),
            location: location)
        replaces = []
        for _ in 0..<(try reader.readCount(maximum: 1_000_000)) { replaces.append(try reader.readVersionID()) }
    }
}

extension FieldWriter {
    mutating func write(_ body: ObjectBody) {
        switch body {
        case .inline: write(byte: 0)
        case .chunks(let chunks):
            write(byte: 1)
            write(chunks.count)
            for chunk in chunks {
                write(raw: chunk.digest.bytes)
                write(UInt64(chunk.length))
            }
        case .manifests(let count):
            write(byte: 2)
            write(count)
        }
    }
}

extension FieldReader {
    mutating func readBody() throws(StorageError) -> ObjectBody {
        switch try readByte() {
        case 0: return .inline
        case 1:
            var chunks: [ManifestEntry] = []
            for _ in 0..<(try readCount(maximum: ObjectBody.directChunksMaximum)) {
                let digest = try readDigest()
                chunks.append(ManifestEntry(digest: digest, length: try readCount(maximum: LogRecord.bodyMaximum)))
            }
            return .chunks(chunks)
        case 2: return .manifests(count: try readCount())
        case let kind: throw StorageError(.newerFormat, "an object body of kind \(kind), which this release does not know")
        }
    }
}
