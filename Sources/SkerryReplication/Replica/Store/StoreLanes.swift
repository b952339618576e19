internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage

/// Which entries a log holds.
struct StoreLanes: Sendable {
    var positions: [OriginID: UInt64]
    var floors: [OriginID: UInt64]

    init(_ state: FeedState) {
        positions = Dictionary(state.marks.map { ($0.origin, $0.position.sequence) }, uniquingKeysWith: max)
        floors = Dictionary(state.floors.map { ($0.origin, $0.sequence) }, uniquingKeysWith: max)
    }

    func hold(_ dot: Dot) -> Bool { dot.sequence > floors[dot.origin] ?? 0 && dot.sequence <= positions[dot.origin] ?? 0 }
}

extension ReplicaStore {
    /// Entries of one origin in the log behind a sequence and up to another, ascending; as far as the log holds them.
    func read(_ origin: OriginID, after first: UInt64, through last: UInt64, _ body: (FeedEntry) -> Void) throws(StorageError) {
        var next = first + 1
        while next <= last {
            let row = try read(origin, from: next, charge: 1 << 20)
            guard let end = row.last else { return }
            for entry in row where entry.dot.sequence <= last { body(entry) }
            next = end.dot.sequence + 1
        }
    }
}
