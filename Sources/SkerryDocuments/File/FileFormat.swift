import SkerryCRDT
import SkerryStorage

/// The bytes of a single file of documents; `docs/formats/documents.md` is the grammar.
enum FileFormat {
    static let magic: UInt32 = 0x4644_4B53
    static let recordMagic: UInt32 = 0x5244_4B53
    static let version: UInt8 = 1
    /// Header and slots together; records follow.
    static let headerLength = 128
    static let slotLength = 32
    static let frameLength = 32
    /// Fields of one record, bytes: a footer's directory is the longest.
    static let fieldsMaximum = 1 << 30
    static let bodyMaximum = 1 << 30

    enum Kind {
        static let commit: UInt8 = 1
        static let footer: UInt8 = 2
        static let settings: UInt8 = 3
    }

    static func header(salt: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerLength)
        bytes.put(magic, at: 0)
        bytes[4] = version
        bytes.put(salt, at: 8)
        bytes.put(bytes.checksum(0..<60), at: 60)
        return bytes
    }

    /// The salt of a file.
    static func salt(ofHeader bytes: [UInt8], path: String) throws(StorageError) -> UInt64 {
        guard bytes.count >= headerLength, bytes.get(UInt32.self, at: 0) == magic else {
            throw StorageError(.foreign, "this is no file of documents", path: path)
        }
        guard bytes.get(UInt32.self, at: 60) == bytes.checksum(0..<60) else {
            throw StorageError(.corrupt, "the header is damaged", path: path)
        }
        // Verified first, so that a newer file is told apart from a damaged one.
        guard bytes[4] == version else { throw StorageError(.newerFormat, "a file of version \(bytes[4])", path: path) }
        return bytes.get(UInt64.self, at: 8)
    }

    /// Where a footer is, in one of two slots that take turns.
    struct Slot: Sendable, Hashable {
        var counter: UInt64
        var offset: UInt64

        /// Where the slot itself stands.
        var position: UInt64 { 64 + (counter & 1) * UInt64(slotLength) }

        func bytes(salt: UInt64) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: slotLength)
            bytes.put(counter, at: 0)
            bytes.put(offset, at: 8)
            bytes.put(bytes.checksum(0..<28, salt: salt, offset: position), at: 28)
            return bytes
        }

        /// The sound slots of a header, the newest first.
        static func read(_ header: [UInt8], salt: UInt64) -> [Slot] {
            let slots = [64, 64 + slotLength].compactMap { position -> Slot? in
                let bytes = Array(header[position..<position + slotLength])
                let slot = Slot(counter: bytes.get(UInt64.self, at: 0), offset: bytes.get(UInt64.self, at: 8))
                guard slot.counter > 0, slot.position == UInt64(position),
                    bytes.get(UInt32.self, at: 28) == bytes.checksum(0..<28, salt: salt, offset: UInt64(position))
                else { return nil }
                return slot
            }
            return slots.sorted { $0.counter > $1.counter }
        }
    }

    /// What stands before a record's fields and body.
    struct Frame: Sendable, Hashable {
        var kind: UInt8
        var fieldsLength: Int
        var bodyLength: Int
        var bodyChecksum: UInt32
        /// How far the file was known to be on disk when the record was written.
        var synced: UInt64

        var recordLength: Int { frameLength + fieldsLength + bodyLength }

        func bytes(_ fields: [UInt8], salt: UInt64, offset: UInt64) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: frameLength)
            bytes.put(recordMagic, at: 0)
            bytes[4] = version
            bytes[5] = kind
            bytes.put(UInt32(fieldsLength), at: 8)
            bytes.put(UInt32(bodyLength), at: 12)
            bytes.put(bodyChecksum, at: 16)
            bytes.put(synced, at: 20)
            bytes.put(fields.checksum(fields.indices, after: bytes.checksum(0..<28, salt: salt, offset: offset)), at: 28)
            return bytes
        }

        /// nil when this is no frame, or one of lengths that cannot be.
        init?(_ bytes: ArraySlice<UInt8>) {
            let bytes = Array(bytes)
            guard bytes.count >= frameLength, bytes.get(UInt32.self, at: 0) == recordMagic else { return nil }
            kind = bytes[5]
            fieldsLength = Int(bytes.get(UInt32.self, at: 8))
            bodyLength = Int(bytes.get(UInt32.self, at: 12))
            bodyChecksum = bytes.get(UInt32.self, at: 16)
            synced = bytes.get(UInt64.self, at: 20)
            guard fieldsLength <= fieldsMaximum, bodyLength <= bodyMaximum else { return nil }
        }

        init(kind: UInt8, fields: [UInt8], body: [UInt8], synced: UInt64) {
            self.kind = kind
            fieldsLength = fields.count
            bodyLength = body.count
            bodyChecksum = body.checksum(body.indices)
            self.synced = synced
        }
    }

    /// A record as it is appended. Salt and offset bind it to its place, so that bytes from elsewhere never read as records of this file.
    static func record(kind: UInt8, fields: [UInt8], body: [UInt8], synced: UInt64, salt: UInt64, offset: UInt64) -> [UInt8] {
        let frame = Frame(kind: kind, fields: fields, body: body, synced: synced)
        return frame.bytes(fields, salt: salt, offset: offset) + fields + body
    }
}

extension [UInt8] {
    func get<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
    }

    mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) { replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    func checksum(_ range: Range<Int>, after before: UInt32 = 0) -> UInt32 {
        withUnsafeBytes { Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0[range]), after: before) }
    }

    /// Bound to a file and a place in it.
    func checksum(_ range: Range<Int>, salt: UInt64, offset: UInt64) -> UInt32 {
        let seed = Swift.withUnsafeBytes(of: (salt.littleEndian, offset.littleEndian)) { Checksum.crc32c($0) }
        return checksum(range, after: seed)
    }
}
