public import SkerryStorage

/// The bytes of a manifest, as `docs/formats/manifest.md` has them.
///
/// One list has one encoding: otherwise the same content could go by several names.
enum ManifestFormat {
    static let magic = Array("SkMf".utf8)
    static let version: UInt8 = 1
    static let lengths = 1...ChunkSizes.maximumCeiling

    static func encode(_ entries: [ManifestEntry]) -> [UInt8] {
        var writer = FieldWriter(reserving: 16 + entries.count * (Digest.byteCount + 4))
        writer.write(raw: magic)
        writer.write(byte: version)
        writer.write(entries.count)
        for entry in entries {
            entry.digest.withUnsafeBytes { writer.write(raw: $0) }
            writer.write(entry.length)
        }
        return writer.bytes
    }

    static func decode(_ bytes: ArraySlice<UInt8>) throws(StorageError) -> [ManifestEntry] {
        var reader = FieldReader(bytes)
        guard try reader.read(raw: magic.count).elementsEqual(magic) else { throw damage("has another magic") }
        let version = try reader.readByte()
        guard version != 0 else { throw damage("has version 0") }
        guard version == self.version else {
            throw StorageError(.newerFormat, "manifest: version \(version), this release reads \(self.version)")
        }
        let count = try reader.readCount(maximum: Manifest.entryMaximum)
        guard count > 0 else { throw damage("has no entries") }
        var entries: [ManifestEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let digest = try reader.read(raw: Digest.byteCount)
            let length = try reader.readCount(maximum: lengths.upperBound)
            guard let digest = Digest(bytes: digest), length >= lengths.lowerBound else { throw damage("has an empty chunk") }
            entries.append(ManifestEntry(digest: digest, length: length))
        }
        guard reader.isAtEnd else { throw damage("has \(reader.remaining) bytes after its last entry") }
        guard encodedByteCount(entries) == bytes.count else { throw damage("has an integer longer than it needs to be") }
        return entries
    }

    private static func encodedByteCount(_ entries: [ManifestEntry]) -> Int {
        entries.reduce(magic.count + 1 + integerByteCount(entries.count)) { sum, entry in
            sum + Digest.byteCount + integerByteCount(entry.length)
        }
    }

    /// Bytes of a positive number at seven bits each.
    private static func integerByteCount(_ value: Int) -> Int {
        (Int.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    private static func damage(_ what: String) -> StorageError { StorageError(.corrupt, "manifest: \(what)") }
}

extension Manifest {
    /// The bytes to store; their SHA-256 is ``digest``.
    public func encoded() -> [UInt8] { ManifestFormat.encode(entries) }

    /// Reads what ``encoded()`` wrote. Any byte sequence gives a manifest or an error, never a trap.
    ///
    /// - Parameter expected: the name the bytes were fetched by, where there is one.
    /// - Throws: `corrupt` where the bytes break the grammar or do not bear the expected name; `newerFormat` for a later version.
    public init(decoding bytes: ArraySlice<UInt8>, expected: Digest? = nil) throws(StorageError) {
        let digest = Digest(of: bytes)
        if let expected, expected != digest {
            throw StorageError(.corrupt, "manifest: the bytes under the name \(expected) are \(digest)")
        }
        self.init(unchecked: try ManifestFormat.decode(bytes), digest: digest)
    }
}
