import SkerryChunks
import SkerryCRDT
import SkerryStorage

// How the values of the model stand in records and rows; the grammar is docs/formats/metadata.md.

extension FieldWriter {
    mutating func write(_ id: VersionID) {
        write(fixed: id.time.rawValue)
        write(fixed: id.origin.rawValue)
    }

    mutating func write(_ dot: Dot) {
        write(fixed: dot.origin.rawValue)
        write(dot.sequence)
    }

    mutating func write(_ context: CausalContext) {
        write(context.dots.count)
        for dot in context.dots { write(dot) }
    }

    mutating func write(_ etag: ETag) {
        write(raw: etag.md5.bytes)
        write(etag.partCount)
    }

    mutating func write(_ checksum: ChecksumValue) {
        write(byte: checksum.algorithm.rawValue)
        write(checksum.bytes)
    }

    mutating func write(_ checksum: ObjectChecksum) {
        write(checksum.value)
        write(byte: checksum.kind.rawValue)
        write(checksum.partCount)
    }

    mutating func write(_ metadata: ObjectMetadata) {
        write(metadata.contentType) { $0.write($1) }
        for fields in [metadata.headers, metadata.user] {
            write(fields.count)
            for field in fields {
                write(field.name)
                write(field.value)
            }
        }
    }

    mutating func write(_ location: RecordLocation) {
        write(location.position.pack)
        write(location.position.offset)
        write(UInt64(location.fieldsLength))
        write(UInt64(location.bodyLength))
    }
}

extension FieldReader {
    mutating func readVersionID() throws(StorageError) -> VersionID {
        VersionID(time: HybridTimestamp(rawValue: try readFixed()), origin: OriginID(rawValue: try readFixed()))
    }

    mutating func readDot() throws(StorageError) -> Dot {
        Dot(origin: OriginID(rawValue: try readFixed()), sequence: try readInteger())
    }

    mutating func readContext() throws(StorageError) -> CausalContext {
        var context = CausalContext()
        for _ in 0..<(try readCount(maximum: 100_000)) { context.insert(try readDot()) }
        return context
    }

    mutating func readETag() throws(StorageError) -> ETag {
        let md5 = try readMD5()
        return ETag(md5: md5, partCount: try readCount(maximum: 10_000))
    }

    mutating func readMD5() throws(StorageError) -> MD5Digest {
        guard let digest = MD5Digest(bytes: try read(raw: 16)) else { throw StorageError(.corrupt, "record fields: no MD5") }
        return digest
    }

    mutating func readDigest() throws(StorageError) -> Digest {
        guard let digest = Digest(bytes: try read(raw: 32)) else { throw StorageError(.corrupt, "record fields: no digest") }
        return digest
    }

    mutating func readChecksum() throws(StorageError) -> ChecksumValue {
        let number = try readByte()
        let bytes = try readBytes()
        guard let algorithm = ChecksumAlgorithm(rawValue: number), let value = ChecksumValue(algorithm, bytes: bytes) else {
            throw StorageError(.corrupt, "record fields: checksum of algorithm \(number) with \(bytes.count) bytes")
        }
        return value
    }

    mutating func readObjectChecksum() throws(StorageError) -> ObjectChecksum {
        let value = try readChecksum()
        guard let kind = ChecksumType(rawValue: try readByte()) else { throw StorageError(.corrupt, "record fields: checksum kind") }
        return ObjectChecksum(value: value, kind: kind, partCount: try readCount(maximum: 10_000))
    }

    mutating func readMetadata() throws(StorageError) -> ObjectMetadata {
        let contentType = try readOptional { reader throws(StorageError) in try reader.readString() }
        return ObjectMetadata(contentType: contentType, headers: try readMetadataFields(), user: try readMetadataFields())
    }

    private mutating func readMetadataFields() throws(StorageError) -> [ObjectMetadata.Field] {
        var fields: [ObjectMetadata.Field] = []
        for _ in 0..<(try readCount(maximum: 10_000)) {
            let name = try readString()
            fields.append(ObjectMetadata.Field(name: name, value: try readString()))
        }
        return fields
    }

    mutating func readKey() throws(StorageError) -> ObjectKey { ObjectKey(trusted: try readBytes()) }

    mutating func readLocation() throws(StorageError) -> RecordLocation {
        let position = LogPosition(pack: try readInteger(), offset: try readInteger())
        let fields = try readCount(maximum: Int(UInt32.max))
        let body = try readCount(maximum: Int(UInt32.max))
        return RecordLocation(position: position, fieldsLength: UInt32(fields), bodyLength: UInt32(body))
    }
}
