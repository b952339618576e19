/// What a reader may spend on one value. Each is checked before anything is allocated for it.
@frozen
public struct DecodingLimits: Hashable, Sendable {
    /// Most containers (records, variants, lists, maps, tuples, nested options) open at once: 64 unless said otherwise.
    ///
    /// The readers recurse, so this also bounds the stack: a level takes about 1 KiB of it, more for large records.
    public var depth: Int
    /// Most elements of lists and entries of maps in the whole value: 1,048,576 unless said otherwise.
    public var elements: Int
    /// Most bytes of strings and blobs in the whole value: 67,108,864 unless said otherwise.
    public var bytes: Int

    @inlinable
    public init(depth: Int = 64, elements: Int = 1 << 20, bytes: Int = 64 << 20) {
        self.depth = depth
        self.elements = elements
        self.bytes = bytes
    }

    /// The limits for values from peers.
    @inlinable public static var standard: DecodingLimits { DecodingLimits() }

    /// Bytes a list may reserve before its elements have arrived. A count is only a claim; what was really read grows it further.
    @usableFromInline static var reservationMaximum: Int { 64 << 10 }
}

/// What a writer may spend on one value.
@frozen
public struct EncodingLimits: Hashable, Sendable {
    /// Most containers open at once: 64 unless said otherwise, as for readers, so that what was written can be read.
    public var depth: Int

    @inlinable
    public init(depth: Int = 64) {
        self.depth = depth
    }

    /// The limits that fit ``DecodingLimits/standard``.
    @inlinable public static var standard: EncodingLimits { EncodingLimits() }
}
