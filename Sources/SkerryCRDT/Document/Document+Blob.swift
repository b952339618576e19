/// What became of a text that was written as a whole.
public struct BlobWrite: Sendable, Hashable {
    /// What the writer has seen now: the base and its own events. In this version the text reads exactly as it was written, so it is the base
    /// of the writer's next write.
    public var version: CausalContext
    /// Events made; 0 when the text already read so in the base.
    public var events: Int

    public init(version: CausalContext, events: Int) {
        self.version = version
        self.events = events
    }
}

extension Document {
    /// Most bytes of a text written as a whole: 8 MiB, so that its events fit into a frame of ``UpdateEncoder``.
    public static var blobMaximum: Int { 8 << 20 }

    /// Writes a whole text over what it was at a version: a file that somebody read, changed and puts back.
    ///
    /// The difference from the text at `base`, by lines and inside changed lines by words, becomes events that have seen `base` and
    /// nothing else. What others wrote since then is concurrent with them and stays; what the writer left alone keeps its identity, and with it
    /// anchors. At the version in the result the text is `blob`, byte for byte.
    ///
    /// - Parameters:
    ///   - blob: UTF-8, at most ``blobMaximum`` bytes.
    ///   - path: a text. At the root it need not exist yet; inside a map it must.
    ///   - base: a version of this document, or of a replica whose events are all here.
    ///   - writer: a new name (``OriginID``), for the case that this document has written something itself that is not in `base`: its own
    ///     events cannot be concurrent with each other. Without such events the document's own name is used, which keeps versions short.
    /// - Returns: the version to write from next, and how many events were made. Watchers hear of them as of a change that came from elsewhere,
    ///   so undo leaves them alone.
    /// - Throws: ``DocumentError``; the document is as it was. `notFound` when `base` has events that are not here, was never a version of one
    ///   replica, or lies before a snapshot whose history is not at hand, or when there is no text at `path`: synchronise and try again;
    ///   `mismatch`, with the offset, when `blob` is not UTF-8, when `path` is none of a text, or when `writer` has written what `base` lacks;
    ///   `limitExceeded` when `blob`, or the text at `base`, is too large.
    /// - Complexity: when `base` is the current version, that of the diff, O(n) for a text of n bytes with few changes; else the events up to
    ///   `base` are replayed first. The comparison itself holds no lock.
    @discardableResult
    public func write(
        _ blob: [UInt8], to path: ContainerPath, base: CausalContext, writer: OriginID
    ) throws(DocumentError) -> BlobWrite {
        try Document.check(blob, for: path)
        let draft = try withCore { core throws(DocumentError) in try core.draft(of: path, at: base) }
        let edits = BlobEdits(from: draft.text, to: blob).edits
        guard !edits.isEmpty else { return BlobWrite(version: base, events: 0) }
        let written = try withCore { core throws(DocumentError) in
            try core.write(edits, of: blob, over: draft, to: path, base: base, writer: writer)
        }
        deliver()
        return written
    }

    /// As ``write(_:to:base:writer:)``, for a text at the root of the document.
    @discardableResult
    public func write(
        _ text: String, toText name: String, base: CausalContext, writer: OriginID
    ) throws(DocumentError) -> BlobWrite {
        try write(Array(text.utf8), to: ContainerPath(key: name, kind: .text), base: base, writer: writer)
    }

    private static func check(_ blob: [UInt8], for path: ContainerPath) throws(DocumentError) {
        guard path.steps.last?.kind == .text else { throw DocumentError(code: .mismatch, message: "the path is not that of a text") }
        guard blob.count <= blobMaximum else {
            throw DocumentError(code: .limitExceeded, message: "\(blob.count) bytes in one write; at most \(blobMaximum)")
        }
        if let offset = blob.withUnsafeBufferPointer(firstInvalidByte) {
            throw DocumentError(code: .mismatch, message: "the text is not UTF-8", offset: offset)
        }
    }

    private static func firstInvalidByte(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        if UTF8Validation.measure(bytes) != nil { return nil }
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + UTF8Width.ofScalar(bytes[offset]))
            if UTF8Validation.measure(UnsafeBufferPointer(rebasing: bytes[offset..<end])) == nil { return offset }
            offset = end
        }
        return nil
    }
}

extension DocumentCore {
    /// A text at a version, and what an event that has seen just that version names as its parents.
    struct BlobDraft: Sendable {
        var text: [UInt8]
        var parents: [Dot]
    }

    mutating func draft(of path: ContainerPath, at base: CausalContext) throws(DocumentError) -> BlobDraft {
        let container = existingContainer(path)
        guard container != nil || path.steps.count == 1 else {
            throw DocumentError(code: .notFound, message: "there is no text \(path.steps.map(\.key).joined(separator: "/"))")
        }
        if base == version {
            let text = container.map { texts[containers.slot(of: $0)].bytes } ?? []
            return BlobDraft(text: try bounded(text), parents: graph.headDots)
        }
        guard version.covers(base) else { throw DocumentError(code: .notFound, message: "the version has events that are not here") }
        try restoreHistory()
        let parents = try heads(of: base)
        let text = try container.map { container throws(DocumentError) in try pastText(of: container, at: base) }
        return BlobDraft(text: try bounded(text ?? []), parents: parents)
    }

