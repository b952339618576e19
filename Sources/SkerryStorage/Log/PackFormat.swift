internal import CSkerryKernels

// The bytes of a pack; the grammar with a worked example is docs/formats/pack.md. All integers are little-endian.

/// The head of a pack file.
struct PackHeader: Sendable, Hashable {
    /// `SKPK`.
    static let magic: UInt32 = 0x4B50_4B53
    static let version: UInt8 = 1
    static let length = 64

    /// This pack's number: a renamed file is noticed.
    var number: UInt64
    /// Random, new for each pack: no bytes of another pack, or of the pack that used the same blocks before, pass for records of this one.
    var salt: UInt64
    /// The pack that was written before this one, 0 for the first, and where its last record ended.
    var previous: LogPosition

    func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: PackHeader.length)
        bytes.store(PackHeader.magic, at: 0)
        bytes[4] = PackHeader.version
        bytes.store(number, at: 8)
        bytes.store(salt, at: 16)
        bytes.store(previous.pack, at: 24)
        bytes.store(previous.offset, at: 32)
        bytes.store(crc32c(bytes[..<60]), at: 60)
        return bytes
    }

    init(number: UInt64, salt: UInt64, previous: LogPosition) {
        self.number = number
        self.salt = salt
        self.previous = previous
    }

    /// - Throws: `corrupt`; `newerFormat` when the header is sound but of a later version.
    init(_ bytes: [UInt8], path: String) throws(StorageError) {
        guard bytes.count == PackHeader.length, bytes.load(UInt32.self, at: 0) == PackHeader.magic else {
            throw StorageError(.corrupt, "no pack header", path: path)
        }
        guard bytes.load(UInt32.self, at: 60) == crc32c(bytes[..<60]) else {
            throw StorageError(.corrupt, "pack header does not match its checksum", path: path)
        }
        guard bytes[4] == PackHeader.version else {
            throw StorageError(.newerFormat, "pack of version \(bytes[4])", path: path)
        }
        self.init(
            number: bytes.load(UInt64.self, at: 8), salt: bytes.load(UInt64.self, at: 16),
            previous: LogPosition(pack: bytes.load(UInt64.self, at: 24), offset: bytes.load(UInt64.self, at: 32)))
    }
}

/// The frame before a record's fields.
struct RecordHeader: Sendable, Hashable {
    /// `SKRC`.
    static let magic: UInt32 = 0x4352_4B53
    static let version: UInt8 = 1

    var kind: UInt8
    var fieldsLength: UInt32
    var bodyLength: UInt32
    var bodyChecksum: UInt32
    /// How far this pack was known to be synced when the record was written. A sound record that says so proves that unreadable bytes
    /// before that offset are damage, not the tail that a crash tore off.
    var syncedOffset: UInt32

    /// Bytes of the whole record.
    var recordLength: UInt64 { UInt64(LogRecord.headerLength) + UInt64(fieldsLength) + UInt64(bodyLength) }

    /// Appends header and fields to `bytes`. The checksum covers the record's place too, by `salt` and `offset`.
    func append(fields: [UInt8], salt: UInt64, offset: UInt64, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: LogRecord.headerLength))
        bytes.store(RecordHeader.magic, at: start)
        bytes[start + 4] = RecordHeader.version
        bytes[start + 5] = kind
        bytes.store(fieldsLength, at: start + 8)
        bytes.store(bodyLength, at: start + 12)
        bytes.store(bodyChecksum, at: start + 16)
        bytes.store(syncedOffset, at: start + 20)
        var checksum = RecordHeader.seed(salt: salt, offset: offset)
        checksum = crc32c(bytes[start..<start + 28], after: checksum)
        bytes.store(crc32c(fields[...], after: checksum), at: start + 28)
        bytes.append(contentsOf: fields)
    }

    /// Reads the frame; its checksum is verified by ``isSound(_:fields:salt:offset:)``, once the fields are at hand.
    ///
    /// nil when the bytes cannot be a record: magic, version, reserved bytes or lengths are not those of one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= LogRecord.headerLength, bytes.load(UInt32.self, at: 0) == RecordHeader.magic,
            bytes[4] == RecordHeader.version, bytes.load(UInt16.self, at: 6) == 0, bytes.load(UInt32.self, at: 24) == 0
        else { return nil }
        kind = bytes[5]
        fieldsLength = bytes.load(UInt32.self, at: 8)
        bodyLength = bytes.load(UInt32.self, at: 12)
        bodyChecksum = bytes.load(UInt32.self, at: 16)
        syncedOffset = bytes.load(UInt32.self, at: 20)
        guard fieldsLength <= UInt32(LogRecord.fieldsMaximum), bodyLength <= UInt32(LogRecord.bodyMaximum) else { return nil }
    }

    init(kind: UInt8, fieldsLength: UInt32, bodyLength: UInt32, bodyChecksum: UInt32, syncedOffset: UInt32) {
        self.kind = kind
        self.fieldsLength = fieldsLength
        self.bodyLength = bodyLength
        self.bodyChecksum = bodyChecksum
        self.syncedOffset = syncedOffset
    }

    /// Whether header and fields, `bytes` from the record's first one on, are what was written at this place of this pack.
    static func isSound(_ bytes: UnsafeRawBufferPointer, fieldsLength: UInt32, salt: UInt64, offset: UInt64) -> Bool {
        guard bytes.count >= LogRecord.headerLength + Int(fieldsLength) else { return false }
        var checksum = crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<28]), after: seed(salt: salt, offset: offset))
        let fields = UnsafeRawBufferPointer(rebasing: bytes[LogRecord.headerLength..<LogRecord.headerLength + Int(fieldsLength)])
        checksum = crc32c(fields, after: checksum)
        return checksum == bytes.load(UInt32.self, at: 28)
    }

    private static func seed(salt: UInt64, offset: UInt64) -> UInt32 {
        withUnsafeBytes(of: (salt.littleEndian, offset.littleEndian)) { crc32c($0) }
    }
}

/// CRC-32C of `bytes`, going on from `checksum`.
func crc32c(_ bytes: UnsafeRawBufferPointer, after checksum: UInt32 = 0) -> UInt32 {
    skerry_crc32c(checksum, bytes.baseAddress, bytes.count)
}

func crc32c(_ bytes: ArraySlice<UInt8>, after checksum: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { crc32c($0, after: checksum) }
}

extension [UInt8] {
    mutating func store(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) { source in
            withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: source) }
        }
    }

    func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
        withUnsafeBytes { $0.load(type, at: offset) }
    }
}

extension UnsafeRawBufferPointer {
    func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
