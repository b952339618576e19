public import SkerryCRDT
import SkerryStorage

/// What a store knows of a document without opening it.
///
/// Chunks are numbered from 0; a number is never used again. The snapshot holds what the chunks below ``boundary`` say; those behind are
/// the tail, which opening merges.
struct DocumentRow: Sendable, Hashable {
    var name: String
    /// The document's own number in keys; a name that is used again after a deletion gets another.
    var number: UInt64
    var isDeleted = false
    /// Whether the history that the chunks tell begins at a snapshot: what was before it was cut.
    var isCut = false
    /// The number of the next chunk.
    var nextChunk: UInt64 = 0
    /// 0 when there is no snapshot.
    var boundary: UInt64 = 0
    var snapshotBytes = 0
    var chunkCount = 0
    var chunkBytes = 0
    /// Of these, behind the boundary.
    var tailCount = 0
    var tailBytes = 0
    /// What is on disk; of a deleted document, what was.
    var version = CausalContext()
    /// What the deletions of this name had seen.
    var buried = CausalContext()
    /// The commit that changed it last, and when.
    var dot: Dot
    var stamp: HybridTimestamp = .zero

    init(name: String, number: UInt64, dot: Dot) {
        self.name = name
        self.number = number
        self.dot = dot
    }

    /// ```
    /// row = flags number next boundary snapshot-bytes chunks chunk-bytes tail tail-bytes writer sequence stamp version buried
    /// ```
    func write(to writer: inout FieldWriter, _ writers: inout WriterTable) {
        writer.write(byte: (isDeleted ? 1 : 0) | (isCut ? 2 : 0))
        writer.write(number)
        writer.write(nextChunk)
        writer.write(boundary)
        writer.write(snapshotBytes)
        writer.write(chunkCount)
        writer.write(chunkBytes)
        writer.write(tailCount)
        writer.write(tailBytes)
        writer.write(writers.number(of: dot.origin))
        writer.write(dot.sequence)
        writer.write(fixed: stamp.rawValue)
        writer.write(version, &writers)
        writer.write(buried, &writers)
    }

    init(name: String, _ reader: inout FieldReader, _ writers: WriterTable) throws(StorageError) {
        self.name = name
        let flags = try reader.readByte()
        guard flags <= 3 else { throw StorageError(.newerFormat, "a document's row has flags \(flags)") }
        isDeleted = flags & 1 != 0
        isCut = flags & 2 != 0
        number = try reader.readInteger()
        nextChunk = try reader.readInteger()
        boundary = try reader.readInteger()
        snapshotBytes = try reader.readLength()
        chunkCount = try reader.readLength()
        chunkBytes = try reader.readLength()
        tailCount = try reader.readLength()
        tailBytes = try reader.readLength()
        dot = Dot(origin: try reader.readWriter(writers), sequence: try reader.readInteger())
        stamp = try reader.readStamp()
        version = try reader.readVersion(writers)
        buried = try reader.readVersion(writers)
        guard boundary <= nextChunk, tailCount <= chunkCount, tailBytes <= chunkBytes else {
            throw StorageError(.corrupt, "a document's row contradicts itself")
        }
    }
}

/// What a listing tells of a document.
public struct DocumentSummary: Sendable, Hashable {
    public var name: String
    /// How much of each writer is on disk; of a deleted document, what the deletion had seen.
    public var version: CausalContext
    public var isDeleted: Bool
    /// Whether its history begins at a snapshot, see ``DocumentStore/adopt(_:snapshot:)``.
    public var isCut: Bool
    /// Bytes of history and snapshot on disk.
    public var storedBytes: Int
    /// The commit that changed it last, and when it was made.
    public var dot: Dot
    public var stamp: HybridTimestamp

    init(_ row: DocumentRow) {
        name = row.name
        version = row.isDeleted ? row.buried : row.version
        isDeleted = row.isDeleted
        isCut = row.isCut
        storedBytes = row.snapshotBytes + row.chunkBytes
        dot = row.dot
        stamp = row.stamp
    }
}
