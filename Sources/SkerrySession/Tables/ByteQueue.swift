/// Bytes that are appended at the end and taken from the front, in one piece of memory.
///
/// Taking moves a mark; the memory is compacted when it must grow and more than half of it was taken, so both are amortised O(1) for a byte.
/// Large memory is given back as soon as the queue is empty.
///
/// The pointer is owned by this value alone, which cannot be copied: whoever may use the value may use its memory, and nobody else has it.
struct ByteQueue: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var head = 0
    private var tail = 0

    /// An empty queue keeps at most this much memory.
    private static let keptWhenEmpty = 256 << 10

    init() {}

    deinit { base?.deallocate() }

    var count: Int { tail - head }
    var isEmpty: Bool { tail == head }

    /// What waits. Valid until the next change.
    var bytes: UnsafeRawBufferPointer {
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + head, count: tail - head)
    }

    mutating func removeFirst(_ count: Int) {
        head += count
        if head >= tail { removeAll() }
    }

    mutating func removeAll() {
        head = 0
        tail = 0
        guard capacity > ByteQueue.keptWhenEmpty else { return }
        base?.deallocate()
        base = nil
        capacity = 0
    }

    /// Takes back what was appended beyond `count` bytes.
    mutating func truncate(to count: Int) { tail = head + count }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if tail == capacity { makeRoom(for: 1) }
        base.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
        tail += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if capacity - tail < bytes.count { makeRoom(for: bytes.count) }
        (base.unsafelyUnwrapped + tail).copyMemory(from: source, byteCount: bytes.count)
        tail += bytes.count
    }

    mutating func append(utf8 text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Overwrites bytes that wait, `offset` behind the front.
    mutating func replace(at offset: Int, with bytes: StaticString) {
        (base.unsafelyUnwrapped + head + offset).copyMemory(from: bytes.utf8Start, byteCount: bytes.utf8CodeUnitCount)
    }

    mutating func replace(at offset: Int, with byte: UInt8) {
        base.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: head + offset, as: UInt8.self)
    }

    /// LEB128.
    @inline(__always)
    mutating func append(integer value: UInt64) {
        if value < 0x80 { return append(UInt8(truncatingIfNeeded: value)) }
        appendLong(integer: value)
    }

    private mutating func appendLong(integer value: UInt64) {
        if capacity - tail < 10 { makeRoom(for: 10) }
        let base = base.unsafelyUnwrapped
        var rest = value
        while rest >= 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: tail, as: UInt8.self)
            tail += 1
            rest >>= 7
        }
        base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: tail, as: UInt8.self)
        tail += 1
    }

    /// In decimal.
    mutating func append(decimal value: UInt64) {
        if capacity - tail < 20 { makeRoom(for: 20) }
        let base = base.unsafelyUnwrapped
        var rest = value
        var width = 1
        while rest >= 10 {
            rest /= 10
            width += 1
        }
        rest = value
        for place in stride(from: width - 1, through: 0, by: -1) {
            base.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: tail + place, as: UInt8.self)
            rest /= 10
        }
        tail += width
    }

    /// Room for `wanted` more bytes at the end.
    @inline(never)
    private mutating func makeRoom(for wanted: Int) {
        let count = tail - head
        if head > 0, head >= count, capacity - count >= wanted, let base {
            base.copyMemory(from: base + head, byteCount: count)
        } else {
            let larger = max(512, capacity * 2, count + wanted)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            if let base {
                memory.copyMemory(from: base + head, byteCount: count)
                base.deallocate()
            }
            base = memory
            capacity = larger
        }
        head = 0
        tail = count
    }
}
