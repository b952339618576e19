/// A stretch of bytes of one kind, compressed when that pays.
enum Column {
    /// Decoded bytes that the columns of one chunk may have together.
    static let decodedMaximum = 64 << 20
    private static let compressionMinimum = 96

    /// ```
    /// column = 0 length:varint bytes | 1 length:varint compressed-length:varint compressed
    /// ```
    static func write(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter, isCompressed: Bool = true) {
        if isCompressed, bytes.count >= compressionMinimum {
            var compressed = ByteWriter()
            Compression.compress(bytes, into: &compressed)
            if compressed.bytes.count + 4 < bytes.count {
                writer.write(1)
                writer.write(varint: bytes.count)
                writer.write(varint: compressed.bytes.count)
                writer.write(compressed.bytes.elements)
                return
            }
        }
        writer.write(0)
        writer.write(varint: bytes.count)
        writer.write(bytes)
    }

    /// Reads a column and appends what it holds.
    ///
    /// - Parameter budget: decoded bytes left; lowered by what is read.
    static func read(_ reader: inout ByteReader, budget: inout Int, into target: inout RawArray<UInt8>) throws(DocumentError) {
        let form = try reader.byte()
        guard form <= 1 else { throw reader.damaged("an unknown form of column") }
        let count = try reader.count(atMost: budget, "the length of a column")
        budget -= count
        if form == 0 {
            target.append(contentsOf: try reader.bytes(count))
            return
        }
        let compressed = try reader.bytes(reader.count(atMost: reader.remaining, "the length of a column"))
        guard count / Compression.ratioMaximum <= compressed.count || isDefective(.decoderUnbounded) else {
            throw reader.damaged("a column claims too much")
        }
        target.reserve(target.count + count)
        try Compression.decompress(compressed, count: count, into: &target)
    }
}
