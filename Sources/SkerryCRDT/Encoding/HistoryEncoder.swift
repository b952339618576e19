/// Writes events as the columns of a history chunk.
struct HistoryEncoder: ~Copyable {
    /// By number in the graph and in the document: the number here, -1 for none yet.
    private var originNumbers: RawArray<Int32>
    private var containerNumbers: RawArray<Int32>
    /// By number in the graph: where in its log the last operation of an origin was.
    private var hints: RawArray<UInt32>
    private var origins: [OriginID] = []
    private var expected: [Int] = []
    private var containers: [UInt32] = []
    private var positions: [Int] = []

    private var runOrigins = ByteWriter()
    private var runCounts = ByteWriter()
    private var runSequences = ByteWriter()
    private var parentCounts = ByteWriter()
    private var parents = ByteWriter()
    private var operationCounts = ByteWriter()
    private var operationContainers = ByteWriter()
    private var operationKinds = ByteWriter()
    private var operationPositions = ByteWriter()
    private var contentLengths = ByteWriter()
    private var content = ByteWriter()

    private var runCount = 0
    private var ownerRun = (container: -1, count: 0)

    private init(_ core: borrowing DocumentCore) {
        originNumbers = RawArray(capacity: core.graph.origins.count)
        originNumbers.append(repeating: -1, count: core.graph.origins.count)
        hints = RawArray(capacity: core.graph.origins.count)
        hints.append(repeating: .max, count: core.graph.origins.count)
        containerNumbers = RawArray(capacity: core.containers.count)
        containerNumbers.append(repeating: -1, count: core.containers.count)
    }

    /// The body of a chunk with the events that a version lacks; nil when there are none.
    ///
    /// - Parameter isCompressed: false for bytes that are read again at once and by nobody else.
    static func encode(
        _ core: inout DocumentCore, since known: CausalContext, until limit: CausalContext? = nil, isCompressed: Bool = true
    ) throws(DocumentError) -> ByteWriter? {
        var stretches = RawArray<OutgoingStretch>()
        try core.forEachRun(since: known, until: limit) { _, run in
            stretches.append(OutgoingStretch(run: UInt32(run.index), start: UInt32(run.start), end: UInt32(run.end)))
        }
        if stretches.isEmpty { return nil }
        var encoder = HistoryEncoder(core)
        let order = EventOrder(stretches, graph: core.graph)
        var pieces = RawArray<OutgoingStretch>()
        var index = 0
        while index < order.order.count {
            var stretch = order.stretch(index)
            index += 1
            // Where an origin went on without hearing of anyone, one run is enough.
            pieces.truncate(to: 0)
            pieces.append(stretch)
            while index < order.order.count, core.continues(order.stretch(index), stretch) {
                stretch = order.stretch(index)
                pieces.append(stretch)
                index += 1
            }
            encoder.write(pieces, of: core)
        }
        return encoder.finish(core, isCompressed: isCompressed)
    }

    private mutating func write(_ pieces: borrowing RawArray<OutgoingStretch>, of core: borrowing DocumentCore) {
        let first = pieces[0]
        let run = core.graph.runs[Int(first.run)]
        let origin = number(of: run.origin, core)
        let sequence = Int(run.sequence + first.start - run.start)
        var count = 0
        for index in 0..<pieces.count { count += Int(pieces[index].end - pieces[index].start) }
        runCount += 1
        runOrigins.write(varint: origin)
        runCounts.write(varint: count)
        runSequences.write(zigzag: sequence - expected[origin])
        parentCounts.write(varint: first.start == run.start ? writeParents(ofRun: Int(first.run), core) : 0)
        expected[origin] = sequence + count
        writeOperations(of: pieces, by: Int(run.origin), core)
    }

    /// Writes what a run had seen besides its origin's own event before it; returns how many.
    private mutating func writeParents(ofRun index: Int, _ core: borrowing DocumentCore) -> Int {
        let own = core.graph.runs[index].origin
        var count = 0
        let seen = core.graph.parents(ofRun: index), runs = core.graph.parentRuns(ofRun: index)
        for position in 0..<seen.count {
            let parent = seen[position]
            if Int(parent) < core.graph.base.count {
                for head in core.graph.base.heads where head.origin != core.graph.origins[Int(own)] {
                    write(parent: core.graph.existingNumber(of: head.origin)!, next: Int(head.sequence), core)
                    count += 1
                }
                continue
            }
            let run = core.graph.runs[Int(runs[position])]
            if run.origin == own { continue }
            write(parent: run.origin, next: Int(run.sequence + parent - run.start) + 1, core)
            count += 1
        }
        return count
    }

    private mutating func write(parent origin: UInt32, next: Int, _ core: borrowing DocumentCore) {
        let number = number(of: origin, core)
        parents.write(varint: number)
        parents.write(zigzag: next - expected[number])
        expected[number] = next
    }

