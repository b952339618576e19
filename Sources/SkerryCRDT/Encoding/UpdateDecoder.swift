/// Reads what an ``UpdateEncoder`` wrote, frame by frame, in order.
///
/// A frame that does not decode leaves the decoder unusable: close the connection and start a new pair. The document is untouched then.
public struct UpdateDecoder: ~Copyable, Sendable {
    /// A frame longer than this is refused, bytes: the longest value fits, with its names.
    public static let frameMaximum = DocumentValue.lengthMaximum + (1 << 20)
    /// Names of origins and containers that one stream may hold.
    public static let namesMaximum = 1 << 16
    /// UTF-8 bytes of a container's key.
    public static let keyMaximum = 4096

    var batch = ChangeBatch()
    private var expected: [Int] = []
    private var currentOrigin = -1
    private var currentContainer = -1
    private var positions: [Int] = []

    public init() {}

    /// Takes a frame into a document.
    ///
    /// - Returns: what became of it; events whose past is missing here wait for it, see ``ImportResult/pending``.
    /// - Throws: ``DocumentError`` with `corrupt`, `limitExceeded` or `invalidEvent`; the document is as it was.
    public mutating func apply(_ frame: [UInt8], to document: Document) throws(DocumentError) -> ImportResult {
        guard frame.count <= UpdateDecoder.frameMaximum else {
            throw DocumentError(code: .limitExceeded, message: "a frame of \(frame.count) bytes")
        }
        let failure = frame.withUnsafeBufferPointer { bytes -> DocumentError? in
            do throws(DocumentError) { try decode(bytes) } catch { return error }
            return nil
        }
        if let failure { throw failure }
        return try document.apply(batch)
    }

    mutating func decode(_ frame: UnsafeBufferPointer<UInt8>) throws(DocumentError) {
        batch.removeEvents()
        var reader = ByteReader(frame)
        while !reader.isAtEnd { try decodeRun(&reader) }
    }

    private mutating func decodeRun(_ reader: inout ByteReader) throws(DocumentError) {
        let header = try reader.byte()
        guard header < 32 else { throw reader.damaged("an unknown kind of run") }
        if header & 1 == 0 {
            currentOrigin = try origin(&reader)
        } else if currentOrigin < 0 {
            throw reader.damaged("a run of no origin")
        }
        let origin = currentOrigin
        let sequence = header & 2 != 0 ? expected[origin] : try add(expected[origin], to: reader.zigzag(), reader)
        let firstParent = batch.parents.count
        var parents = Int(header >> 2 & 3)
        if parents == 3 { parents += try reader.count(atMost: reader.remaining, "the number of parents") }
        for _ in 0..<parents { try decodeParent(&reader) }
        let operations = header & 16 != 0 ? 1 : try reader.count(atMost: reader.remaining, "the number of operations")
        guard operations > 0 else { throw reader.damaged("a run without operations") }
        let firstOperation = batch.operations.count
        var count = 0
        for _ in 0..<operations { count += try decodeOperation(&reader) }
        guard sequence + count < EventGraph.limit else { throw reader.damaged("a sequence is too large") }
        expected[origin] = sequence + count
        batch.runs.append(
            ChangeBatch.Run(
                origin: UInt32(origin), sequence: UInt32(sequence), count: UInt32(count), parents: UInt32(firstParent),
                parentCount: UInt32(parents), operations: UInt32(firstOperation), operationCount: UInt32(operations)))
    }

    private func add(_ base: Int, to difference: Int, _ reader: ByteReader) throws(DocumentError) -> Int {
        let (value, overflow) = base.addingReportingOverflow(difference)
        guard !overflow, value >= 0, value < EventGraph.limit else { throw reader.damaged("a number is out of range") }
        return value
    }

    private mutating func decodeParent(_ reader: inout ByteReader) throws(DocumentError) {
        let origin = try origin(&reader)
        let next = try add(expected[origin], to: reader.zigzag(), reader)
        guard next > 0 else { throw reader.damaged("a parent before the beginning") }
        expected[origin] = next
        batch.parents.append(ChangeBatch.Parent(origin: UInt32(origin), sequence: UInt32(next - 1)))
    }

