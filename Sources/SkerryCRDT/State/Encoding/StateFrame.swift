/// The frame around an encoded state. See `docs/formats/state.md`.
enum StateFrame {
    static let magic: UInt32 = 0x5453_4B53
    static let version: UInt8 = 1
    static let headerLength = 16

    static func wrap(_ body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(fixed: magic)
        writer.write(version)
        for _ in 0..<3 { writer.write(0) }
        writer.write(fixed: UInt32(body.count))
        body.withUnsafeBufferPointer { body in
            writer.write(fixed: CRC32C.checksum(body, after: CRC32C.checksum(writer.bytes.elements)))
            writer.write(body)
        }
        return writer.finish()
    }

    /// The body; its checksum has been verified.
    static func unwrap(_ bytes: UnsafeBufferPointer<UInt8>) throws(DocumentError) -> UnsafeBufferPointer<UInt8> {
        var reader = ByteReader(bytes)
        let header = try reader.bytes(12)
        var fields = ByteReader(header)
        guard try fields.fixed32() == magic else { throw DocumentError(code: .corrupt, message: "not a state", offset: 0) }
        let version = try fields.byte()
        let reserved = try fields.byte() | fields.byte() | fields.byte()
        let length = Int(try fields.fixed32())
        let checksum = try reader.fixed32()
        guard length <= StateReader.bytesMaximum else {
            throw DocumentError(code: .limitExceeded, message: "a state of \(length) bytes", offset: 8)
        }
        guard length == reader.remaining else { throw reader.damaged("a state is not as long as it says") }
        let body = try reader.bytes(length)
        guard CRC32C.checksum(body, after: CRC32C.checksum(header)) == checksum else {
            throw DocumentError(code: .corrupt, message: "the checksum of a state is wrong", offset: 12)
        }
        // Verified first, so that a newer state is told apart from a damaged one.
        guard version == Self.version, reserved == 0 else {
            throw DocumentError(code: .unsupportedVersion, message: "a state of version \(version)", offset: 4)
        }
        return body
    }
}
