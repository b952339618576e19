public import SkerryCRDT

/// Entries as stores keep them: everything but the dot, which is the key of the row, and the digest, which follows from the rest.
extension FeedEntry {
    /// A flag, the link, then the entry as a run carries its first: `docs/formats/gossip.md`, "Stored entries".
    public var stored: [UInt8] {
        var writer = FeedWriter()
        writer.bytes.reserveCapacity(Self.storedOverhead + body.count + signature.count)
        writer.byte(signature.isEmpty ? 0 : 1)
        writer.hash(link)
        writer.write(self, after: 0, isSigned: !signature.isEmpty)
        return writer.bytes
    }

    private static let storedOverhead = 1 + 32 + 16

    /// Whether this is what follows an entry with the link `previous`: a check on what a disk gave back.
    public func follows(_ previous: FeedHash) -> Bool { link == FeedHash.link(after: previous, digest: digest) }

    /// Reads what ``stored`` gave; costs one SHA-256 of the content.
    ///
    /// - Throws: ``FeedError`` with ``FeedError/Code/malformed`` or ``FeedError/Code/limitExceeded``: the row is damaged.
    public init(dot: Dot, stored bytes: UnsafeRawBufferPointer) throws(FeedError) {
        var reader = FeedReader(bytes)
        let flag = try reader.byte()
        guard flag <= 1 else { throw reader.malformed("a flag is 0 or 1") }
        let link = try reader.hash()
        self = try reader.entry(after: 0, isSigned: flag == 1)
        try reader.end()
        (self.dot, self.link) = (dot, link)
        digest = body.withUnsafeBytes { FeedHash.digest(stamp: stamp, dot: dot, kind: kind, keyLength: keyLength, body: $0) }
    }
}
