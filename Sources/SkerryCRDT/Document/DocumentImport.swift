/// An import in slices: what ``Document/history(since:)`` wrote, taken in a little at a time, so that a long one never holds a document's lock or a
/// user interface up for longer than the caller likes.
///
/// ```swift
/// var work = DocumentImport(bytes)
/// while !work.isDone { try work.step(into: document) { clock.now < end } }
/// ```
///
/// Between two slices the document is whole: it has the events up to there, as if a shorter history had come. Others may read and change it, and its
/// watchers are told slice by slice.
public struct DocumentImport: ~Copyable, Sendable {
    /// Operations that are applied between two looks at the time.
    static let pieceMaximum = 128

    private let bytes: [UInt8]
    /// Where the next chunk begins.
    private var offset = 0
    /// The chunk at hand, and how far it has been taken in: the run, and within it operations and events.
    private var batch: ChangeBatch?
    private var run = 0
    private var operation = 0
    private var event = 0

    /// What has become of it so far.
    public private(set) var result = ImportResult()

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing is left to do.
    public var isDone: Bool { batch == nil && offset == bytes.count }

    /// Goes on with the import, at least by one piece.
    ///
    /// A piece is a chunk that is decoded, outside the document's lock, or up to 128 operations of it that are applied, a fraction of a millisecond; a large
    /// paste is one operation. A chunk of n bytes is decoded in one go, about 10 ns a byte: who asks for slices of 2 ms asks the writer for chunks to match,
    /// see ``Document/history(since:chunkMaximum:)``.
    ///
    /// - Parameter goesOn: asked between two pieces, outside the document's lock; false ends the slice.
    /// - Throws: ``DocumentError``, as `merge` does. The piece at fault leaves no trace, those before it stay, the rest is not looked
    ///   at: the import is done.
    public mutating func step(into document: Document, while goesOn: () -> Bool) throws(DocumentError) {
        do throws(DocumentError) {
            while !isDone {
                if batch == nil { try decodeChunk() } else { try applyPiece(to: document) }
                if !goesOn() { return }
            }
        } catch {
            batch = nil
            offset = bytes.count
            throw error
        }
    }

    private mutating func decodeChunk() throws(DocumentError) {
        let start = offset
        var next: ChangeBatch?
        var end = start
        var failure: DocumentError?
        bytes.withUnsafeBufferPointer { bytes in
            do throws(DocumentError) {
                var reader = ByteReader(UnsafeBufferPointer(rebasing: bytes[start...]))
                let chunk = try Chunk.next(&reader)
                guard chunk.kind == .history else {
                    throw DocumentError(code: .mismatch, message: "a snapshot where history is wanted")
                }
                next = try HistoryDecoder.decode(chunk.body)
                end = start + reader.offset
            } catch { failure = error }
        }
        if let failure { throw failure }
        offset = end
        batch = next.take()
        (run, operation, event) = (0, 0, 0)
    }

    private mutating func applyPiece(to document: Document) throws(DocumentError) {
        guard let piece = nextPiece() else {
            batch = nil
            return
        }
        result.add(try document.apply(piece.batch()))
    }

    /// The next part of the run at hand; nil when the chunk is done. What comes later in a run has seen what came before.
    private mutating func nextPiece() -> PendingRun? {
        guard run < batch!.runs.count else { return nil }
        var part = batch!.runs[run]
        let rest = Int(part.operationCount) - operation
        let count = min(rest, DocumentImport.pieceMaximum)
        part.operations += UInt32(operation) + (isDefective(.sliceLosesEvents) && operation > 0 ? 1 : 0)
        part.operationCount = UInt32(count)
        var events = 0
        for index in Int(part.operations)..<Int(part.operations) + count { events += Int(batch!.operations[index].count) }
        part.sequence += UInt32(event)
        part.count = UInt32(events)
        if operation > 0 { part.parentCount = 0 }
        if count == rest { (run, operation, event) = (run + 1, 0, 0) } else { (operation, event) = (operation + count, event + events) }
        return PendingRun(part, of: batch!)
    }
}

extension Document {
    /// Takes in what ``history(since:)`` wrote in slices, and lets others run between them: for a user interface, on its own actor.
    ///
    /// Cancelling the task ends it after the slice at hand; the result tells how far it came.
    ///
    /// - Parameter slice: about how long it works at a time; see ``DocumentImport/step(into:while:)`` for what may take longer.
    /// - Throws: as there.
    @discardableResult
    public func merge(_ bytes: [UInt8], inSlicesOf slice: Duration) async throws(DocumentError) -> ImportResult {
        var work = DocumentImport(bytes)
        let clock = ContinuousClock()
        while !work.isDone, !Task.isCancelled {
            let end = clock.now + slice
            try work.step(into: self) { clock.now < end }
            await Task.yield()
        }
        return work.result
    }
}
