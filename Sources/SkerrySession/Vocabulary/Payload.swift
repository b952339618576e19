/// Bytes that came in a packet: mostly a piece of it, to spare a copy.
///
/// What ``SessionCore/receive(_:now:into:)`` reports refers to the packet it was given, so it must be read while that packet's memory is still there,
/// that is, before the link's callback returns. ``copy(from:)`` makes it last.
@frozen
public struct Payload: Sendable {
    /// The memory it is a piece of, when that is not the packet: what was put together from several packets, or had to wait.
    @usableFromInline var owner: [UInt8]?
    @usableFromInline var offset: UInt32
    @usableFromInline var length: UInt32

    @inlinable
    init(owner: [UInt8]?, offset: Int, count: Int) {
        self.owner = owner
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.length = UInt32(truncatingIfNeeded: count)
    }

    /// No bytes.
    @inlinable public static var empty: Payload { Payload(owner: nil, offset: 0, count: 0) }

    /// Bytes of this array, which lasts.
    @inlinable
    public init(_ bytes: [UInt8]) { self.init(owner: bytes, offset: 0, count: bytes.count) }

    /// How many bytes.
    @inlinable public var count: Int { Int(length) }

    /// Calls `body` with the bytes.
    ///
    /// - Parameter packet: the packet that was handed to ``SessionCore/receive(_:now:into:)``.
    @inlinable
    public func withBytes<Result, Failure: Error>(
        in packet: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let range = Int(offset)..<Int(offset) + Int(length)
        guard let owner else { return try body(UnsafeRawBufferPointer(rebasing: packet[range])) }
        return try owner.withUnsafeBufferPointer { (bytes) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range]))
        }
    }

    /// The same bytes in memory of their own.
    public func copy(from packet: UnsafeRawBufferPointer) -> [UInt8] {
        withBytes(in: packet) { [UInt8]($0) }
    }
}
