internal import NIOCore

/// Chooses the buffer of the next read of one connection and counts what was read.
///
/// A connection keeps one small buffer for heads: an idle connection costs little more. Everything larger is read into buffers that live as
/// long as their bytes, so a connection that has carried an upload is as small afterwards as any other.
// @unchecked Sendable: the channel that owns it and the handler that sets `wanted` live on one event loop, and nobody else holds it.
final class ReceiveSizing: RecvByteBufferAllocator, @unchecked Sendable {
    /// Bytes of the buffer a connection keeps; holds any usual head.
    static let keptSize = 4 * 1024
    /// Bytes for a head with the start of a body nobody has asked for; holds a signed PUT of 4 KiB whole.
    static let smallSize = 8 * 1024
    /// Bytes of a body read at once.
    static let largeSize = 64 * 1024

    /// Bytes the next read should take.
    var wanted = smallSize

    private let counters: LoopCounters
    /// A read has filled the kept buffer, so this client's requests are larger than that.
    private var isKeptTooSmall = false

    init(counters: LoopCounters) {
        self.counters = counters
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: nextBufferSize() ?? min(wanted, Self.largeSize))
    }

    /// A size takes the kept buffer, nil makes a new one.
    func nextBufferSize() -> Int? {
        wanted <= Self.smallSize && !isKeptTooSmall ? Self.keptSize : nil
    }

    /// Always true: it makes the channel ask for a new buffer where ``nextBufferSize()`` gives none.
    func record(actualReadBytes: Int) -> Bool {
        counters.received(byteCount: actualReadBytes)
        if actualReadBytes == Self.keptSize { isKeptTooSmall = true }
        return true
    }
}
