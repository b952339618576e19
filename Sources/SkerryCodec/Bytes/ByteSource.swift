/// The input of a reader: a cursor over bytes that someone else owns, with the budgets of ``DecodingLimits``.
///
/// - Invariant: `start <= cursor <= end`, and the memory between lives as long as the source is used. Only the `decode` functions of
///   the formats make one, inside the scope of the bytes.
@frozen
public struct ByteSource: ~Copyable {
    @usableFromInline let start: UnsafeRawPointer
    @usableFromInline var cursor: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer
    @usableFromInline var depthLeft: Int
    @usableFromInline var elementsLeft: Int
    @usableFromInline var bytesLeft: Int
    @usableFromInline let limits: DecodingLimits

    @inlinable
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) {
        // Any non-null address will do for no bytes.
        start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        cursor = start
        end = start + bytes.count
        depthLeft = limits.depth
        elementsLeft = limits.elements
        bytesLeft = limits.bytes
        self.limits = limits
    }

    @inlinable @inline(__always)
    var offset: Int { cursor - start }

    @inlinable @inline(__always)
    var available: Int { end - cursor }

    @inlinable @inline(__always)
    func load(_ index: Int = 0) -> UInt8 {
        cursor.load(fromByteOffset: index, as: UInt8.self)
    }
}

// MARK: - Taking bytes

extension ByteSource {
    @inlinable @inline(__always)
    mutating func byte() throws(ShapeError) -> UInt8 {
        guard cursor < end else { throw truncated() }
        let byte = load()
        cursor += 1
        return byte
    }

    /// Checks that `count` bytes are there.
    @inlinable @inline(__always)
    func require(_ count: Int) throws(ShapeError) {
        guard available >= count else { throw truncated() }
    }

    @inlinable @inline(__always)
    mutating func littleEndian<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        try require(MemoryLayout<I>.size)
        let word = I(littleEndian: cursor.loadUnaligned(as: I.self))
        cursor += MemoryLayout<I>.size
        return word
    }

    @inlinable @inline(__always)
    mutating func bigEndian<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        try require(MemoryLayout<I>.size)
        let word = I(bigEndian: cursor.loadUnaligned(as: I.self))
        cursor += MemoryLayout<I>.size
        return word
    }

    /// A number of seven bits a byte in its shortest form.
    @inlinable @inline(__always)
    mutating func varint() throws(ShapeError) -> UInt64 {
        guard cursor < end else { throw truncated() }
        let first = load()
        if first < 0x80 {
            cursor += 1
            return UInt64(first)
        }
        return try longVarint()
    }

    @inlinable
    mutating func longVarint() throws(ShapeError) -> UInt64 {
        let limit = min(available, 10)
        var value: UInt64 = 0
        var index = 0
        while index < limit {
            let byte = load(index)
            // The tenth byte has room for one bit.
            if index == 9, byte > 1 { throw overlong() }
            value |= UInt64(byte & 0x7f) &<< UInt64(truncatingIfNeeded: 7 &* index)
            index &+= 1
            if byte < 0x80 {
                if byte == 0 { throw overlong() }
                cursor += index
                return value
            }
        }
        throw index == 10 ? overlong() : truncated()
    }

    /// UTF-8 text of `count` bytes, which are charged.
    @inlinable @inline(__always)
    mutating func text(_ count: Int) throws(ShapeError) -> String {
        guard let text = UTF8Text.string(cursor, try charged(count)) else { throw invalidText() }
        cursor += count
        return text
    }

    /// A blob of `count` bytes, which are charged.
    @inlinable @inline(__always)
    mutating func blob(_ count: Int) throws(ShapeError) -> [UInt8] {
        let bytes = [UInt8](UnsafeRawBufferPointer(start: cursor, count: try charged(count)))
        cursor += count
        return bytes
    }

    @inlinable @inline(__always)
    mutating func charged(_ count: Int) throws(ShapeError) -> Int {
        guard available >= count else { throw truncated() }
        guard bytesLeft >= count else { throw exceeded("strings and blobs of \(limits.bytes) bytes") }
        bytesLeft &-= count
        return count
    }

    /// A length that must fit what is left of the input.
    @inlinable @inline(__always)
    func length(_ claim: UInt64) throws(ShapeError) -> Int {
        guard claim <= UInt64(truncatingIfNeeded: available) else { throw truncated() }
        return Int(truncatingIfNeeded: claim)
    }

    /// Checks that nothing follows.
    @inlinable @inline(__always)
    func finish() throws(ShapeError) {
        guard cursor == end else { throw trailing() }
    }
}

// MARK: - Budgets

extension ByteSource {
    @inlinable @inline(__always)
    mutating func descend() throws(ShapeError) {
        guard depthLeft > 0 else { throw exceeded("\(limits.depth) levels") }
        depthLeft &-= 1
    }

    @inlinable @inline(__always)
    mutating func ascend() {
        depthLeft &+= 1
    }

    /// Charges `claim` elements that a header announces.
    @inlinable @inline(__always)
    mutating func elements(_ claim: UInt64) throws(ShapeError) -> Int {
        guard claim <= UInt64(truncatingIfNeeded: elementsLeft) else { throw exceeded("\(limits.elements) elements") }
        let count = Int(truncatingIfNeeded: claim)
        elementsLeft &-= count
        return count
    }
}

// MARK: - Errors

extension ByteSource {
    @inline(never) @usableFromInline
    func truncated() -> ShapeError { ShapeError(.truncated, "the input ends inside the value", at: end - start) }

    @inline(never) @usableFromInline
    func trailing() -> ShapeError { ShapeError(.trailingBytes, "\(available) bytes follow the value", at: offset) }

    @inline(never) @usableFromInline
    func overlong() -> ShapeError { ShapeError(.syntax, "a number is longer than it needs to be, or than 64 bits", at: offset) }

    @inline(never) @usableFromInline
    func invalidText() -> ShapeError { ShapeError(.invalidText, "text is not UTF-8", at: offset) }

    @inline(never) @usableFromInline
    func exceeded(_ what: String) -> ShapeError { ShapeError(.limitExceeded, "more than \(what)", at: offset) }

    @inline(never) @usableFromInline
    func outOfRange<I: FixedWidthInteger>(_ value: some BinaryInteger, _ type: I.Type, at offset: Int) -> ShapeError {
        ShapeError(.outOfRange, "\(value) does not fit \(I.isSigned ? "int" : "uint")\(I.bitWidth)", at: offset)
    }

    @inline(never) @usableFromInline
    func mismatch(_ expected: StaticString, _ found: String, at offset: Int) -> ShapeError {
        ShapeError(.typeMismatch, "expected \(expected), found \(found)", at: offset)
    }
}
