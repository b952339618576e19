/// A growing run of bytes that writers append to.
///
/// It starts in memory lent by the caller, usually on the stack, and moves to the heap when that is full, so that a small value costs one
/// allocation: the array it is copied to at the end.
@frozen
public struct ByteSink: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    /// Bytes written.
    public var count: Int { @inlinable get { length } }
    @usableFromInline var length: Int
    @usableFromInline var capacity: Int
    @usableFromInline var isLent: Bool

    /// A sink with heap memory of its own.
    ///
    /// - Parameter capacity: bytes before the first growth, at least 16.
    @inlinable
    public init(capacity: Int = 256) {
        let capacity = max(16, capacity)
        base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        length = 0
        self.capacity = capacity
        isLent = false
    }

    /// A sink that starts in `memory`, which must outlive it and is not freed by it.
    @inlinable
    init(lent memory: UnsafeMutableRawBufferPointer) {
        base = memory.baseAddress.unsafelyUnwrapped
        length = 0
        capacity = memory.count
        isLent = true
    }

    @inlinable
    deinit {
        if !isLent { base.deallocate() }
    }

    /// Makes sure that `more` bytes fit.
    @inlinable @inline(__always)
    mutating func reserve(_ more: Int) {
        if capacity &- length < more { grow(more) }
    }

    @inline(never) @usableFromInline
    mutating func grow(_ more: Int) {
        var wanted = max(256, capacity)
        repeat { wanted *= 2 } while wanted - length < more
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        larger.copyMemory(from: base, byteCount: length)
        if !isLent { base.deallocate() }
        base = larger
        capacity = wanted
        isLent = false
    }
}

// MARK: - Appending

extension ByteSink {
    /// Appends one byte.
    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
        length &+= 1
    }

    /// Appends bytes.
    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        append(start, bytes.count)
    }

    @inlinable @inline(__always)
    mutating func append(_ start: UnsafeRawPointer, _ count: Int) {
        reserve(count)
        (base + length).copyMemory(from: start, byteCount: count)
        length &+= count
    }

    /// Appends the little-endian bytes of `word`.
    @inlinable @inline(__always)
    mutating func append<I: FixedWidthInteger>(littleEndian word: I) {
        reserve(MemoryLayout<I>.size)
        (base + length).storeBytes(of: word.littleEndian, as: I.self)
        length &+= MemoryLayout<I>.size
    }

    /// Appends the big-endian bytes of `word`.
    @inlinable @inline(__always)
    mutating func append<I: FixedWidthInteger>(bigEndian word: I) {
        reserve(MemoryLayout<I>.size)
        (base + length).storeBytes(of: word.bigEndian, as: I.self)
        length &+= MemoryLayout<I>.size
    }

    /// Appends seven bits a byte, least significant first, the top bit set on all bytes but the last.
    @inlinable @inline(__always)
    mutating func append(varint value: UInt64) {
        reserve(10)
        var rest = value
        var end = base + length
        while rest >= 0x80 {
            end.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            end += 1
            rest &>>= 7
        }
        end.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        length = (end + 1) - base
    }
}

// MARK: - What was written

extension ByteSink {
    /// The bytes written, for the time of `body`.
    @inlinable
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: length))
    }

    /// A copy of the bytes written.
    @inlinable
    public var bytes: [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: base, count: length))
    }

    /// Forgets what was written and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        length = 0
    }

    /// Bytes of stack that ``collecting(into:_:)`` lends: large enough for the frames of a session, small enough for its threads.
    @usableFromInline static var lentBytes: Int { 2_048 }

    /// Runs `body` with a sink on the stack and appends to `bytes` what it wrote, or nothing when it throws.
    @inlinable @inline(__always)
    static func collecting(into bytes: inout [UInt8], _ body: (consuming ByteSink) throws(ShapeError) -> ByteSink) throws(ShapeError) {
        var failure: ShapeError?
        withUnsafeTemporaryAllocation(byteCount: lentBytes, alignment: 16) { memory in
            do throws(ShapeError) {
                let sink = try body(ByteSink(lent: memory))
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: sink.base, count: sink.length))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
