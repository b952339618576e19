/// An immutable list of chunks that together are a stretch of an object: itself a block named by its content.
///
/// Objects and parts are rows of manifests, so that completing an upload and copying splice names and move no data.
///
/// - Invariant: 1 to ``entryMaximum`` entries, each of 1 to ``ChunkSizes/maximumCeiling`` bytes.
public struct Manifest: Sendable {
    /// Most chunks of a manifest: 36 KiB encoded, 290 MiB of data at the usual sizes.
    public static let entryMaximum = 1024

    public let entries: [ManifestEntry]
    /// The SHA-256 of the encoded manifest: its name.
    public let digest: Digest
    /// Where each entry ends, bytes from the front of the manifest.
    private let ends: [UInt64]

    /// - Precondition: `entries` hold to the invariant; they come from a chunker, not from outside.
    public init(_ entries: [ManifestEntry]) {
        precondition(
            (1...Manifest.entryMaximum).contains(entries.count),
            "a manifest of \(entries.count) entries, 1 to \(Manifest.entryMaximum) are allowed")
        for entry in entries {
            precondition(ManifestFormat.lengths.contains(entry.length), "a chunk of \(entry.length) bytes in a manifest")
        }
        self.init(unchecked: entries, digest: Digest(of: ManifestFormat.encode(entries)))
    }

    /// `entries` hold to the invariant, and `digest` is the name of their encoding.
    init(unchecked entries: [ManifestEntry], digest: Digest) {
        self.entries = entries
        self.digest = digest
        var end: UInt64 = 0
        ends = entries.map { entry in
            end += UInt64(entry.length)
            return end
        }
    }

    /// Bytes of the stretch.
    public var totalLength: UInt64 { ends[ends.count - 1] }
}

extension Manifest: Hashable {
    /// Equal names are equal manifests.
    public static func == (left: Manifest, right: Manifest) -> Bool { left.digest == right.digest }

    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

// MARK: - Ranges

extension Manifest {
    /// A place within a manifest.
    public struct Position: Sendable, Hashable {
        /// Index of the entry.
        public let index: Int
        /// Byte of the manifest at which the entry begins.
        public let start: UInt64
        /// Byte within the entry.
        public let offset: Int
    }

    /// The entry that holds the byte at `offset`; `nil` at and after the end.
    ///
    /// - Complexity: O(log n) over the entries.
    public func entry(containing offset: UInt64) -> Position? {
        guard offset < totalLength else { return nil }
        var low = 0
        var high = ends.count - 1
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > offset { high = middle } else { low = middle + 1 }
        }
        let start = start(of: low)
        return Position(index: low, start: start, offset: Int(offset - start))
    }

    /// Byte at which the entry at `index` begins.
    public func start(of index: Int) -> UInt64 { index == 0 ? 0 : ends[index - 1] }

    /// The stretches of chunks that make up `range`, in order; what lies past the end is left out.
    public func pieces(in range: Range<UInt64>) -> [(entry: ManifestEntry, range: Range<Int>)] {
        guard !range.isEmpty, let first = entry(containing: range.lowerBound) else { return [] }
        var pieces: [(entry: ManifestEntry, range: Range<Int>)] = []
        var start = first.start
        for entry in entries[first.index...] {
            guard start < range.upperBound else { break }
            let lower = start < range.lowerBound ? Int(range.lowerBound - start) : 0
            let upper = Int(min(UInt64(entry.length), range.upperBound - start))
            pieces.append((entry, lower..<upper))
            start += UInt64(entry.length)
        }
        return pieces
    }
}
