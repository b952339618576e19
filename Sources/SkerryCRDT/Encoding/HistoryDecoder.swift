/// Reads the columns of a history chunk into a batch.
struct HistoryDecoder: ~Copyable {
    private var batch = ChangeBatch()
    private var expected: [Int] = []
    private var positions: [Int] = []

    private init() {}

    static func decode(_ body: UnsafeBufferPointer<UInt8>) throws(DocumentError) -> ChangeBatch {
        var decoder = HistoryDecoder()
        var reader = ByteReader(body)
        try decoder.readNames(&reader)
        try decoder.readColumns(&reader)
        guard reader.isAtEnd else { throw reader.damaged("bytes are left over") }
        return decoder.finish()
    }

    private consuming func finish() -> ChangeBatch { batch }

    private mutating func readNames(_ reader: inout ByteReader) throws(DocumentError) {
        let origins = try reader.count(atMost: min(UpdateDecoder.namesMaximum, reader.remaining / 8), "the number of origins")
        for _ in 0..<origins {
            batch.origins.append(OriginID(rawValue: try reader.fixed64()))
            expected.append(0)
        }
        let containers = try reader.count(atMost: min(UpdateDecoder.namesMaximum, reader.remaining / 3), "the number of containers")
        for index in 0..<containers {
            batch.containers.append(try ChangeBatch.Container(&reader, known: batch.containers, count: index))
            positions.append(0)
        }
    }

    private mutating func readColumns(_ reader: inout ByteReader) throws(DocumentError) {
        let runs = try reader.count(atMost: Column.decodedMaximum, "the number of runs")
        var budget = Column.decodedMaximum
        var bytes = RawArray<UInt8>()
        var ends: [Int] = []
        for _ in 0..<HistoryDecoder.columnCount {
            try Column.read(&reader, budget: &budget, into: &bytes)
            ends.append(bytes.count)
        }
        try readRuns(runs, bytes.elements, ends)
    }

    private static let columnCount = 11

    /// Where each column of operations has been read to.
    private struct OperationReaders {
        var containers, kinds, positions, lengths, content: ByteReader
        var container = 0
        var left = 0
    }

