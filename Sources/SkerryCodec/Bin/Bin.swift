/// The compact format between Swift peers with equal shapes: no names, no marks, fields by position.
///
/// `docs/formats/bin.md` gives the grammar. One value has one encoding. A type may not change while its bytes live: peers compare
/// digests first (``seal(_:)``, or a session's menu) and fall back to ``CBOR`` where they differ.
public enum Bin: ShapeFormat {
    public static var name: String { "bin" }

    @inlinable
    public static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8], references: (any ReferenceSink)?) throws(ShapeError) {
        try ByteSink.collecting(into: &bytes) { sink throws(ShapeError) in
            var writer = BinWriter(sink, references: references)
            try value.write(to: &writer)
            return writer.finish()
        }
    }

    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, limits: DecodingLimits, references: (any ReferenceSource)?
    ) throws(ShapeError) -> T {
        var reader = BinReader(bytes, limits: limits, references: references)
        let value = try T.read(from: &reader)
        try reader.finish()
        return value
    }
}
