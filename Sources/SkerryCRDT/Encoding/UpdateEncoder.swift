/// Writes the events of a document for one peer, each once, over an ordered connection.
///
/// Names of origins and containers are sent once and are small numbers after that, positions and sequences are differences: a keystroke takes
/// about six bytes. One encoder per connection and direction; its counterpart is ``UpdateDecoder``. The grammar is in
/// `docs/formats/document.md`, "Update frames".
public struct UpdateEncoder: Sendable {
    /// What the peer has, as far as this side knows: what was sent to it and what it sent.
    public private(set) var known: CausalContext

    var origins = InternTable()
    /// By number in the graph: the number of an origin in `origins`.
    private var numbers: [Int] = []
    /// By number in the graph: where in its log the last operation of an origin was that was written, to look for the next from there.
    private var hints: [Int] = []
    /// A container of the document and its number in the stream.
    private var lastContainer: UInt32?
    private var lastNumber = -1
    var containers: [UInt32: Int] = [:]
    var positions: [Int] = []

    /// - Parameter known: what the peer has already, from its greeting.
    public init(peerHas known: CausalContext = CausalContext()) { self.known = known }

    /// Notes that the peer has events of its own or from elsewhere, so that they are not sent to it.
    public mutating func peerHas(_ version: CausalContext) { known.merge(version) }

    /// The next frame: everything in the document that the peer has not, or as much of it as a frame holds; nil when there is nothing. Ask until
    /// then.
    ///
    /// No frame is longer than ``UpdateDecoder/frameMaximum``. O(n) in the events written.
    ///
    /// - Throws: `notFound` when the peer lacks events that this replica has no history of.
    public mutating func encode(_ document: Document) throws(DocumentError) -> [UInt8]? {
        try document.withCore { core throws(DocumentError) in try encode(&core) }
    }

    /// Bytes of a frame, well below what a decoder takes; a single event may take more.
    static let frameBudget = UpdateDecoder.frameMaximum / 2

    /// From so many stretches on, those of an origin are brought together: fewer runs take less room and less work to take in.
    private static let orderedMinimum = 32

    mutating func encode(_ core: inout DocumentCore, budget: Int = UpdateEncoder.frameBudget) throws(DocumentError) -> [UInt8]? {
        var stretches = RawArray<OutgoingStretch>()
        try core.forEachRun(since: known) { _, run in
            stretches.append(OutgoingStretch(run: UInt32(run.index), start: UInt32(run.start), end: UInt32(run.end)))
        }
        if stretches.isEmpty { return nil }
        if stretches.count >= Self.orderedMinimum { stretches = EventOrder(stretches, graph: core.graph).inOrder() }
        // Where all there is fits, nothing is measured; so few names leave the rest of what a decoder takes.
        let isSmall = stretches.count >= Self.orderedMinimum && core.containers.count <= 1_000 && core.sizeMaximum <= budget
        var writer = ByteWriter()
        if isSmall { writer.bytes.reserve(core.sizeMaximum) }
        var parents = RawArray<Parent>()
        var left = budget
        var pieces = RawArray<OutgoingStretch>()
        var index = 0
        while index < stretches.count {
            // Where an origin went on without hearing of anyone, one run is enough.
            pieces.truncate(to: 0)
            var isFull = false
            while index < stretches.count, !isFull, pieces.isEmpty || core.continues(stretches[index], pieces[pieces.count - 1]) {
                var piece = stretches[index]
                if !isSmall { piece.end = fitting(piece, of: core, isFirst: index == 0, left: &left) }
                isFull = piece.end < stretches[index].end
                if piece.start < piece.end { pieces.append(piece) }
                if !isFull { index += 1 }
            }
            if !pieces.isEmpty { write(pieces, of: core, to: &writer, &parents) }
            if isFull {
                note(stretches, upTo: index, pieces.isEmpty ? nil : pieces[pieces.count - 1], core)
                return writer.finish()
            }
        }
        // What was missing is what was written; of a few stretches only their origins are looked at.
        if stretches.count < Self.orderedMinimum { note(stretches, upTo: stretches.count, nil, core) } else { known.merge(core.version) }
        return writer.finish()
    }