    private mutating func readRuns(_ count: Int, _ bytes: UnsafeBufferPointer<UInt8>, _ ends: [Int]) throws(DocumentError) {
        func column(_ index: Int) -> ByteReader {
            ByteReader(UnsafeBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]))
        }
        var origins = column(0), counts = column(1), sequences = column(2), parentCounts = column(3), parents = column(4)
        var operationCounts = column(5)
        var operations = OperationReaders(
            containers: column(6), kinds: column(7), positions: column(8), lengths: column(9), content: column(10))
        guard count <= origins.remaining else { throw origins.damaged("fewer runs than announced") }
        for _ in 0..<count {
            let origin = try number(&origins)
            let total = try counts.count(atMost: EventGraph.limit, "the length of a run")
            let sequence = try sum(expected[origin], sequences.zigzag(), sequences)
            let firstParent = batch.parents.count
            for _ in 0..<(try parentCounts.count(atMost: parents.remaining, "the number of parents")) { try readParent(&parents) }
            expected[origin] = try sum(sequence, total, counts)
            let firstOperation = batch.operations.count
            let operationCount = try operationCounts.count(atMost: operations.kinds.remaining, "the number of operations")
            var length = 0
            for _ in 0..<operationCount { length += try readOperation(&operations) }
            guard length == total, total > 0 else { throw counts.damaged("a run is not as long as its operations") }
            batch.runs.append(
                ChangeBatch.Run(
                    origin: UInt32(origin), sequence: UInt32(sequence), count: UInt32(total), parents: UInt32(firstParent),
                    parentCount: UInt32(batch.parents.count - firstParent), operations: UInt32(firstOperation),
                    operationCount: UInt32(operationCount)))
        }
        guard origins.isAtEnd, counts.isAtEnd, sequences.isAtEnd, parentCounts.isAtEnd, parents.isAtEnd, operationCounts.isAtEnd,
            operations.kinds.isAtEnd, operations.positions.isAtEnd, operations.lengths.isAtEnd, operations.content.isAtEnd,
            operations.containers.isAtEnd, operations.left == 0
        else { throw origins.damaged("a column is longer than its runs") }
    }

    private func number(_ reader: inout ByteReader) throws(DocumentError) -> Int {
        let number = try reader.varint()
        guard number < UInt64(batch.origins.count) else { throw reader.damaged("an unknown origin") }
        return Int(number)
    }

    private func sum(_ base: Int, _ difference: Int, _ reader: ByteReader) throws(DocumentError) -> Int {
        let (value, overflow) = base.addingReportingOverflow(difference)
        guard !overflow, value >= 0, value < EventGraph.limit else { throw reader.damaged("a number is out of range") }
        return value
    }

    private mutating func readParent(_ reader: inout ByteReader) throws(DocumentError) {
        let origin = try number(&reader)
        let next = try sum(expected[origin], reader.zigzag(), reader)
        guard next > 0 else { throw reader.damaged("a parent before the beginning") }
        expected[origin] = next
        batch.parents.append(ChangeBatch.Parent(origin: UInt32(origin), sequence: UInt32(next - 1)))
    }

    private mutating func readOperation(_ readers: inout OperationReaders) throws(DocumentError) -> Int {
        if readers.left == 0 {
            let number = try readers.containers.varint()
            guard number < UInt64(batch.containers.count) else { throw readers.containers.damaged("an unknown container") }
            readers.container = Int(number)
            readers.left = try readers.containers.count(atMost: Column.decodedMaximum, "the number of operations")
            guard readers.left > 0 else { throw readers.containers.damaged("a container without operations") }
        }
        readers.left -= 1
        let container = readers.container
        let header = try readers.kinds.varint()
        let code = UInt8(header & 7)
        guard header >> 3 <= UInt64(ChangeBatch.positionMaximum), header >> 3 > 0,
            let kind = ChangeBatch.Operation.Kind(rawValue: code == 1 ? 0 : code), batch.containers[container].kind.allows(kind)
        else { throw readers.kinds.damaged("an unknown operation") }
        let count = Int(header >> 3)
        var operation = ChangeBatch.Operation(
            container: UInt32(container), kind: kind, count: UInt32(count), position: 0, content: UInt32(batch.bytes.count), contentCount: 0
        )
        if kind != .value {
            let position = try sum(positions[container], readers.positions.zigzag(), readers.positions)
            guard position <= ChangeBatch.positionMaximum, kind != .deletionBackwards || count <= position + 1 else {
                throw readers.positions.damaged("a position is out of range")
            }
            operation.position = UInt32(position)
            positions[container] = kind.positionAfter(position, count: count)
        }
        if kind == .insertion || kind == .value {
            let length = code == 0 ? count : try readers.lengths.count(atMost: readers.content.remaining, "the length of a content")
            let bytes = try readers.content.bytes(length)
            guard kind.allows(bytes, count: count, isPlain: code == 0, in: batch.containers[container].kind) else {
                throw readers.content.damaged("a content is not what it claims to be")
            }
            batch.bytes.append(contentsOf: bytes)
            operation.contentCount = UInt32(length)
        }
        batch.operations.append(operation)
        return count
    }
}

extension ChangeBatch.Container {
    /// Reads a name: kind, parent among the containers before, key.
    init(_ reader: inout ByteReader, known: [ChangeBatch.Container], count: Int) throws(DocumentError) {
        guard let kind = ContainerKind(rawValue: try reader.byte()) else { throw reader.damaged("an unknown kind of container") }
        let parent = try reader.count(atMost: count, "the number of a container")
        let depth = parent == 0 ? 1 : known[parent - 1].depth + 1
        guard depth <= ContainerTable.depthMaximum else { throw reader.damaged("containers are nested too deeply") }
        let key = try reader.string(atMost: UpdateDecoder.keyMaximum)
        self.init(parent: parent == 0 ? ContainerTable.root : UInt32(parent - 1), key: key, kind: kind, depth: depth)
    }
}

extension ChangeBatch.Operation.Kind {
    /// Where typing or deleting would go on.
    func positionAfter(_ position: Int, count: Int) -> Int {
        switch self {
        case .insertion: position + count
        case .deletion, .value: position
        case .deletionBackwards: max(position - count, 0)
        }
    }

    /// Whether content is well formed: text of so many scalars, or a value.
    func allows(_ bytes: UnsafeBufferPointer<UInt8>, count: Int, isPlain: Bool, in container: ContainerKind) -> Bool {
        if self == .value { return count == 1 }
        // Items are read when they are applied.
        if container == .list { return !isPlain }
        if isPlain { return UTF8Validation.isASCII(bytes) }
        guard let measure = UTF8Validation.measure(bytes) else { return false }
        return measure.scalars == count && count < bytes.count
    }
}
