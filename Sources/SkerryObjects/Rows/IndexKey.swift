import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// The keys of the index; the layouts are fixed by the format (`docs/formats/metadata.md`).
enum IndexKey {
    // MARK: versions

    /// Before every version of the key, and of no other key.
    private static func versionsPrefix(_ bucket: BucketID, _ key: ObjectKey) -> [UInt8] {
        var bytes = start(bucket, reserving: key.bytes.count + 30)
        appendEscaped(key.bytes, to: &bytes)
        bytes.append(contentsOf: [0, 0])
        return bytes
    }

    static func version(_ bucket: BucketID, _ key: ObjectKey, _ id: VersionID) -> [UInt8] {
        var bytes = versionsPrefix(bucket, key)
        append(~id.time.rawValue, to: &bytes)
        append(~id.origin.rawValue, to: &bytes)
        return bytes
    }

    /// All versions of a key, newest first.
    static func versions(of key: ObjectKey, in bucket: BucketID) -> KeyRange { KeyRange(prefix: versionsPrefix(bucket, key)) }

    /// Behind every version of the key: its rows go on with two zeros, those of longer keys with 0, 255 or more than 0.
    static func versionsEnd(of key: ObjectKey, in bucket: BucketID) -> [UInt8] { versionsStart(bucket, rawPrefix: key.bytes) + [0, 1] }

    static func versions(of bucket: BucketID) -> KeyRange { KeyRange(prefix: start(bucket)) }

    /// Where the keys with the raw prefix begin in `versions`.
    static func versionsStart(_ bucket: BucketID, rawPrefix: [UInt8]) -> [UInt8] {
        var bytes = start(bucket, reserving: rawPrefix.count + 8)
        appendEscaped(rawPrefix, to: &bytes)
        return bytes
    }

    /// Key and version of a row of `versions`.
    static func parseVersion(_ row: UnsafeRawBufferPointer) throws(StorageError) -> (key: ObjectKey, id: VersionID) {
        var key: [UInt8] = []
        key.reserveCapacity(row.count)
        var index = 8
        while index + 1 < row.count {
            if row[index] != 0 {
                key.append(row[index])
                index += 1
            } else if row[index + 1] == 0xFF {
                key.append(0)
                index += 2
            } else {
                break
            }
        }
        index += 2
        guard row.count == index + 16 else { throw StorageError(.corrupt, "versions row of \(row.count) bytes has no version") }
        let id = VersionID(
            time: HybridTimestamp(rawValue: ~integer(row, at: index)), origin: OriginID(rawValue: ~integer(row, at: index + 8)))
        return (ObjectKey(trusted: key), id)
    }

    // MARK: current

    static func current(_ bucket: BucketID, _ key: ObjectKey) -> [UInt8] { current(bucket, raw: key.bytes) }

    static func current(_ bucket: BucketID, raw key: [UInt8]) -> [UInt8] {
        var bytes = start(bucket, reserving: key.count + 8)
        bytes.append(contentsOf: key)
        return bytes
    }

    // MARK: chunks and references

    static func chunk(_ tenant: TenantID, _ digest: Digest) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(73)
        append(tenant.rawValue, to: &bytes)
        bytes.append(contentsOf: digest.bytes)
        return bytes
    }

    static func parseChunk(_ row: UnsafeRawBufferPointer) throws(StorageError) -> (tenant: TenantID, digest: Digest) {
        guard row.count >= 40, let digest = Digest(bytes: row[8..<40]) else {
            throw StorageError(.corrupt, "chunk row has a key of \(row.count) bytes")
        }
        return (TenantID(rawValue: integer(row, at: 0)), digest)
    }

    static func reference(_ tenant: TenantID, _ digest: Digest, from referrer: Referrer) -> [UInt8] {
        var bytes = chunk(tenant, digest)
        switch referrer {
        case .version(let id):
            bytes.append(UInt8(ascii: "v"))
            append(id, to: &bytes)
        case .part(let id):
            bytes.append(UInt8(ascii: "p"))
            append(id, to: &bytes)
        case .manifest(let digest):
            bytes.append(UInt8(ascii: "m"))
            bytes.append(contentsOf: digest.bytes)
        }
        return bytes
    }

    // MARK: uploads

    static func upload(_ bucket: BucketID, _ key: ObjectKey, _ id: UploadID) -> [UInt8] {
        var bytes = uploadsStart(bucket, rawPrefix: key.bytes)
        bytes.append(contentsOf: [0, 0])
        append(id, to: &bytes)
        return bytes
    }

    static func uploads(of bucket: BucketID) -> KeyRange { KeyRange(prefix: uploadsStart(bucket, rawPrefix: [])) }

    /// Behind every upload of the key, as ``versionsEnd(of:in:)``.
    static func uploadsEnd(of key: ObjectKey, in bucket: BucketID) -> [UInt8] { uploadsStart(bucket, rawPrefix: key.bytes) + [0, 1] }

    static func uploadsStart(_ bucket: BucketID, rawPrefix: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [1]
        append(bucket.rawValue, to: &bytes)
        appendEscaped(rawPrefix, to: &bytes)
        return bytes
    }

    static func part(_ upload: UploadID, _ number: Int) -> [UInt8] {
        var bytes: [UInt8] = [2]
        append(upload, to: &bytes)
        withUnsafeBytes(of: UInt32(number).bigEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    static func parts(of upload: UploadID) -> KeyRange {
        var bytes: [UInt8] = [2]
        append(upload, to: &bytes)
        return KeyRange(prefix: bytes)
    }

    static func completion(_ upload: UploadID) -> [UInt8] {
        var bytes: [UInt8] = [3]
        append(upload, to: &bytes)
        return bytes
    }

    static let completions = KeyRange(prefix: [3])

    // MARK: feed and settings

    static func feed(_ dot: Dot) -> [UInt8] {
        var bytes: [UInt8] = []
        append(dot.origin.rawValue, to: &bytes)
        append(dot.sequence, to: &bytes)
        return bytes
    }

    static func bucket(_ name: String) -> [UInt8] { [UInt8(ascii: "b")] + Array(name.utf8) }
    static func user(_ id: String) -> [UInt8] { [UInt8(ascii: "u")] + Array(id.utf8) }
    static func accessKey(_ id: String) -> [UInt8] { [UInt8(ascii: "k")] + Array(id.utf8) }
    /// How far into the log the index goes, and what the committer must not forget.
    static let applied: [UInt8] = [UInt8(ascii: "a")]

    // MARK: pieces

    private static func start(_ bucket: BucketID, reserving extra: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + extra)
        append(bucket.rawValue, to: &bytes)
        return bytes
    }

    private static func append(_ id: VersionID, to bytes: inout [UInt8]) {
        append(id.time.rawValue, to: &bytes)
        append(id.origin.rawValue, to: &bytes)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// 0x00 becomes 0x00 0xFF, so that a terminator of two zeros keeps the order of the raw keys.
    private static func appendEscaped(_ key: [UInt8], to bytes: inout [UInt8]) {
        guard key.contains(0) else {
            bytes.append(contentsOf: key)
            return
        }
        for byte in key {
            bytes.append(byte)
            if byte == 0 { bytes.append(0xFF) }
        }
    }

    private static func integer(_ row: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        UInt64(bigEndian: row.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

/// What keeps a chunk or manifest.
enum Referrer: Sendable, Hashable {
    case version(VersionID)
    case part(VersionID)
    case manifest(Digest)
}