    /// The result may be no larger than what can be written, and neither may what is to be compared with it.
    private func bounded(_ text: [UInt8]) throws(DocumentError) -> [UInt8] {
        guard text.count <= Document.blobMaximum else {
            throw DocumentError(code: .limitExceeded, message: "a text of \(text.count) bytes; at most \(Document.blobMaximum)")
        }
        return text
    }

    /// The events of a version that nothing in it follows.
    private mutating func heads(of base: CausalContext) throws(DocumentError) -> [Dot] {
        var newest: [UInt32] = []
        for dot in base.dots where dot.sequence > 0 {
            guard let number = graph.existingNumber(of: dot.origin),
                let version = graph.version(origin: number, sequence: Int(dot.sequence) - 1)
            else { throw DocumentError(code: .notFound, message: "the version has events that are not here") }
            newest.append(UInt32(version))
        }
        var heads = RawArray<UInt32>(capacity: newest.count)
        for version in newest.sorted(by: >) where !graph.hasSeen(heads.elements, version, scratch: &scratch) {
            heads.insert(version, at: 0)
        }
        try checkClosed(base, heads: heads.elements)
        return heads.elements.map { graph.dot(of: Int($0)) }
    }

    /// A version of a replica holds the past of all its events: what its heads have seen is all of it.
    private mutating func checkClosed(_ base: CausalContext, heads: UnsafeBufferPointer<UInt32>) throws(DocumentError) {
        graph.difference(heads, graph.frontier.elements, into: &scratch)
        var seen = graph.sequences.elements.map(\.self)
        for index in 0..<scratch.onlyRight.count {
            let span = scratch.onlyRight[index]
            var run = graph.run(of: Int(span.start))
            var start = Int(span.start)
            while start < Int(span.end) {
                let end = min(graph.end(ofRun: run), Int(span.end))
                seen[Int(graph.runs[run].origin)] -= UInt32(end - start)
                (run, start) = (run + 1, end)
            }
        }
        for (number, origin) in graph.origins.enumerated() where UInt64(seen[number]) != base.sequence(of: origin) {
            throw DocumentError(code: .notFound, message: "no replica had this version: it lacks events that its own build on")
        }
    }

    // MARK: - Writing

    /// Applies edits of a draft as events that follow its version.
    mutating func write(
        _ edits: [BlobEdits.Edit], of blob: [UInt8], over draft: BlobDraft, to path: ContainerPath, base: CausalContext, writer: OriginID
    ) throws(DocumentError) -> BlobWrite {
        let isOwn = UInt64(graph.sequences[Int(originNumber)]) <= base.sequence(of: origin)
        let author = isOwn ? origin : writer
        let known = graph.existingNumber(of: author).map { Int(graph.sequences[Int($0)]) } ?? 0
        guard UInt64(known) <= base.sequence(of: author) else {
            throw DocumentError(code: .mismatch, message: "\(author) has written what the base lacks: write under a new name")
        }
        var batch = ChangeBatch()
        batch.origins = [author]
        batch.name(path)
        let count = batch.append(edits, of: blob, over: draft.text)
        batch.appendRun(of: count, sequence: known, parents: draft.parents.filter { $0.origin != author || $0.sequence > known })
        _ = try apply(batch)
        var version = base
        version.insert(Dot(origin: author, sequence: UInt64(known + count)))
        return BlobWrite(version: version, events: count)
    }
}

extension ChangeBatch {
    /// The containers from the root to the one that operations name by the last index.
    fileprivate mutating func name(_ path: ContainerPath) {
        for (depth, step) in path.steps.enumerated() {
            let parent = depth == 0 ? ContainerTable.root : UInt32(depth - 1)
            containers.append(Container(parent: parent, key: step.key, kind: step.kind, depth: depth + 1))
        }
    }

    /// Edits as operations, each in terms of the text that those before it leave.
    ///
    /// - Returns: how many events they are.
    fileprivate mutating func append(_ edits: [BlobEdits.Edit], of blob: [UInt8], over text: [UInt8]) -> Int {
        let container = UInt32(containers.count - 1)
        var count = 0, position = 0, measured = 0
        for edit in edits {
            position += text[measured..<edit.source.lowerBound].scalarCount
            measured = edit.source.upperBound
            let deleted = text[edit.source].scalarCount, inserted = blob[edit.target].scalarCount
            for (kind, length) in [(Operation.Kind.deletion, deleted), (.insertion, inserted)] where length > 0 {
                let content = kind == .insertion ? blob[edit.target] : []
                operations.append(
                    Operation(
                        container: container, kind: kind, count: UInt32(length), position: UInt32(position),
                        content: UInt32(bytes.count), contentCount: UInt32(content.count)))
                content.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            }
            position += inserted
            count += deleted + inserted
        }
        return count
    }

    fileprivate mutating func appendRun(of count: Int, sequence: Int, parents dots: [Dot]) {
        runs.append(
            Run(
                origin: 0, sequence: UInt32(sequence), count: UInt32(count), parents: 0, parentCount: UInt32(dots.count), operations: 0,
                operationCount: UInt32(operations.count)))
        for dot in dots {
            origins.append(dot.origin)
            parents.append(Parent(origin: UInt32(origins.count - 1), sequence: UInt32(dot.sequence) - 1))
        }
    }
}

extension ArraySlice<UInt8> {
    /// Scalars of valid UTF-8.
    fileprivate var scalarCount: Int {
        withUnsafeBufferPointer { bytes in bytes.baseAddress.map { TextMeasure($0, count: bytes.count).scalars } ?? 0 }
    }
}
