import SkerryChunks

/// The format `docs/formats/chunking.md` byte by byte, without state between chunks: slow, short, and what ``Chunker`` must agree with.
struct ReferenceChunker {
    let sizes: ChunkSizes
    /// Derived as the format says, apart from the table of the module.
    let gear: [UInt64] = (0..<256).map { byte in
        Digest(of: Array("skerry gear".utf8) + [UInt8(byte)]).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The lengths of the chunks of `bytes`.
    func lengths(of bytes: [UInt8]) -> [Int] {
        var lengths: [Int] = []
        var start = 0
        while start < bytes.count {
            lengths.append(firstCut(in: bytes[start...]))
            start += lengths[lengths.count - 1]
        }
        return lengths
    }

    private func firstCut(in bytes: ArraySlice<UInt8>) -> Int {
        guard bytes.count >= sizes.minimum else { return bytes.count }
        for length in sizes.minimum...sizes.maximum {
            if length >= bytes.count { return bytes.count }
            let window = bytes.dropFirst(length - 64).prefix(64)
            let hash = window.reduce(0 as UInt64) { $0 &* 2 &+ gear[Int($1)] }
            let bits = sizes.average.trailingZeroBitCount + (length < sizes.average ? 2 : -2)
            if hash.leadingZeroBitCount >= bits { return length }
        }
        return sizes.maximum
    }
}

/// The lengths of the chunks of `bytes` when they come in `pieces`, the last of which may be repeated or cut short.
func chunkLengths(of bytes: [UInt8], _ sizes: ChunkSizes, pieces: () -> Int) -> [Int] {
    var chunker = Chunker(sizes)
    var lengths: [Int] = []
    var (start, end) = (0, 0)
    bytes.withUnsafeBytes { all in
        while true {
            let isLast = end == all.count
            if let length = chunker.nextCut(in: UnsafeRawBufferPointer(rebasing: all[start..<end]), isLast: isLast) {
                lengths.append(length)
                start += length
            } else if isLast {
                return
            } else {
                end = min(all.count, end + pieces())
            }
        }
    }
    return lengths
}
