extension Document {
    /// The events that a version lacks, as chunks to store or to send: columns, compressed, with a checksum. More than a reader takes at once, 64 MiB of
    /// columns, is written as several.
    ///
    /// Empty when there are none. O(n) in the events written, about 100 MB of columns a second.
    ///
    /// - Throws: `notFound` when the version lacks events that this replica has no history of.
    public func history(since known: CausalContext = CausalContext()) throws(DocumentError) -> [UInt8] {
        try history(since: known, until: nil)
    }

    /// As ``history(since:)``, in chunks of so many bytes of columns at most, so that a reader that takes them in slices is never long at one of them.
    ///
    /// - Parameter chunkMaximum: bytes; 64 KiB are read in a fraction of a millisecond. A single event may take more.
    public func history(since known: CausalContext = CausalContext(), chunkMaximum: Int) throws(DocumentError) -> [UInt8] {
        try history(since: known, until: nil, budget: min(max(chunkMaximum, 1 << 10), DocumentCore.chunkBudget))
    }

    /// - Parameter budget: decoded bytes of a chunk.
    func history(
        since known: CausalContext, until limit: CausalContext?, budget: Int = DocumentCore.chunkBudget
    ) throws(DocumentError) -> [UInt8] {
        try withCore { core throws(DocumentError) in
            var writer = ByteWriter()
            var from = known
            for cut in try core.historyCuts(since: known, until: limit, budget: budget) {
                try core.writeHistory(since: from, until: limit.map { cut.intersection($0) } ?? cut, to: &writer)
                from.merge(cut)
            }
            try core.writeHistory(since: from, until: limit, to: &writer)
            return writer.finish()
        }
    }

    /// Takes in what ``history(since:)`` wrote, here or elsewhere, in any order and any number of times.
    ///
    /// - Returns: what became of it; events whose past is missing here wait for it, see ``ImportResult/pending``.
    /// - Throws: ``DocumentError``; the document is as it was before the chunk at fault, and chunks before that one stay.
    @discardableResult
    public func merge(_ bytes: [UInt8]) throws(DocumentError) -> ImportResult { try merge(bytes, isOwn: false) }

    func merge(_ bytes: [UInt8], isOwn: Bool) throws(DocumentError) -> ImportResult {
        var result = ImportResult()
        let failure = bytes.withUnsafeBufferPointer { bytes -> DocumentError? in
            do throws(DocumentError) {
                var reader = ByteReader(bytes)
                while !reader.isAtEnd {
                    let chunk = try Chunk.next(&reader)
                    guard chunk.kind == .history else {
                        throw DocumentError(code: .mismatch, message: "a snapshot where history is wanted")
                    }
                    result.add(try apply(HistoryDecoder.decode(chunk.body), isOwn: isOwn))
                }
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
        return result
    }

    /// The state of the document without its history, as one chunk to open it from.
    public func snapshot() -> [UInt8] {
        withCore { core in Chunk.wrapped(.snapshot, core.encodeSnapshot(), hasMarks: core.hasMarks) }
    }

    /// Opens a document from a snapshot; O(n) in its state, the history is left alone.
    ///
    /// Changes and merges of what follows the snapshot need no history. What reaches further back, a branch from before or a look at an old
    /// version, asks `history` for the chunks that the snapshot was made from, once.
    ///
    /// - Parameters:
    ///   - origin: a new one, unless this replica went on where the snapshot was made and wrote nothing after it.
    ///   - history: runs under the document's lock; without it such merges throw `notFound`.
    public convenience init(
        origin: OriginID, snapshot: [UInt8], now: @escaping @Sendable () -> UInt64 = WallClock.milliseconds,
        history: (@Sendable () throws(DocumentError) -> [UInt8])? = nil
    ) throws(DocumentError) {
        var core = DocumentCore(origin: origin, now: now)
        var failure: DocumentError?
        snapshot.withUnsafeBufferPointer { bytes in
            do throws(DocumentError) {
                var reader = ByteReader(bytes)
                let chunk = try Chunk.next(&reader)
                guard chunk.kind == .snapshot, reader.isAtEnd else {
                    throw DocumentError(code: .mismatch, message: "history where a snapshot is wanted")
                }
                try core.decodeSnapshot(chunk.body, hasMarks: chunk.hasMarks)
            } catch { failure = error }
        }
        if let failure { throw failure }
        core.historySource = history
        self.init(core: core)
    }
}

extension DocumentCore {
    /// Writes a chunk with the events that a version lacks, when there are any.
    fileprivate mutating func writeHistory(
        since known: CausalContext, until limit: CausalContext?, to writer: inout ByteWriter
    ) throws(DocumentError) {
        guard let body = try HistoryEncoder.encode(&self, since: known, until: limit) else { return }
        Chunk.wrap(.history, body, hasMarks: hasMarks(since: known, until: limit), into: &writer)
    }
}
