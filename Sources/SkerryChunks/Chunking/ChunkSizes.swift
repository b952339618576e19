import SkerryStorage

/// The sizes a ``Chunker`` aims at, bytes.
public struct ChunkSizes: Sendable, Hashable {
    /// A cut point depends on this many bytes before it, so no chunk but the last of an object is shorter.
    public static let minimumFloor = Chunker.windowLength
    /// A chunk is the body of one log record.
    public static let maximumCeiling = LogRecord.bodyMaximum

    /// No chunk is shorter, but the last of an object.
    public let minimum: Int
    /// The size cut points are normalised around: a power of two. The mean over random data is about an eighth larger.
    public let average: Int
    /// No chunk is longer.
    public let maximum: Int

    /// 64 KiB, 256 KiB and 1 MiB: at most 56 bytes of index for 256 KiB of data, and less than 2 MiB anew for a small edit.
    public static let standard = ChunkSizes(uncheckedMinimum: 64 << 10, average: 256 << 10, maximum: 1 << 20)

    /// `nil` unless ``minimumFloor`` ≤ `minimum` < `average` < `maximum` ≤ ``maximumCeiling`` and `average` is a power of two.
    public init?(minimum: Int, average: Int, maximum: Int) {
        guard ChunkSizes.minimumFloor <= minimum, minimum < average, average < maximum, maximum <= ChunkSizes.maximumCeiling,
            average & (average - 1) == 0
        else { return nil }
        self.init(uncheckedMinimum: minimum, average: average, maximum: maximum)
    }

    /// A quarter of `average`, `average`, and four times `average`; `nil` under the same conditions.
    public init?(average: Int) {
        let (maximum, overflow) = average.multipliedReportingOverflow(by: 4)
        guard !overflow else { return nil }
        self.init(minimum: average / 4, average: average, maximum: maximum)
    }

    private init(uncheckedMinimum minimum: Int, average: Int, maximum: Int) {
        self.minimum = minimum
        self.average = average
        self.maximum = maximum
    }
}

/// How an object becomes chunks: whole while it is small, cut by content above that.
public struct ChunkPolicy: Sendable, Hashable {
    /// Largest object that is one chunk, bytes: one read and one index entry matter more there than shared pieces.
    public let wholeMaximum: Int
    public let sizes: ChunkSizes

    /// Whole up to 256 KiB, then ``ChunkSizes/standard``.
    public static let standard = ChunkPolicy(wholeMaximum: 256 << 10, sizes: .standard)

    /// - Parameter wholeMaximum: at most the largest chunk; more is taken as that.
    public init(wholeMaximum: Int, sizes: ChunkSizes) {
        self.wholeMaximum = min(max(0, wholeMaximum), sizes.maximum)
        self.sizes = sizes
    }

    /// Whether an object of `length` bytes is one chunk. One of unknown length is whole when it ends within ``wholeMaximum`` bytes,
    /// so a writer holds back that many, and the first byte more sends all of them to the chunker.
    public func isWhole(length: UInt64) -> Bool { length <= UInt64(wholeMaximum) }

    /// A chunker at the front of an object.
    public func makeChunker() -> Chunker { Chunker(sizes) }
}
