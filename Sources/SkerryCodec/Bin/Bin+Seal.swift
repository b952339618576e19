/// Bytes that say what they are: for files, and for peers that did not compare digests before.
extension Bin {
    /// What sealed bytes begin with: `SkB` and the version.
    public static let sealMagic: [UInt8] = [0x53, 0x6b, 0x42, 0x01]
    /// Bytes before the value: magic, version and digest.
    @usableFromInline static var sealCount: Int { 12 }

    /// The encoding of `value` behind magic, version and the digest of its shape.
    public static func seal<T: Shaped>(_ value: T, references: (any ReferenceSink)? = nil) throws(ShapeError) -> [UInt8] {
        var bytes = sealMagic
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: T.shape.digest.rawValue >> UInt64(shift))) }
        try encode(value, into: &bytes, references: references)
        return bytes
    }

    /// The value of sealed bytes.
    ///
    /// - Throws: ``ShapeError/Code/digestMismatch`` when they were written with another shape, before any of the value is read;
    ///   ``ShapeError/Code/syntax`` when they are not sealed, or by a version this one does not know.
    public static func open<T: Shaped>(
        _ type: T.Type, from bytes: [UInt8], limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        guard bytes.count >= sealCount else { throw ShapeError(.truncated, "the seal is cut short", at: bytes.count) }
        guard bytes.starts(with: sealMagic) else {
            throw ShapeError(.syntax, "the bytes are not sealed, or not by version \(sealMagic[3])", at: 0)
        }
        let stored = bytes[4..<sealCount].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let expected = T.shape.digest
        guard stored == expected.rawValue else {
            throw ShapeError(
                .digestMismatch, "the value was written as \(ShapeDigest(rawValue: stored)), but \(T.shape.name) is \(expected)", at: 4)
        }
        return try decoding(bytes) { buffer throws(ShapeError) in
            var reader = BinReader(buffer, limits: limits, references: references)
            reader.source.cursor += sealCount
            let value = try T.read(from: &reader)
            try reader.finish()
            return value
        }
    }
}
