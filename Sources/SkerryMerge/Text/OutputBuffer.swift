/// Collects small pieces of output and hands them on in pieces of about 64 KiB.
struct OutputBuffer: ~Copyable {
    /// Bytes collected before they are handed on.
    static var capacity: Int { 1 << 16 }

    private let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 8)
    private(set) var count = 0

    deinit { storage.deallocate() }

    /// What is waiting; valid until the next call that changes the buffer.
    var pending: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    /// Whether so many bytes still fit.
    @inline(__always)
    func hasRoom(for size: Int) -> Bool { size <= Self.capacity - count }

    mutating func clear() { count = 0 }

    /// - Precondition: there is room.
    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let base = storage.baseAddress else { return }
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        storage[count] = byte
        count += 1
    }
}

/// An ``OutputBuffer`` and where it goes.
struct ByteWriter<Failure: Error>: ~Copyable {
    private var buffer = OutputBuffer()
    private let sink: (UnsafeRawBufferPointer) throws(Failure) -> Void

    init(_ sink: @escaping (UnsafeRawBufferPointer) throws(Failure) -> Void) { self.sink = sink }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        if !buffer.hasRoom(for: bytes.count) {
            try flush()
            guard buffer.hasRoom(for: bytes.count) else { return try sink(bytes) }
        }
        buffer.append(bytes)
    }

    @inline(__always)
    mutating func write(_ byte: UInt8) throws(Failure) {
        if !buffer.hasRoom(for: 1) { try flush() }
        buffer.append(byte)
    }

    mutating func write(_ text: String) throws(Failure) {
        for byte in text.utf8 { try write(byte) }
    }

    mutating func write(decimal number: Int) throws(Failure) {
        try write(String(number))
    }

    mutating func flush() throws(Failure) {
        guard buffer.count > 0 else { return }
        try sink(buffer.pending)
        buffer.clear()
    }
}
