/// How far a document was, to go back to when an import is refused or a change throws.
struct Checkpoint: ~Copyable, Sendable {
    struct Touched: BitwiseCopyable, Sendable {
        var container: UInt32
        var units: UInt32
        var content: UInt32
        var count: UInt32
    }

    var events = 0
    var heads = RawArray<UInt32>(capacity: 4)
    var containers = 0
    var owners = 0
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
        checkpoint.touched.truncate(to: 0)
    }

    /// Notes how far a container was before it changes for the first time since the checkpoint.
    @inline(__always)
    mutating func touch(_ container: UInt32) {
        for index in 0..<checkpoint.touched.count where checkpoint.touched[index].container == container { return }
        let slot = Int(containers.slots[Int(container)])
        checkpoint.touched.append(
            Checkpoint.Touched(
                container: container, units: UInt32(texts[slot].sequence.log.unitCount), content: UInt32(texts[slot].content.count),
                count: UInt32(texts[slot].sequence.count)))
    }

    /// Forgets every event since the checkpoint. What they did to ropes has not been done yet, or is undone by the caller.
    mutating func rollBack() {
        for index in 0..<checkpoint.touched.count {
            let touched = checkpoint.touched[index]
            let slot = Int(containers.slots[Int(touched.container)])
            texts[slot].sequence.truncate(toUnits: Int(touched.units), count: Int(touched.count), version: checkpoint.events)
            texts[slot].content.truncate(to: Int(touched.content))
        }
        graph.truncate(to: checkpoint.events, heads: checkpoint.heads.elements)
        owners.truncate(to: checkpoint.owners)
        containers.truncate(to: checkpoint.containers)
        texts.truncate(to: containers.count)
        edits.removeAll()
    }
}

extension SequenceState {
    /// Forgets the newest units; a tracker that knows them goes.
    mutating func truncate(toUnits units: Int, count: Int, version: Int) {
        log.truncate(to: units)
        self.count = count
        if tracker.isWarm, tracker.nextVersion > version { tracker.drop() }
    }
}
