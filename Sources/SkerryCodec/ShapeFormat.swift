/// A format as a whole: a writer, a reader and the functions that open and close them.
///
/// The formats are types without values, so code that works with any of them takes a metatype: `func save<F: ShapeFormat>(as: F.Type)`.
public protocol ShapeFormat: Sendable {
    /// What peers and people call it: `bin`, `cbor`, `json`, `sexp`, `xml`.
    static var name: String { get }

    /// Appends the encoding of `value` to `bytes`, and nothing when it throws.
    static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8], references: (any ReferenceSink)?) throws(ShapeError)

    /// The value that `bytes` encode, all of them.
    ///
    /// - Throws: ``ShapeError`` with offset and path, for text also line and column.
    static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, limits: DecodingLimits, references: (any ReferenceSource)?
    ) throws(ShapeError) -> T
}

extension ShapeFormat {
    /// The encoding of `value`.
    @inlinable
    public static func encode<T: Shaped>(_ value: T, references: (any ReferenceSink)? = nil) throws(ShapeError) -> [UInt8] {
        var bytes: [UInt8] = []
        try encode(value, into: &bytes, references: references)
        return bytes
    }

    /// Appends the encoding of `value` to `bytes`, and nothing when it throws.
    @inlinable
    public static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8]) throws(ShapeError) {
        try encode(value, into: &bytes, references: nil)
    }

    /// The value that `bytes` encode, all of them.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: [UInt8], limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        try decoding(bytes) { buffer throws(ShapeError) in
            try decode(type, from: buffer, limits: limits, references: references)
        }
    }

    /// The value that `bytes` encode, all of them. Offsets of errors count from the start of the slice.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: ArraySlice<UInt8>, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        try decoding(bytes) { buffer throws(ShapeError) in
            try decode(type, from: buffer, limits: limits, references: references)
        }
    }

    /// The value that `bytes` encode, all of them.
    @inlinable
    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: borrowing RawSpan, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        try bytes.withUnsafeBytes { buffer throws(ShapeError) in
            try decode(type, from: buffer, limits: limits, references: references)
        }
    }

    /// The value that `text` encodes.
    @inlinable
    public static func decode<T: Shaped>(_ type: T.Type, from text: String, limits: DecodingLimits = .standard) throws(ShapeError) -> T {
        try decode(type, from: Array(text.utf8), limits: limits)
    }

    /// Collections of bytes rethrow untyped errors; this keeps the type.
    @inlinable @inline(__always)
    static func decoding<T>(
        _ bytes: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) throws(ShapeError) -> T
    ) throws(ShapeError) -> T {
        let result: Result<T, ShapeError>? = bytes.withContiguousStorageIfAvailable { buffer in
            do throws(ShapeError) {
                return .success(try body(UnsafeRawBufferPointer(buffer)))
            } catch {
                return .failure(error)
            }
        }
        guard let result else { preconditionFailure("arrays are contiguous") }
        return try result.get()
    }
}
