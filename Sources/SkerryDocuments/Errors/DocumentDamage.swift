/// Something on disk that is not what was written.
public struct DocumentDamage: Sendable, Hashable, CustomStringConvertible {
    public enum Part: Sendable, Hashable {
        /// A chunk of history; chunks of a document are numbered from 0.
        case chunk(UInt64)
        /// So many chunks that should be there are not.
        case missingChunks(Int)
        /// The state that a document is opened from; it can be made anew from sound chunks.
        case snapshot
        /// Chunks and snapshot are sound each and do not fit together.
        case version
        /// What the store knows of the document.
        case row
        /// A stretch of a file that holds no sound record; whose it was is not known.
        case range(Range<UInt64>)
    }

    /// nil where it cannot be told.
    public var document: String?
    public var part: Part
    /// For the reader of a log.
    public var message: String

    public init(document: String?, part: Part, message: String) {
        self.document = document
        self.part = part
        self.message = message
    }

    public var description: String { "\(document ?? "unknown document"): \(part): \(message)" }
}
