/// CRC-32C for the stores of documents, which frame chunks in files.
package enum Checksum {
    /// The checksum of bytes that follow others with the checksum `before`.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
        CRC32C.checksum(bytes.assumingMemoryBound(to: UInt8.self), after: before)
    }
}
