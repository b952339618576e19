import Synchronization

/// A document as it was at a version, for reading.
public struct DocumentView: Sendable {
    let document: Document

    public var version: CausalContext { document.version }
    public func text(_ name: String) -> TextView { document.text(name) }
    public func list(_ name: String) -> ListView { document.list(name) }
    public func map(_ name: String) -> MapView { document.map(name) }
    public func counter(_ name: String) -> CounterView { document.counter(name) }
    public func set(_ name: String) -> SetView { document.set(name) }
    public func register(_ name: String) -> RegisterView { document.register(name) }
}

extension Document {
    /// Takes in what another document has and this one lacks.
    ///
    /// - Throws: ``DocumentError``; this document is as it was, or where there is more than a chunk holds, as it was before the part at fault.
    @discardableResult
    public func merge(_ other: Document) throws(DocumentError) -> ImportResult { try takeIn(other.events(since: version)) }

    /// A document of its own that starts with everything this one has, history included.
    ///
    /// - Parameter origin: its name, new.
    public func fork(origin: OriginID, now: @escaping @Sendable () -> UInt64 = WallClock.milliseconds) throws(DocumentError) -> Document {
        try copy(at: nil, origin: origin, now: now)
    }

    /// What the document said at a version. O(n) in the history up to there.
    ///
    /// - Throws: `notFound` when the version was never one of a replica whose events are here.
    public func at(_ version: CausalContext) throws(DocumentError) -> DocumentView {
        DocumentView(document: try copy(at: version, origin: origin, now: { .max >> 16 }))
    }

    /// What leads from one version to another, whether or not one follows the other. O(n) in the history up to both.
    ///
    /// - Throws: as ``at(_:)``.
    public func diff(from: CausalContext, to: CausalContext) throws(DocumentError) -> [ContainerDelta] {
        var both = from
        both.merge(to)
        // Forward to where both meet, then back to the target.
        let forward = from == both ? [] : try deltas(from: from, to: both)
        let back = to == both ? [] : try deltas(from: to, to: both)
        return forward + back.reversed().map(\.inverse)
    }

    private func deltas(from: CausalContext, to: CausalContext) throws(DocumentError) -> [ContainerDelta] {
        if !version.covers(to) { throw DocumentError(code: .notFound, message: "the version has events that are not here") }
        let copy = try copy(at: from, origin: origin, now: { .max >> 16 })
        let deltas = Mutex<[ContainerDelta]>([])
        let observation = copy.observe { change in deltas.withLock { $0 += change.deltas } }
        try copy.takeInWhole(events(since: from, until: to))
        observation.cancel()
        return deltas.withLock { $0 }
    }

    /// The events that a version lacks, for a document of this process: as history has them, without its compression and checksum, in as many
    /// parts as history has chunks.
    private func events(since known: CausalContext, until limit: CausalContext? = nil) throws(DocumentError) -> [[UInt8]] {
        try withCore { core throws(DocumentError) in
            var parts: [[UInt8]] = []
            var from = known
            for cut in try core.historyCuts(since: known, until: limit, budget: DocumentCore.chunkBudget) {
                let end = limit.map { cut.intersection($0) } ?? cut
                let part = try HistoryEncoder.encode(&core, since: from, until: end, isCompressed: false)?.finish() ?? []
                if !part.isEmpty { parts.append(part) }
                from.merge(cut)
            }
            let rest = try HistoryEncoder.encode(&core, since: from, until: limit, isCompressed: false)?.finish() ?? []
            if !rest.isEmpty { parts.append(rest) }
            return parts
        }
    }

    /// - Parameter isOwn: whether they were let in here once, so that no stamp is from the future.
    @discardableResult
    private func takeIn(_ parts: [[UInt8]], isOwn: Bool = false) throws(DocumentError) -> ImportResult {
        var result = ImportResult()
        for part in parts {
            let outcome = part.withUnsafeBufferPointer { bytes -> Result<ImportResult, DocumentError> in
                do throws(DocumentError) {
                    return .success(try apply(HistoryDecoder.decode(bytes), isOwn: isOwn))
                } catch { return .failure(error) }
            }
            result.add(try outcome.get())
        }
        return result
    }

    /// Takes in events of a version, which holds the past of each.
    private func takeInWhole(_ parts: [[UInt8]]) throws(DocumentError) {
        guard let missing = try takeIn(parts, isOwn: true).missing else { return }
        throw DocumentError(
            code: .notFound, message: "no replica had this version: it lacks event \(missing.sequence) of \(missing.origin)")
    }

    private func copy(
        at limit: CausalContext?, origin: OriginID, now: @escaping @Sendable () -> UInt64
    ) throws(DocumentError) -> Document {
        if let limit, !version.covers(limit) { throw DocumentError(code: .notFound, message: "the version has events that are not here") }
        let copy = Document(origin: origin, now: now)
        try copy.takeInWhole(events(since: CausalContext(), until: isDefective(.pastIsPresent) ? nil : limit))
        return copy
    }
}
