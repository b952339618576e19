/// One chunk of an object: its name and its length.
public struct ManifestEntry: Sendable, Hashable {
    public let digest: Digest
    /// Bytes of the chunk, 1 to ``ChunkSizes/maximumCeiling``.
    public let length: Int

    public init(digest: Digest, length: Int) {
        self.digest = digest
        self.length = length
    }
}
