/// A run of events that waits, with everything that its batch knew of it.
struct PendingRun: Sendable {
    struct Container: Sendable {
        /// Index in `containers`, ``ContainerTable/root`` for none.
        var parent: UInt32
        var key: String
        var kind: ContainerKind
        var depth: Int
    }

    var origin: OriginID
    /// From 0.
    var sequence: UInt32
    var count: UInt32
    /// Sequences from 1.
    var parents: [Dot] = []
    var containers: [Container] = []
    var operations: [ChangeBatch.Operation] = []
    var bytes: [UInt8] = []

    /// Copies a run out of a batch.
    init(_ index: Int, of batch: borrowing ChangeBatch) { self.init(batch.runs[index], of: batch) }

    /// Copies a run out of a batch, or a part of one.
    init(_ run: ChangeBatch.Run, of batch: borrowing ChangeBatch) {
        origin = batch.origins[Int(run.origin)]
        sequence = run.sequence
        count = run.count
        for parent in Int(run.parents)..<Int(run.parents + run.parentCount) {
            let parent = batch.parents[parent]
            parents.append(Dot(origin: batch.origins[Int(parent.origin)], sequence: UInt64(parent.sequence) + 1))
        }
        var numbers: [UInt32: UInt32] = [:]
        for operation in Int(run.operations)..<Int(run.operations + run.operationCount) {
            var copy = batch.operations[operation]
            let content = UnsafeBufferPointer(start: batch.bytes.base + Int(copy.content), count: Int(copy.contentCount))
            copy.container = take(copy.container, of: batch, numbers: &numbers)
            copy.content = UInt32(bytes.count)
            bytes += content
            operations.append(copy)
        }
    }

    private mutating func take(_ container: UInt32, of batch: borrowing ChangeBatch, numbers: inout [UInt32: UInt32]) -> UInt32 {
        if let number = numbers[container] { return number }
        let name = batch.containers[Int(container)]
        let parent = name.parent == ContainerTable.root ? name.parent : take(name.parent, of: batch, numbers: &numbers)
        containers.append(Container(parent: parent, key: name.key, kind: name.kind, depth: name.depth))
        numbers[container] = UInt32(containers.count - 1)
        return UInt32(containers.count - 1)
    }

    /// The run alone in a batch.
    func batch() -> ChangeBatch {
        var batch = ChangeBatch()
        batch.origins = [origin]
        batch.containers = containers.map { ChangeBatch.Container(parent: $0.parent, key: $0.key, kind: $0.kind, depth: $0.depth) }
        for (index, parent) in parents.enumerated() {
            batch.origins.append(parent.origin)
            batch.parents.append(ChangeBatch.Parent(origin: UInt32(index + 1), sequence: UInt32(parent.sequence - 1)))
        }
        for operation in operations { batch.operations.append(operation) }
        bytes.withUnsafeBufferPointer { batch.bytes.append(contentsOf: $0) }
        batch.runs.append(
            ChangeBatch.Run(
                origin: 0, sequence: sequence, count: count, parents: 0, parentCount: UInt32(parents.count), operations: 0,
                operationCount: UInt32(operations.count)))
        return batch
    }

    /// The first event: what tells the run from others.
    var name: Dot { Dot(origin: origin, sequence: UInt64(sequence) + 1) }

    var range: EventRange { EventRange(origin: origin, first: UInt64(sequence) + 1, last: UInt64(sequence) + UInt64(count)) }

    /// What it takes in memory, about, bytes.
    var charge: Int {
        256 + parents.count * 16 + operations.count * 24 + bytes.count + containers.reduce(0) { $0 + 64 + $1.key.utf8.count }
    }
}
