/// JSON as RFC 8259 has it, read byte by byte and strictly; for browsers, REST and people.
///
/// | shape | JSON |
/// |---|---|
/// | integers of all widths | numbers, exact; other languages may lose what exceeds 2⁵³ |
/// | float, double | numbers; NaN and infinities by ``NonFinite`` |
/// | bytes | a string in base64 (RFC 4648 section 4) |
/// | option | `null` or the value; `[value]` around a value that may itself be null |
/// | list, set | array |
/// | map | object when the keys are strings, else an array of `[key, value]` |
/// | record | object; absent options are left out; unknown members are skipped or refused; a member twice is refused |
/// | variant | `"case"`, or `{"case": payload}` |
/// | reference | `{"$ref": index}` |
/// | value | as above; bytes as `{"$bytes": base64}`, and map keys with a leading dollar sign get one more |
public enum JSON: ShapeFormat {
    public static var name: String { "json" }

    /// What happens to numbers that JSON does not have.
    @frozen
    public enum NonFinite: Sendable {
        /// Throws ``ShapeError/Code/unrepresentable``.
        case refuse
        /// `"NaN"`, `"Infinity"` and `"-Infinity"`, as in JavaScript's names.
        case strings
    }

    /// How JSON is written.
    @frozen
    public struct WritingOptions: Sendable {
        /// Spaces a level is indented by; 0, the default, writes everything on one line without spaces.
        public var indent: Int
        public var nonFinite: NonFinite
        public var limits: EncodingLimits

        @inlinable
        public init(indent: Int = 0, nonFinite: NonFinite = .refuse, limits: EncodingLimits = .standard) {
            self.indent = max(0, indent)
            self.nonFinite = nonFinite
            self.limits = limits
        }

        /// Two spaces a level.
        @inlinable public static var pretty: WritingOptions { WritingOptions(indent: 2) }
    }

    /// How JSON is read.
    @frozen
    public struct ReadingOptions: Sendable {
        public var limits: DecodingLimits
        public var unknownFields: UnknownFields
        public var nonFinite: NonFinite

        @inlinable
        public init(limits: DecodingLimits = .standard, unknownFields: UnknownFields = .skip, nonFinite: NonFinite = .refuse) {
            self.limits = limits
            self.unknownFields = unknownFields
            self.nonFinite = nonFinite
        }
    }

    @inlinable
    public static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8], references: (any ReferenceSink)?) throws(ShapeError) {
        try encode(value, into: &bytes, options: WritingOptions(), references: references)
    }

    /// Appends the JSON of `value` to `bytes`, and nothing when it throws.
    @inlinable
    public static func encode<T: Shaped>(
        _ value: T, into bytes: inout [UInt8], options: WritingOptions, references: (any ReferenceSink)? = nil
    ) throws(ShapeError) {
        try ByteSink.collecting(into: &bytes) { sink throws(ShapeError) in
            var writer = JSONWriter(sink, options: options, references: references)
            try value.write(to: &writer)
            return writer.finish()
        }
    }

    /// The JSON of `value` as text.
    @inlinable
    public static func text<T: Shaped>(_ value: T, options: WritingOptions = WritingOptions()) throws(ShapeError) -> String {
        var bytes: [UInt8] = []
        try encode(value, into: &bytes, options: options)
        return String(decoding: bytes, as: UTF8.self)
    }

    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, limits: DecodingLimits, references: (any ReferenceSource)?
    ) throws(ShapeError) -> T {
        try decode(type, from: bytes, options: ReadingOptions(limits: limits), references: references)
    }

    /// The value of a whole JSON text. White space around it is allowed, a byte order mark is not.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, options: ReadingOptions, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        do throws(ShapeError) {
            var reader = JSONReader(bytes, options: options, references: references)
            let value = try T.read(from: &reader)
            try reader.finish()
            return value
        } catch {
            throw error.located(in: bytes)
        }
    }

    /// The value of a whole JSON text. White space around it is allowed, a byte order mark is not.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: [UInt8], options: ReadingOptions, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        try decoding(bytes) { buffer throws(ShapeError) in
            try decode(type, from: buffer, options: options, references: references)
        }
    }
}
