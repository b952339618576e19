/// Cuts a stream of bytes where its content says so, so that equal stretches of two objects become equal chunks wherever they lie.
///
/// FastCDC (Xia et al., USENIX ATC 2016) with normalised chunking of level 2. The rolling hash is Gear: for each byte the hash is
/// shifted left by one and the byte's word of a fixed table added, so its 64 bits depend on the last ``windowLength`` bytes. A position is a
/// cut point when the topmost bits of the hash are zero: log2(average) + 2 bits before the average size and log2(average) - 2
/// from there on, which draws sizes towards the average. Nothing is cut before the minimum, and everything at the maximum.
///
/// Differs from the paper in two things: the masks are contiguous at the top, where bits depend on most bytes, and the hash
/// starts a window before the minimum, so that whether a position may be cut depends on the bytes before it and never on where the
/// chunk began. The words, masks and sizes are the format `docs/formats/chunking.md`.
///
/// The chunker keeps no bytes: the caller shows it the same growing buffer, from the front of the present chunk.
///
/// ```swift
/// while let length = chunker.nextCut(in: buffer, isLast: ended) {
///     emit(buffer.prefix(length)); buffer.removeFirst(length)
/// }
/// ```
///
/// - Invariant: the cut points are a function of the bytes alone, not of the pieces they came in.
/// - Complexity: each byte after the minimum (and a window before it) is visited once, however often the buffer is shown.
public struct Chunker: Sendable {
    /// Bytes a hash depends on.
    public static let windowLength = 64
    /// Bits by which the two masks differ from the average: the paper's level of normalisation.
    private static let normalisation = 2

    public let sizes: ChunkSizes
    /// Before the average size a position is a cut point when its hash is less than this; from there on, than the other.
    private let strictLimit: UInt64
    private let looseLimit: UInt64

    /// Position in the present chunk up to which bytes are in `hash` and no cut was found.
    private var scanned: Int
    private var hash: UInt64 = 0

    public init(_ sizes: ChunkSizes = .standard) {
        self.sizes = sizes
        let bits = sizes.average.trailingZeroBitCount
        strictLimit = 1 << UInt64(64 - bits - Chunker.normalisation)
        looseLimit = 1 << UInt64(64 - bits + Chunker.normalisation)
        scanned = sizes.minimum - Chunker.windowLength
    }

    /// The length of the next chunk, which lies at the front of `buffer`; `nil` when more bytes are needed, or none are left.
    ///
    /// After a length the next call shows what follows that chunk; after `nil` the same bytes and more, or the same with `isLast`.
    ///
    /// - Parameters:
    ///   - buffer: all bytes known from the front of the present chunk on.
    ///   - isLast: whether the object ends with `buffer`. Then all of it is handed out, and the chunker stands at the front of a new object.
    /// - Precondition: `buffer` did not shrink since a `nil`.
    public mutating func nextCut(in buffer: UnsafeRawBufferPointer, isLast: Bool) -> Int? {
        let end = min(buffer.count, sizes.maximum)
        precondition(
            scanned <= max(end, sizes.minimum), "the buffer shrank to \(buffer.count) bytes, \(scanned) of this chunk were scanned")
        if end >= sizes.minimum, let length = scan(buffer, upTo: end) {
            startChunk()
            return length
        }
        if end == sizes.maximum || (isLast && end > 0) {
            startChunk()
            return end
        }
        return nil
    }

    private mutating func startChunk() {
        scanned = sizes.minimum - Chunker.windowLength
        hash = 0
    }

    /// The first cut point in `scanned...end`, at or after the minimum; else all of it is in the hash.
    private mutating func scan(_ buffer: UnsafeRawBufferPointer, upTo end: Int) -> Int? {
        guard let bytes = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        // The window before the minimum: hashed, and of its positions only the last may be cut.
        if scanned < sizes.minimum {
            _ = advance(over: bytes, upTo: sizes.minimum - 1, limit: 0)
        }
        if let length = advance(over: bytes, upTo: min(end, sizes.average - 1), limit: strictLimit) { return length }
        return advance(over: bytes, upTo: end, limit: looseLimit)
    }

    /// Takes the bytes `scanned..<end` into the hash; returns the first position whose hash is less than `limit`, if there is one.
    ///
    /// One byte at a time the hashes are a chain of a shift and an addition each. Four at a time the sums of the words are
    /// worked out beside the chain, which then costs a shift and an addition for four bytes.
    private mutating func advance(over bytes: UnsafePointer<UInt8>, upTo end: Int, limit: UInt64) -> Int? {
        let words = GearTable.words
        var hash = hash
        var position = scanned
        defer {
            self.hash = hash
            scanned = position
        }
        while position &+ 4 <= end {
            let sum1 = words[Int(bytes[position])]
            let sum2 = sum1 &<< 1 &+ words[Int(bytes[position &+ 1])]
            let sum3 = sum2 &<< 1 &+ words[Int(bytes[position &+ 2])]
            let sum4 = sum3 &<< 1 &+ words[Int(bytes[position &+ 3])]
            if hash &<< 1 &+ sum1 < limit { return position &+ 1 }
            if hash &<< 2 &+ sum2 < limit { return position &+ 2 }
            if hash &<< 3 &+ sum3 < limit { return position &+ 3 }
            hash = hash &<< 4 &+ sum4
            position &+= 4
            if hash < limit { return position }
        }
        while position < end {
            hash = hash &<< 1 &+ words[Int(bytes[position])]
            position &+= 1
            if hash < limit { return position }
        }
        return nil
    }
}
