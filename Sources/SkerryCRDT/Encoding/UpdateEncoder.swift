/// Writes the events of a document for one peer, each once, over an ordered connection.
///
/// Names of origins and containers are sent once and are small numbers after that, positions and sequences are differences: a keystroke takes
/// about six bytes. One encoder per connection and direction; its counterpart is ``UpdateDecoder``. The grammar is in
/// `docs/formats/document.md`, "Update frames".
public struct UpdateEncoder: Sendable {
    /// What the peer has, as far as this side knows: what was sent to it and what it sent.
    public private(set) var known: CausalContext

    var origins = InternTable()
    var containers: [UInt32: Int] = [:]
    var positions: [Int] = []

    /// - Parameter known: what the peer has already, from its greeting.
    public init(peerHas known: CausalContext = CausalContext()) { self.known = known }

    /// Notes that the peer has events of its own or from elsewhere, so that they are not sent to it.
    public mutating func peerHas(_ version: CausalContext) { known.merge(version) }

    /// Everything in the document that the peer has not, nil when there is nothing.
    ///
    /// - Throws: `notFound` when the peer lacks events that this replica has no history of.
    public mutating func encode(_ document: Document) throws(DocumentError) -> [UInt8]? {
        try document.withCore { core throws(DocumentError) in try encode(&core) }
    }

    mutating func encode(_ core: inout DocumentCore) throws(DocumentError) -> [UInt8]? {
        var writer = ByteWriter()
        var runs = 0
        try core.forEachRun(since: known) { core, run in
            write(run, of: core, to: &writer)
            runs += 1
        }
        if runs == 0 { return nil }
        known.merge(core.version)
        return writer.finish()
    }

    // MARK: - Runs

    private mutating func write(_ run: DocumentCore.OutgoingRun, of core: borrowing DocumentCore, to writer: inout ByteWriter) {
        let graphRun = core.graph.runs[run.index]
        let origin = core.graph.origins[Int(graphRun.origin)]
        let sequence = Int(graphRun.sequence) + run.start - Int(graphRun.start)
        let isSame = origins.isCurrent(origin)
        let expected = isSame ? origins.expected(of: origin) : nil
        var header: UInt8 = isSame ? 1 : 0
        if expected == sequence { header |= 2 }
        var parents: [Dot] = []
        if run.start == Int(graphRun.start) {
            parents = core.graph.parentDots(ofRun: run.index).filter { $0.origin != origin }
        }
        let operations = core.operationCount(from: run.start, to: run.end)
        header |= UInt8(min(parents.count, 3)) << 2
        if operations == 1 { header |= 16 }
        writer.write(header)
        if !isSame { write(origin: origin, to: &writer) }
        let base = origins.expected(of: origin)
        if header & 2 == 0 { writer.write(zigzag: sequence - base) }
        if parents.count >= 3 { writer.write(varint: parents.count - 3) }
        for parent in parents {
            write(origin: parent.origin, to: &writer)
            let last = Int(parent.sequence) - 1
            writer.write(zigzag: last + 1 - origins.expected(of: parent.origin))
            origins.expect(parent.origin, next: last + 1)
        }
        if operations != 1 { writer.write(varint: operations) }
        core.forEachOperation(from: run.start, to: run.end) { operation in write(operation, of: core, to: &writer) }
        origins.expect(origin, next: sequence + run.end - run.start)
        origins.makeCurrent(origin)
    }

    private mutating func write(origin: OriginID, to writer: inout ByteWriter) {
        if let number = origins.number(of: origin) {
            writer.write(varint: number + 1)
        } else {
            writer.write(varint: 0)
            writer.write(fixed: origin.rawValue)
            origins.append(origin)
        }
    }

    // MARK: - Operations

    private mutating func write(
        _ operation: DocumentCore.OutgoingOperation, of core: borrowing DocumentCore, to writer: inout ByteWriter
    ) {
        let known = containers[operation.container]
        let kind = operation.kind.rawValue | (operation.kind == .insertion && operation.content.count != operation.count ? 1 : 0)
        let small = operation.count < 16 ? UInt8(operation.count) : 0
        let isSame = known != nil && known == origins.currentContainer
        writer.write((isSame ? 1 : 0) | kind << 1 | small << 4)
        if !isSame { origins.currentContainer = write(container: operation.container, of: core, to: &writer) }
        if small == 0 { writer.write(varint: operation.count) }
        let number = origins.currentContainer
        if operation.kind == .value {
            writer.write(varint: operation.content.count)
            writer.write(operation.content)
            return
        }
        writer.write(zigzag: operation.position - positions[number])
        if kind == 1 { writer.write(varint: operation.content.count) }
        writer.write(operation.content)
        positions[number] = operation.positionAfter
    }

    private mutating func write(container: UInt32, of core: borrowing DocumentCore, to writer: inout ByteWriter) -> Int {
        if let number = containers[container] {
            writer.write(varint: number + 1)
            return number
        }
        let name = core.containers.names[Int(container)]
        // The parent's name comes first, so that its number is smaller.
        var chain: [UInt32] = [container]
        var parent = name.parent
        while parent != ContainerTable.root, containers[parent] == nil {
            chain.append(parent)
            parent = core.containers.names[Int(parent)].parent
        }
        for link in chain.reversed() {
            let name = core.containers.names[Int(link)]
            writer.write(varint: 0)
            writer.write(name.kind.rawValue)
            writer.write(varint: name.parent == ContainerTable.root ? 0 : containers[name.parent]! + 1)
            writer.write(string: name.key)
            containers[link] = positions.count
            positions.append(0)
        }
        writer.write(varint: positions.count)
        return positions.count - 1
    }
}
