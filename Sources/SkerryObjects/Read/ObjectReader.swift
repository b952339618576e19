import SkerryChunks
import SkerryStorage
import Synchronization

/// An opened version (or a range of it): its bytes are there to the end, whatever happens to the version meanwhile.
public final class ObjectReader: Sendable {
    /// Chunks that one piece covers; the next piece is looked up while this one is sent.
    static let chunksPerPiece = 32

    public let version: ObjectVersion
    /// Bytes that the reader gives.
    public let range: Range<UInt64>
    private let cursor: Mutex<Cursor>
    private let store: ObjectStore
    /// Keeps the collector away from what is still to be read.
    private let ticket: ReaderEpochs.Ticket

    /// Where the reader is, and where the rest comes from.
    private struct Cursor: Sendable {
        var source: Source
        var ahead: Task<Result<Batch?, ObjectError>, Never>?
    }

    private enum Source: Sendable {
        case inline([UInt8])
        /// Chunks from one on, which begins at `start` of the object.
        case chunks(ArraySlice<OpenBlock>, start: UInt64)
        case manifests(ManifestCursor)
        case ended
    }

    private struct Batch: Sendable {
        var piece: ObjectPiece
        var rest: ManifestCursor
    }

    init(entry: ObjectCache.Entry, range: Range<UInt64>, ticket: ReaderEpochs.Ticket, store: ObjectStore) {
        version = entry.record.version
        self.range = range
        self.ticket = ticket
        self.store = store
        cursor = Mutex(Cursor(source: ObjectReader.source(entry, range), ahead: nil))
    }

    deinit { cursor.withLock { $0.ahead?.cancel() } }

    /// The next piece, nil at the end. For one consumer.
    public func next() async throws(ObjectError) -> ObjectPiece? {
        let source = cursor.withLock { cursor in
            defer { cursor.source = .ended }
            return cursor.source
        }
        switch source {
        case .ended: return nil
        case .inline(let bytes): return .bytes(bytes)
        case .chunks(let chunks, let start): return try await next(chunks, start)
        case .manifests(let rest):
            let ahead = cursor.withLock { cursor in
                defer { cursor.ahead = nil }
                return cursor.ahead
            }
            let result = if let ahead { await ahead.value } else { await ObjectReader.read(rest, store) }
            guard let batch = try result.get() else { return nil }
            readAhead(batch.rest)
            return batch.piece
        }
    }

    /// The next of the chunks that a version names itself. Those that were verified before cost no hop to another thread.
    private func next(_ chunks: ArraySlice<OpenBlock>, _ start: UInt64) async throws(ObjectError) -> ObjectPiece? {
        let piece = Array(chunks.prefix(ObjectReader.chunksPerPiece))
        let end = piece.reduce(start) { $0 + UInt64($1.location.bodyLength) }
        if end < range.upperBound { cursor.withLock { $0.source = .chunks(chunks.dropFirst(piece.count), start: end) } }
        let unverified = piece.filter { !$0.isVerified }
        if !unverified.isEmpty {
            try await store.onDisk { () throws(StorageError) in
                for block in unverified { try block.verify() }
            }
        }
        return .extents(piece.extents(covering: range, from: start))
    }

    private func readAhead(_ rest: ManifestCursor) {
        guard !rest.isAtEnd else { return }
        let store = store
        cursor.withLock { cursor in
            cursor.source = .manifests(rest)
            cursor.ahead = Task { await ObjectReader.read(rest, store) }
        }
    }

    private static func read(_ cursor: ManifestCursor, _ store: ObjectStore) async -> Result<Batch?, ObjectError> {
        do throws(ObjectError) {
            return .success(
                try await store.onDisk { () throws(StorageError) in
                    var cursor = cursor
                    guard let piece = try cursor.next(store.blocks, limit: chunksPerPiece) else { return nil }
                    return Batch(piece: piece, rest: cursor)
                })
        } catch {
            return .failure(error)
        }
    }

    private static func source(_ entry: ObjectCache.Entry, _ range: Range<UInt64>) -> Source {
        guard !range.isEmpty else { return .ended }
        switch entry.record.version.body {
        case .inline:
            let isAll = range.count == entry.inline.count
            return .inline(isAll ? entry.inline : Array(entry.inline[Int(range.lowerBound)..<Int(range.upperBound)]))
        case .chunks:
            let (chunks, start) = entry.blocks.covering(range)
            return .chunks(chunks, start: start)
        case .manifests(let count):
            return .manifests(ManifestCursor(tenant: entry.record.tenant, list: entry.blocks[0], count: count, range: range))
        }
    }
}

extension [OpenBlock] {
    /// Those of a body's blocks that hold bytes of `range`, and where the first of them begins.
    fileprivate func covering(_ range: Range<UInt64>) -> (chunks: ArraySlice<OpenBlock>, start: UInt64) {
        var first = 0
        var start: UInt64 = 0
        while first < count, start + UInt64(self[first].location.bodyLength) <= range.lowerBound {
            start += UInt64(self[first].location.bodyLength)
            first += 1
        }
        var last = first
        var end = start
        while last < count, end < range.upperBound {
            end += UInt64(self[last].location.bodyLength)
            last += 1
        }
        return (self[first..<last], start)
    }

    /// The parts of these contiguous blocks that lie in `range`, the first block beginning at `start` of the object.
    func extents(covering range: Range<UInt64>, from start: UInt64) -> [ObjectPiece.Extent] {
        var extents: [ObjectPiece.Extent] = []
        extents.reserveCapacity(count)
        var blockStart = start
        for block in self {
            let blockEnd = blockStart + UInt64(block.location.bodyLength)
            let lower = Swift.max(range.lowerBound, blockStart)
            let upper = Swift.min(range.upperBound, blockEnd)
            if lower < upper {
                extents.append(
                    ObjectPiece.Extent(
                        handle: block.handle, offset: block.location.bodyOffset + (lower - blockStart), count: Int(upper - lower)))
            }
            blockStart = blockEnd
        }
        return extents
    }
}
