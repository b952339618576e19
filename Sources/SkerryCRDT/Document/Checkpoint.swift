/// How far a document was, to go back to when an import is refused or a change throws.
struct Checkpoint: ~Copyable, Sendable {
    struct Touched: BitwiseCopyable, Sendable {
        var container: UInt32
        /// Units of the sequence, bytes or slots of its content, elements in it.
        var units: UInt32
        var content: UInt32
        var count: UInt32
        /// Value events.
        var values: UInt32
    }

    var events = 0
    var heads = RawArray<UInt32>(capacity: 4)
    var containers = 0
    var owners = 0
    var highWater = HybridTimestamp.zero
    var touched = RawArray<Touched>(capacity: 4)

    init() {}
}

extension DocumentCore {
    mutating func beginCheckpoint() {
        checkpoint.events = graph.count
        checkpoint.heads.truncate(to: 0)
        checkpoint.heads.append(contentsOf: graph.frontier.elements)
        checkpoint.containers = containers.count
        checkpoint.owners = owners.count
        checkpoint.highWater = clock.highWater
        checkpoint.touched.truncate(to: 0)
    }

    /// Notes how far a container was before it changes for the first time since the checkpoint.
    @inline(__always)
    mutating func touch(_ container: UInt32) {
        for index in 0..<checkpoint.touched.count where checkpoint.touched[index].container == container { return }
        let slot = containers.slot(of: container)
        var touched = Checkpoint.Touched(container: container, units: 0, content: 0, count: 0, values: 0)
        switch containers.kind(of: container) {
        case .text:
            touched.units = UInt32(texts[slot].sequence.log.unitCount)
            touched.content = UInt32(texts[slot].content.count)
            touched.count = UInt32(texts[slot].sequence.count)
            touched.values = UInt32(texts[slot].marks.log.count)
        case .list:
            touched.units = UInt32(lists[slot].sequence.log.unitCount)
            touched.content = UInt32(lists[slot].slots.count)
            touched.count = UInt32(lists[slot].sequence.count)
            touched.values = UInt32(lists[slot].log.count)
        case .map, .counter, .set, .register:
            touched.values = UInt32(values[slot].log.count)
        }
        checkpoint.touched.append(touched)
    }

    /// Forgets every event since the checkpoint. What they did to states has not been done yet, or was undone by the caller.
    mutating func rollBack() {
        for index in 0..<checkpoint.touched.count { rollBack(checkpoint.touched[index]) }
        if graph.count > checkpoint.events { restartClocks() }
        graph.truncate(to: checkpoint.events, heads: checkpoint.heads.elements)
        owners.truncate(to: checkpoint.owners)
        truncateContainers(to: checkpoint.containers)
        edits.removeAll()
        pendingValues.truncate(to: 0)
        deltas.removeAll()
    }

    private mutating func rollBack(_ touched: Checkpoint.Touched) {
        let slot = containers.slot(of: touched.container)
        switch containers.kind(of: touched.container) {
        case .text:
            texts[slot].sequence.truncate(toUnits: Int(touched.units), count: Int(touched.count), version: checkpoint.events)
            texts[slot].content.truncate(to: Int(touched.content))
            texts[slot].marks.truncate(to: Int(touched.values))
        case .list:
            lists[slot].sequence.truncate(toUnits: Int(touched.units), count: Int(touched.count), version: checkpoint.events)
            lists[slot].truncateSlots(to: Int(touched.content))
            lists[slot].log.truncate(to: Int(touched.values))
        case .map, .counter, .set, .register:
            values[slot].log.truncate(to: Int(touched.values))
        }
    }
}

extension SequenceState {
    /// Forgets the newest units; a tracker that knows them goes.
    mutating func truncate(toUnits units: Int, count: Int, version: Int) {
        log.truncate(to: units)
        self.count = count
        if tracker.isWarm, tracker.nextVersion > version { tracker.drop() }
        if identity.isWarm, identity.nextVersion > version { identity.drop() }
    }
}
