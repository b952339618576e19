/// CBOR (RFC 8949): binary that says what it is, so that types may grow, other languages may read it, and equal values have equal bytes.
///
/// Written in the core deterministic encoding of section 4.2.1, always: shortest heads, shortest exact floats, definite lengths, map keys in
/// the bytewise order of their encodings; NaN is `f97e00`. Read leniently unless ``ReadingOptions/isDeterministic`` is set.
///
/// | shape | CBOR |
/// |---|---|
/// | integer | major types 0 and 1 |
/// | float, double | half, single or double, the shortest that keeps the value |
/// | string, bytes | major types 3 and 2 |
/// | option | `null` or the value; an array of one around a value that may itself be null |
/// | list, set | array |
/// | map, record | map; keys of records are text, absent options are left out |
/// | variant | the text `case`, or a map of one entry `{case: payload}` |
/// | reference | the index behind tag 1399550585 (`Skry` in ASCII) |
public enum CBOR: ShapeFormat {
    public static var name: String { "cbor" }

    /// The tag of an index into the reference table of a frame.
    @usableFromInline static var referenceTag: UInt64 { 0x536b_7279 }

    /// How CBOR is read.
    @frozen
    public struct ReadingOptions: Sendable {
        public var limits: DecodingLimits
        public var unknownFields: UnknownFields
        /// Whether every other encoding of a data item than the deterministic one is refused, and unknown tags too.
        ///
        /// Hash and sign the bytes received: two items may still be one value, with an option as null or left out.
        public var isDeterministic: Bool

        @inlinable
        public init(limits: DecodingLimits = .standard, unknownFields: UnknownFields = .skip, isDeterministic: Bool = false) {
            self.limits = limits
            self.unknownFields = unknownFields
            self.isDeterministic = isDeterministic
        }

        /// For what is hashed or signed.
        @inlinable public static var deterministic: ReadingOptions { ReadingOptions(isDeterministic: true) }
    }

    @inlinable
    public static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8], references: (any ReferenceSink)?) throws(ShapeError) {
        try ByteSink.collecting(into: &bytes) { sink throws(ShapeError) in
            var writer = CBORWriter(sink, references: references)
            try value.write(to: &writer)
            return writer.finish()
        }
    }

    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, limits: DecodingLimits, references: (any ReferenceSource)?
    ) throws(ShapeError) -> T {
        try decode(type, from: bytes, options: ReadingOptions(limits: limits), references: references)
    }

    /// The value of one data item, which must be all of `bytes`.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, options: ReadingOptions, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        var reader = CBORReader(bytes, options: options, references: references)
        let value = try T.read(from: &reader)
        try reader.finish()
        return value
    }

    /// The value of one data item, which must be all of `bytes`.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: [UInt8], options: ReadingOptions, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        try decoding(bytes) { buffer throws(ShapeError) in
            try decode(type, from: buffer, options: options, references: references)
        }
    }
}
