public import SkerryCRDT

/// How updates of documents travel in a feed: the grammar of keys and values (`docs/formats/document-feed.md`).
///
/// The key of an entry is the document's name, its value an update: chunks of the document's history, as `Document.history(since:)` writes them. One that
/// is longer than an entry takes comes in pieces, in entries one behind the other. The value of an entry that removes a document says what its author had seen
/// of it.
public enum DocumentFeed {
    /// An entry's value, read.
    public enum Value: Sendable, Hashable {
        /// A whole update.
        case update(ArraySlice<UInt8>)
        /// One piece of `count` of an update of `total` bytes.
        case piece(index: Int, count: Int, total: Int, ArraySlice<UInt8>)
        /// What a removal had seen.
        case removal(CausalContext)

        var isRemoval: Bool { if case .removal = self { true } else { false } }

        /// How many pieces of the update came before this one.
        public var index: Int {
            switch self {
            case .update, .removal: 0
            case .piece(let index, _, _, _): index
            }
        }

        /// How many pieces the update has.
        public var count: Int {
            switch self {
            case .update, .removal: 1
            case .piece(_, let count, _, _): count
            }
        }

        /// Of an update.
        public var bytes: ArraySlice<UInt8> {
            switch self {
            case .update(let bytes), .piece(_, _, _, let bytes): bytes
            case .removal: []
            }
        }
    }

    // MARK: - Keys

    /// - Throws: ``DocumentFeedError`` with `invalidName` for an empty name or a long one.
    public static func key(of name: String) throws(DocumentFeedError) -> [UInt8] {
        guard !name.isEmpty, name.utf8.count <= DocumentLimits.nameMaximum else {
            throw DocumentFeedError(.invalidName, "a name has 1 to \(DocumentLimits.nameMaximum) bytes", document: name)
        }
        return Array(name.utf8)
    }

    public static func name(of key: ArraySlice<UInt8>) throws(DocumentFeedError) -> String {
        guard !key.isEmpty, key.count <= DocumentLimits.nameMaximum, let name = String(validating: key, as: UTF8.self) else {
            throw DocumentFeedError(.invalidName, "a key of \(key.count) bytes is no name")
        }
        return name
    }

    // MARK: - Values

    /// The values of the entries that carry an update, in order.
    ///
    /// - Throws: ``DocumentFeedError`` with `limitExceeded`.
    public static func values(of update: ArraySlice<UInt8>) throws(DocumentFeedError) -> [[UInt8]] {
        guard update.count <= DocumentLimits.updateMaximum else {
            throw DocumentFeedError(.limitExceeded, "an update of \(update.count) bytes is too large for a feed")
        }
        guard update.count > DocumentLimits.pieceSize else { return [[1] + update] }
        let count = (update.count + DocumentLimits.pieceSize - 1) / DocumentLimits.pieceSize
        return (0..<count).map { index in
            var writer = ExchangeWriter()
            writer.byte(2)
            writer.integer(index)
            writer.integer(count)
            writer.integer(update.count)
            let start = update.startIndex + index * DocumentLimits.pieceSize
            writer.raw(update[start..<min(update.endIndex, start + DocumentLimits.pieceSize)])
            return writer.bytes
        }
    }

    /// The value of an entry that removes a document, by what its author had seen of it.
    ///
    /// - Throws: ``DocumentFeedError`` with `limitExceeded`.
    public static func value(ofRemoval seen: CausalContext) throws(DocumentFeedError) -> [UInt8] {
        guard seen.dots.count <= DocumentLimits.versionDots else {
            throw DocumentFeedError(.limitExceeded, "a version of \(seen.dots.count) writers is too large for a feed")
        }
        var writer = ExchangeWriter()
        writer.byte(removalTag)
        writer.version(seen)
        return writer.bytes
    }

    /// What a value begins with that is a removal's.
    static let removalTag: UInt8 = 3

    /// Reads an entry's value. Nothing is copied.
    public static func value(_ bytes: ArraySlice<UInt8>) throws(DocumentFeedError) -> Value {
        var reader = ExchangeReader(bytes)
        switch try reader.byte() {
        case 1: return .update(reader.rest())
        case 2:
            let index = try reader.integer(atMost: DocumentLimits.updateMaximum / DocumentLimits.pieceSize, "a piece's index")
            let count = try reader.integer(atMost: DocumentLimits.updateMaximum / DocumentLimits.pieceSize, "a number of pieces")
            let total = try reader.integer(atMost: DocumentLimits.updateMaximum, "an update")
            let bytes = reader.rest()
            let start = index * DocumentLimits.pieceSize
            guard count > 1, index < count, count == (total + DocumentLimits.pieceSize - 1) / DocumentLimits.pieceSize,
                bytes.count == min(DocumentLimits.pieceSize, total - start)
            else {
                throw DocumentFeedError(.malformed, "piece \(index) of \(count) has \(bytes.count) of \(total) bytes")
            }
            return .piece(index: index, count: count, total: total, bytes)
        case removalTag:
            let seen = try reader.version()
            try reader.end()
            return .removal(seen)
        case let kind: throw DocumentFeedError(.newerVersion, "a value of kind \(kind)")
        }
    }

    // MARK: - Cutting

    /// Cuts a long history at the boundaries of its chunks into updates of about ``DocumentLimits/updatePreferred`` bytes, each of which stands on those
    /// before it.
    public static func updates(of history: [UInt8]) -> [ArraySlice<UInt8>] {
        var updates: [ArraySlice<UInt8>] = []
        var start = 0, end = 0
        while end < history.count {
            let next = min(history.count, end + chunkLength(history, at: end))
            if next - start > DocumentLimits.updatePreferred, end > start {
                updates.append(history[start..<end])
                start = end
            }
            end = next
        }
        if start < end { updates.append(history[start..<end]) }
        return updates
    }

    /// Bytes of the chunk at a place, as its header tells (`docs/formats/document.md`).
    private static func chunkLength(_ bytes: [UInt8], at offset: Int) -> Int {
        guard bytes.count - offset >= 16 else { return bytes.count - offset }
        var length = 0
        for byte in bytes[offset + 8..<offset + 12].reversed() { length = length << 8 | Int(byte) }
        return 16 + length
    }
}