    /// Notes that the peer has the first stretches and perhaps part of the one after them. The order is causal, so that is a version too.
    private mutating func note(
        _ stretches: borrowing RawArray<OutgoingStretch>, upTo count: Int, _ last: OutgoingStretch?, _ core: borrowing DocumentCore
    ) {
        func add(_ stretch: OutgoingStretch) {
            let run = core.graph.runs[Int(stretch.run)]
            known.insert(Dot(origin: core.graph.origins[Int(run.origin)], sequence: UInt64(run.sequence + stretch.end - run.start)))
        }
        for index in 0..<count { add(stretches[index]) }
        if let last { add(last) }
    }

    /// Where a run ends that leaves room for what it takes in a frame; the first event of a frame is in it whatever it takes.
    private func fitting(_ stretch: OutgoingStretch, of core: borrowing DocumentCore, isFirst: Bool, left: inout Int) -> UInt32 {
        var end = Int(stretch.start)
        var isFull = false
        left -= Self.runBytesMaximum * (1 + Int(core.graph.runs[Int(stretch.run)].parentCount))
        var last: UInt32?
        var hint = hint(ofOrigin: core.graph.runs[Int(stretch.run)].origin)
        core.forEachOperation(from: Int(stretch.start), to: Int(stretch.end), near: &hint) { operation in
            if isFull { return }
            if operation.container != last {
                last = operation.container
                left -= nameBytes(of: operation.container, in: core)
            }
            let wanted = Self.operationBytesMaximum + operation.content.count
            let taken = wanted <= left ? operation.count : Self.events(of: operation, in: left - Self.operationBytesMaximum, core)
            isFull = taken < operation.count
            end += taken
            left -= isFull ? max(left, 0) : wanted
        }
        return isFirst ? max(UInt32(end), stretch.start + 1) : UInt32(end)
    }

    /// How many events of an operation there is room for in so many bytes.
    private static func events(of operation: DocumentCore.OutgoingOperation, in bytes: Int, _ core: borrowing DocumentCore) -> Int {
        if bytes <= 0 { return 0 }
        if core.containers.kind(of: operation.container) == .text, operation.kind != .value {
            // Whatever the width of its letters.
            return min(operation.count, bytes / 4)
        }
        // A value, or items one after another.
        if operation.kind == .value { return 0 }
        var reader = ByteReader(operation.content)
        var count = 0
        while count < operation.count, (try? ListItem(&reader)) != nil, reader.offset <= bytes { count += 1 }
        return count
    }

    /// Bytes that a run takes at most besides its operations, once for itself and once for each parent; and an operation besides its content.
    private static let runBytesMaximum = 32
    private static let operationBytesMaximum = 32

    /// Bytes that the names of a container and those around it take, where they were not sent yet.
    private func nameBytes(of container: UInt32, in core: borrowing DocumentCore) -> Int {
        var bytes = 0
        var container = container
        while container != ContainerTable.root, containers[container] == nil {
            let name = core.containers.names[Int(container)]
            bytes += name.key.utf8.count + Self.operationBytesMaximum
            container = name.parent
        }
        return bytes
    }

    // MARK: - Runs

    /// The number of a parent's origin in the graph, and the sequence behind the parent.
    private struct Parent: BitwiseCopyable, Sendable {
        var origin: UInt32
        var next: UInt32
    }

