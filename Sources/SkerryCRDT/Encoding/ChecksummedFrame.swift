/// A frame that is one whole thing: magic, version, length, checksum, body. What states and presence travel in.
///
/// ```
/// frame = magic:4 version:1 0:3 length:4 crc32c:4 body        the checksum covers the first twelve bytes and the body
/// ```
struct ChecksummedFrame: Sendable {
    var magic: UInt32
    var version: UInt8
    /// Bytes of a body.
    var bodyMaximum: Int
    /// What is in it, for errors: "a state".
    var name: String

    static let headerLength = 16

    func wrap(_ body: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(fixed: magic)
        writer.write(version)
        for _ in 0..<3 { writer.write(0) }
        writer.write(fixed: UInt32(body.count))
        writer.write(fixed: CRC32C.checksum(body, after: CRC32C.checksum(writer.bytes.elements)))
        writer.write(body)
        return writer.finish()
    }

    /// The body; its checksum has been verified.
    func unwrap(_ bytes: UnsafeBufferPointer<UInt8>) throws(DocumentError) -> UnsafeBufferPointer<UInt8> {
        var reader = ByteReader(bytes)
        let header = try reader.bytes(12)
        var fields = ByteReader(header)
        guard try fields.fixed32() == magic else { throw DocumentError(code: .corrupt, message: "not \(name)", offset: 0) }
        let version = try fields.byte()
        let reserved = try fields.byte() | fields.byte() | fields.byte()
        let length = Int(try fields.fixed32())
        let checksum = try reader.fixed32()
        guard length <= bodyMaximum else {
            throw DocumentError(code: .limitExceeded, message: "\(name) of \(length) bytes", offset: 8)
        }
        guard length == reader.remaining else { throw reader.damaged("\(name) is not as long as it says") }
        let body = try reader.bytes(length)
        guard CRC32C.checksum(body, after: CRC32C.checksum(header)) == checksum else {
            throw DocumentError(code: .corrupt, message: "the checksum of \(name) is wrong", offset: 12)
        }
        // Verified first, so that what is newer is told apart from what is damaged.
        guard version == self.version, reserved == 0 else {
            throw DocumentError(code: .unsupportedVersion, message: "\(name) of version \(version)", offset: 4)
        }
        return body
    }
}
