/// Elements of a channel that came together, each an encoded value.
///
/// As with every ``Payload``, the bytes are read before the link's callback returns.
@frozen
public struct ElementBlock: Sendable {
    @usableFromInline var payload: Payload
    @usableFromInline var isText: Bool
    /// How many elements.
    public var count: Int
    /// Bytes of the elements together: what ``SessionCore/taken(_:elements:bytes:now:)`` is told in the end.
    public var byteCount: Int
    /// What the elements refer to. A block with references holds a single element.
    public var references: [SessionReference]

    @inlinable
    init(payload: Payload, isText: Bool, count: Int, byteCount: Int, references: [SessionReference]) {
        self.payload = payload
        self.isText = isText
        self.count = count
        self.byteCount = byteCount
        self.references = references
    }

    /// Calls `body` with each element in turn.
    ///
    /// - Parameter packet: the packet that was handed to ``SessionCore/receive(_:now:into:)``.
    @inlinable
    public func forEach<Failure: Error>(
        in packet: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try payload.withBytes(in: packet) { (bytes) throws(Failure) in
            var cursor = ElementCursor(bytes, isText: isText)
            while let element = cursor.next() { try body(element) }
        }
    }
}

/// Walks over elements that a core has checked: binary ones behind their lengths, text ones as the values of a JSON array.
@usableFromInline
struct ElementCursor {
    @usableFromInline var bytes: UnsafeRawBufferPointer
    @usableFromInline var offset = 0
    @usableFromInline let isText: Bool

    @inlinable
    init(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        self.bytes = bytes
        self.isText = isText
    }

    @inlinable
    mutating func next() -> UnsafeRawBufferPointer? {
        guard offset < bytes.count else { return nil }
        return isText ? nextText() : nextBinary()
    }

    @inlinable
    mutating func nextBinary() -> UnsafeRawBufferPointer? {
        var length = 0
        var shift = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            length |= Int(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
            if shift > 28 { return nil }
        }
        guard length <= bytes.count - offset else { return nil }
        defer { offset += length }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
    }

    @usableFromInline
    mutating func nextText() -> UnsafeRawBufferPointer? {
        var cursor = TextCursor(bytes, at: offset)
        cursor.skipSpace()
        let start = cursor.offset
        guard cursor.skipValue(depth: SessionLimits.textDepth) else { return nil }
        let end = cursor.offset
        cursor.skipSpace()
        _ = cursor.take(UInt8(ascii: ","))
        offset = cursor.offset
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }
}