    private mutating func write(
        _ pieces: borrowing RawArray<OutgoingStretch>, of core: borrowing DocumentCore, to writer: inout ByteWriter,
        _ parents: inout RawArray<Parent>
    ) {
        let first = pieces[0]
        let graphRun = core.graph.runs[Int(first.run)]
        let sequence = Int(graphRun.sequence + first.start - graphRun.start)
        var own = number(of: graphRun.origin, in: core)
        let isSame = origins.isCurrent(own)
        var header: UInt8 = isSame ? 1 : 0
        if isSame, origins.expected(of: own) == sequence { header |= 2 }
        parents.truncate(to: 0)
        if first.start == graphRun.start { collectParents(ofRun: Int(first.run), in: core, into: &parents) }
        header |= UInt8(min(parents.count, 3)) << 2
        let place = writer.bytes.count
        writer.write(header)
        if !isSame { own = write(origin: graphRun.origin, own, of: core, to: &writer) }
        if header & 2 == 0 { writer.write(zigzag: sequence - origins.expected(of: own)) }
        if parents.count >= 3 { writer.write(varint: parents.count - 3) }
        for index in 0..<parents.count {
            let parent = parents[index]
            let number = write(origin: parent.origin, number(of: parent.origin, in: core), of: core, to: &writer)
            writer.write(zigzag: Int(parent.next) - origins.expected(of: number))
            origins.expect(number, next: Int(parent.next))
        }
        let start = writer.bytes.count
        var operations = 0
        var hint = hint(ofOrigin: graphRun.origin)
        core.forEachJoinedOperation(of: pieces, near: &hint) { operation in
            write(operation, of: core, to: &writer)
            operations += 1
        }
        // Their number comes before them, and is known after them; most often there is one.
        if operations == 1 { writer.bytes[place] = header | 16 } else { writer.insert(varint: operations, at: start) }
        var count = 0
        for index in 0..<pieces.count { count += Int(pieces[index].end - pieces[index].start) }
        origins.expect(own, next: sequence + count)
        origins.makeCurrent(own)
        while hints.count <= Int(graphRun.origin) { hints.append(.max) }
        hints[Int(graphRun.origin)] = hint
    }

    private func hint(ofOrigin origin: UInt32) -> Int { Int(origin) < hints.count ? hints[Int(origin)] : .max }

    /// Collects what the first event of a run had seen besides its origin's own event before it.
    private func collectParents(ofRun index: Int, in core: borrowing DocumentCore, into parents: inout RawArray<Parent>) {
        let own = core.graph.runs[index].origin
        let seen = core.graph.parents(ofRun: index), runs = core.graph.parentRuns(ofRun: index)
        for position in 0..<seen.count {
            if Int(seen[position]) < core.graph.base.count {
                for head in core.graph.base.heads where head.origin != core.graph.origins[Int(own)] {
                    parents.append(Parent(origin: core.graph.existingNumber(of: head.origin)!, next: UInt32(head.sequence)))
                }
                continue
            }
            let run = core.graph.runs[Int(runs[position])]
            if run.origin != own { parents.append(Parent(origin: run.origin, next: run.sequence + seen[position] - run.start + 1)) }
        }
    }

    /// The number on the connection of an origin of the graph, -1 for none yet.
    private mutating func number(of origin: UInt32, in core: borrowing DocumentCore) -> Int {
        let name = core.graph.origins[Int(origin)]
        // The graph may number its origins anew, so what is remembered is compared.
        if Int(origin) < numbers.count, numbers[Int(origin)] >= 0, origins.origins[numbers[Int(origin)]] == name {
            return numbers[Int(origin)]
        }
        guard let number = origins.number(of: name) else { return -1 }
        while numbers.count <= Int(origin) { numbers.append(-1) }
        numbers[Int(origin)] = number
        return number
    }

    /// Writes an origin, with its name where the connection has none of it yet; returns its number there.
    private mutating func write(origin: UInt32, _ number: Int, of core: borrowing DocumentCore, to writer: inout ByteWriter) -> Int {
        if number >= 0 {
            writer.write(varint: number + 1)
            return number
        }
        let name = core.graph.origins[Int(origin)]
        writer.write(varint: 0)
        writer.write(fixed: name.rawValue)
        origins.append(name)
        return origins.origins.count - 1
    }

    // MARK: - Operations

    private mutating func write(
        _ operation: DocumentCore.OutgoingOperation, of core: borrowing DocumentCore, to writer: inout ByteWriter
    ) {
        // Most operations are on the container of the one before.
        let known = operation.container == lastContainer ? lastNumber : containers[operation.container]
        let kind = operation.kind.rawValue | (operation.kind == .insertion && operation.content.count != operation.count ? 1 : 0)
        let small = operation.count < 16 ? UInt8(operation.count) : 0
        let isSame = known != nil && known == origins.currentContainer
        writer.write((isSame ? 1 : 0) | kind << 1 | small << 4)
        if !isSame { origins.currentContainer = write(container: operation.container, of: core, to: &writer) }
        if small == 0 { writer.write(varint: operation.count) }
        let number = origins.currentContainer
        (lastContainer, lastNumber) = (operation.container, number)
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