    private mutating func writeOperations(of pieces: borrowing RawArray<OutgoingStretch>, by origin: Int, _ core: borrowing DocumentCore) {
        var count = 0
        // By origin, because the events of each lie one behind another.
        var hint = Int(hints[origin])
        core.forEachJoinedOperation(of: pieces, near: &hint) { operation in
            write(operation, core)
            count += 1
        }
        hints[origin] = UInt32(truncatingIfNeeded: hint)
        operationCounts.write(varint: count)
    }

    private mutating func write(_ operation: DocumentCore.OutgoingOperation, _ core: borrowing DocumentCore) {
        let container = number(ofContainer: operation.container, core)
        if ownerRun.container != container {
            flushOwner()
            ownerRun = (container, 0)
        }
        ownerRun.count += 1
        let isPlain = operation.content.count == operation.count
        let kind = operation.kind == .insertion && !isPlain ? 1 : Int(operation.kind.rawValue)
        operationKinds.write(varint: operation.count << 3 | kind)
        if operation.kind != .value {
            operationPositions.write(zigzag: operation.position - positions[container])
            positions[container] = operation.positionAfter
        }
        if kind == 1 || operation.kind == .value { contentLengths.write(varint: operation.content.count) }
        content.write(operation.content)
    }

    private mutating func flushOwner() {
        if ownerRun.count == 0 { return }
        operationContainers.write(varint: ownerRun.container)
        operationContainers.write(varint: ownerRun.count)
    }

    private mutating func number(of origin: UInt32, _ core: borrowing DocumentCore) -> Int {
        if originNumbers[Int(origin)] >= 0 { return Int(originNumbers[Int(origin)]) }
        originNumbers[Int(origin)] = Int32(origins.count)
        origins.append(core.graph.origins[Int(origin)])
        expected.append(0)
        return origins.count - 1
    }

    private mutating func number(ofContainer container: UInt32, _ core: borrowing DocumentCore) -> Int {
        if containerNumbers[Int(container)] >= 0 { return Int(containerNumbers[Int(container)]) }
        let parent = core.containers.names[Int(container)].parent
        if parent != ContainerTable.root { _ = number(ofContainer: parent, core) }
        containerNumbers[Int(container)] = Int32(containers.count)
        containers.append(container)
        positions.append(0)
        return containers.count - 1
    }

    private consuming func finish(_ core: borrowing DocumentCore, isCompressed: Bool) -> ByteWriter {
        flushOwner()
        var body = ByteWriter()
        body.write(varint: origins.count)
        for origin in origins { body.write(fixed: origin.rawValue) }
        body.write(varint: containers.count)
        for container in containers {
            let name = core.containers.names[Int(container)]
            body.write(name.kind.rawValue)
            body.write(varint: name.parent == ContainerTable.root ? 0 : Int(containerNumbers[Int(name.parent)]) + 1)
            body.write(string: name.key)
        }
        body.write(varint: runCount)
        Column.write(runOrigins.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(runCounts.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(runSequences.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(parentCounts.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(parents.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(operationCounts.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(operationContainers.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(operationKinds.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(operationPositions.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(contentLengths.bytes.elements, to: &body, isCompressed: isCompressed)
        Column.write(content.bytes.elements, to: &body, isCompressed: isCompressed)
        return body
    }
}

extension DocumentCore {
    /// Whether a stretch follows another of its origin and saw nothing in between.
    func continues(_ next: OutgoingStretch, _ last: OutgoingStretch) -> Bool {
        let run = graph.runs[Int(next.run)]
        if run.origin != graph.runs[Int(last.run)].origin { return false }
        if next.start != run.start { return next.start == last.end }
        return run.parentCount == 1 && graph.parents(ofRun: Int(next.run))[0] == last.end - 1
    }
}

extension DocumentCore.OutgoingOperation {
    /// This operation and the one that follows it as one, nil when they are two.
    func joined(with next: DocumentCore.OutgoingOperation) -> DocumentCore.OutgoingOperation? {
        guard container == next.container else { return nil }
        var joined = self
        switch (kind, next.kind) {
        case (.insertion, .insertion):
            // The content of both must lie together, as it does where they came in together.
            guard position + count == next.position, let start = content.baseAddress, start + content.count == next.content.baseAddress
            else { return nil }
            joined.content = UnsafeBufferPointer(start: start, count: content.count + next.content.count)
        case (.deletion, .deletion):
            if position == next.position { break }
            guard count == 1, next.count == 1, next.position + 1 == position else { return nil }
            joined.kind = .deletionBackwards
        case (.deletionBackwards, .deletion):
            guard next.count == 1, next.position + count == position else { return nil }
        case (.deletionBackwards, .deletionBackwards):
            guard next.position + count == position else { return nil }
        default:
            return nil
        }
        joined.count += next.count
        return joined
    }
}