    private mutating func origin(_ reader: inout ByteReader) throws(DocumentError) -> Int {
        let number = try reader.count(atMost: batch.origins.count, "the number of an origin")
        if number > 0 { return number - 1 }
        guard batch.origins.count < UpdateDecoder.namesMaximum else { throw reader.damaged("too many origins") }
        batch.origins.append(OriginID(rawValue: try reader.fixed64()))
        expected.append(0)
        return batch.origins.count - 1
    }

    // MARK: - Operations

    private mutating func decodeOperation(_ reader: inout ByteReader) throws(DocumentError) -> Int {
        let header = try reader.byte()
        if header & 1 == 0 {
            currentContainer = try container(&reader)
        } else if currentContainer < 0 {
            throw reader.damaged("an operation on no container")
        }
        var count = Int(header >> 4)
        if count == 0 { count = try reader.count(atMost: ChangeBatch.positionMaximum, "the length of an operation") }
        guard count > 0 else { throw reader.damaged("an empty operation") }
        let code = header >> 1 & 7
        let kind = ChangeBatch.Operation.Kind(rawValue: code == 1 ? 0 : code)
        guard let kind, batch.containers[currentContainer].kind.allows(kind) else { throw reader.damaged("an unknown operation") }
        var operation = ChangeBatch.Operation(
            container: UInt32(currentContainer), kind: kind, count: UInt32(count), position: 0, content: UInt32(batch.bytes.count),
            contentCount: 0)
        if kind == .value {
            guard count == 1 else { throw reader.damaged("a value counts once") }
            try take(reader.count(atMost: reader.remaining, "the length of a value"), &operation, &reader)
            batch.operations.append(operation)
            return count
        }
        let position = try add(positions[currentContainer], to: reader.zigzag(), reader)
        guard position <= ChangeBatch.positionMaximum else { throw reader.damaged("a position is too large") }
        operation.position = UInt32(position)
        switch kind {
        case .insertion:
            try takeText(isASCII: code == 0, &operation, &reader)
            positions[currentContainer] = position + count
        case .deletion: positions[currentContainer] = position
        case .deletionBackwards, .value:
            guard count <= position + 1 else { throw reader.damaged("a deletion before the beginning") }
            positions[currentContainer] = max(position - count, 0)
        }
        batch.operations.append(operation)
        return count
    }

    private mutating func take(_ count: Int, _ operation: inout ChangeBatch.Operation, _ reader: inout ByteReader) throws(DocumentError) {
        batch.bytes.append(contentsOf: try reader.bytes(count))
        operation.contentCount = UInt32(count)
    }

    private mutating func takeText(isASCII: Bool, _ operation: inout ChangeBatch.Operation, _ reader: inout ByteReader)
        throws(DocumentError)
    {
        let count = isASCII ? Int(operation.count) : try reader.count(atMost: reader.remaining, "the length of a text")
        let bytes = try reader.bytes(count)
        if batch.containers[Int(operation.container)].kind == .list {
            // Items are read when they are applied.
            guard !isASCII else { throw reader.damaged("a list has no text") }
        } else if isASCII {
            guard UTF8Validation.isASCII(bytes) else { throw reader.damaged("a text is not ASCII") }
        } else {
            guard let measure = UTF8Validation.measure(bytes), measure.scalars == Int(operation.count), measure.scalars < count else {
                throw reader.damaged("a text is not the UTF-8 it claims to be")
            }
        }
        batch.bytes.append(contentsOf: bytes)
        operation.contentCount = UInt32(count)
    }

    private mutating func container(_ reader: inout ByteReader) throws(DocumentError) -> Int {
        while true {
            let number = try reader.count(atMost: batch.containers.count, "the number of a container")
            if number > 0 { return number - 1 }
            guard batch.containers.count < UpdateDecoder.namesMaximum else { throw reader.damaged("too many containers") }
            batch.containers.append(try ChangeBatch.Container(&reader, known: batch.containers, count: batch.containers.count))
            positions.append(0)
        }
    }
}

extension ContainerKind {
    /// Whether a container of this kind takes an operation of another.
    func allows(_ operation: ChangeBatch.Operation.Kind) -> Bool {
        switch self {
        case .text, .list: true
        case .map, .counter, .set, .register: operation == .value
        }
    }
}
