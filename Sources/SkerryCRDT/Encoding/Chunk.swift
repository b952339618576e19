/// The frame around what a document writes: magic, version, kind, length, checksum. See `docs/formats/document.md`.
enum Chunk {
    enum Kind: UInt8 {
        case history = 1
        case snapshot = 2
    }

    static let magic: UInt32 = 0x4344_4B53
    static let version: UInt8 = 1
    /// The version of chunks with marks in them, which older readers do not know.
    static let versionWithMarks: UInt8 = 2
    static let headerLength = 16
    /// Bytes of a body.
    static let bodyMaximum = 256 << 20

    /// Puts a frame around a body.
    static func wrap(_ kind: Kind, _ body: borrowing ByteWriter, hasMarks: Bool = false, into writer: inout ByteWriter) {
        writeHeader(kind, body, hasMarks, to: &writer)
        writer.write(body.bytes.elements)
    }

    private static func writeHeader(_ kind: Kind, _ body: borrowing ByteWriter, _ hasMarks: Bool, to writer: inout ByteWriter) {
        var header = ByteWriter()
        header.write(fixed: magic)
        header.write(hasMarks ? versionWithMarks : version)
        header.write(kind.rawValue)
        header.write(0)
        header.write(0)
        header.write(fixed: UInt32(body.bytes.count))
        let checksum = CRC32C.checksum(body.bytes.elements, after: CRC32C.checksum(header.bytes.elements))
        header.write(fixed: checksum)
        writer.write(header.bytes.elements)
    }

    /// A chunk on its own, as bytes.
    static func wrapped(_ kind: Kind, _ body: borrowing ByteWriter, hasMarks: Bool = false) -> [UInt8] {
        var header = ByteWriter()
        writeHeader(kind, body, hasMarks, to: &header)
        let first = header.bytes.elements, rest = body.bytes.elements
        return [UInt8](unsafeUninitializedCapacity: first.count + rest.count) { buffer, count in
            _ = buffer[..<first.count].initialize(fromContentsOf: first)
            _ = buffer[first.count...].initialize(fromContentsOf: rest)
            count = first.count + rest.count
        }
    }

    /// Reads the next chunk; its checksum has been verified.
    static func next(_ reader: inout ByteReader) throws(DocumentError)
        -> (kind: Kind, body: UnsafeBufferPointer<UInt8>, hasMarks: Bool)
    {
        let start = reader.offset
        let header = try reader.bytes(12)
        var fields = ByteReader(header)
        guard try fields.fixed32() == magic else {
            throw DocumentError(code: .corrupt, message: "not a chunk of a document", offset: start)
        }
        let version = try fields.byte(), kind = try fields.byte()
        let reserved = UInt16(try fields.byte()) | UInt16(try fields.byte())
        let length = Int(try fields.fixed32())
        let checksum = try reader.fixed32()
        guard length <= bodyMaximum else {
            throw DocumentError(code: .limitExceeded, message: "a chunk of \(length) bytes", offset: start)
        }
        let body = try reader.bytes(length)
        guard CRC32C.checksum(body, after: CRC32C.checksum(header)) == checksum else {
            throw DocumentError(code: .corrupt, message: "the checksum of a chunk is wrong", offset: start)
        }
        // Verified first, so that a newer chunk is told apart from a damaged one.
        guard version == Self.version || version == versionWithMarks, reserved == 0, let kind = Kind(rawValue: kind) else {
            throw DocumentError(code: .unsupportedVersion, message: "a chunk of version \(version), kind \(kind)", offset: start)
        }
        return (kind, body, version == versionWithMarks)
    }
}
