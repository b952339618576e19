public import SkerryStorage

/// A stretch of an object's bytes, in order.
public enum ObjectPiece: Sendable {
    case bytes([UInt8])
    /// Places in open packs, one behind the other, verified once by this process: ready for sendfile.
    case extents([Extent])

    public struct Extent: Sendable {
        /// Keeps the bytes readable. Without a file descriptor they are read with ``PackHandle/read(at:into:)``.
        public var handle: any PackHandle
        /// In the pack, bytes.
        public var offset: UInt64
        public var count: Int
    }
}
