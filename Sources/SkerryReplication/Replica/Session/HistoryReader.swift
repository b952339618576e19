internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage

/// Reads what a store has of some parts, in the log and beside it, piece by piece.
///
/// Entries come by their stamps, so that what builds on another origin's entry comes behind it, and of each origin in the order of their sequences. A
/// value that goes to the store and comes back with what it read ahead; at most ``Replica/historyMaximum`` bytes are in memory at any time.
struct HistoryReader: Sendable {
    /// One origin.
    private struct Lane: Sendable {
        let origin: OriginID
        /// The next entry that was not handed out or read ahead, and the last one that is wanted.
        var next: UInt64
        let last: UInt64
        /// What was read ahead, the first one last.
        var entries: [FeedEntry] = []
        var charge = 0
        /// Of the next entry, where it is known; it stays when what was read ahead is given up.
        var front: HybridTimestamp?

        var isAtEnd: Bool { entries.isEmpty && next > last }
    }

    /// Of the parts whose entries are wanted.
    private let prefixes: [[UInt8]]
    private var lanes: [Lane]
    /// Charges of what was read ahead.
    private(set) var held = 0
    /// The most that was ever in memory at once.
    private(set) var peak = 0

    /// Of all that is in memory, a quarter is handed out, one is read ahead, and one is being read.
    private static let share = Replica.historyMaximum / 4
    /// Bytes that are looked at in one go: others wait for the store.
    private static let stride = 2 * Replica.historyMaximum

    /// - Parameters:
    ///   - digest: what is not wanted.
    ///   - end: the last entry of each origin.
    init(of prefixes: [[UInt8]], since digest: CausalContext, through end: CausalContext) {
        self.prefixes = prefixes
        lanes = end.dots.map { Lane(origin: $0.origin, next: digest.sequence(of: $0.origin) + 1, last: $0.sequence) }
        lanes.removeAll { $0.isAtEnd }
    }

    /// Whether there is nothing more.
    var isAtEnd: Bool { lanes.isEmpty }

    /// The next entries; none where the store has been looked at for long, or at the end.
    mutating func read(from store: any ReplicaStore) throws(StorageError) -> [FeedEntry] {
        let floors = Dictionary(store.state.floors.map { ($0.origin, $0.sequence) }, uniquingKeysWith: max)
        var page: [FeedEntry] = []
        var (size, looked) = (0, 0)
        while let place = nextPlace {
            if lanes[place].entries.isEmpty {
                guard looked < Self.stride else { break }
                looked += try fill(place, floors, store, beside: size)
                continue
            }
            guard let entry = lanes[place].entries.last, page.isEmpty || size + entry.charge <= Self.share else { break }
            lanes[place].entries.removeLast()
            lanes[place].charge -= entry.charge
            lanes[place].front = lanes[place].entries.last?.stamp
            held -= entry.charge
            size += entry.charge
            page.append(entry)
            if lanes[place].isAtEnd { lanes.remove(at: place) }
        }
        return page
    }

    /// The lane whose next entry comes first; one of which that is not known comes before all others.
    private var nextPlace: Int? {
        lanes.indices.min { left, right in
            (lanes[left].front ?? .zero, lanes[left].origin) < (lanes[right].front ?? .zero, lanes[right].origin)
        }
    }

    /// Reads ahead in a lane.
    ///
    /// - Returns: bytes that were looked at.
    private mutating func fill(
        _ place: Int, _ floors: [OriginID: UInt64], _ store: any ReplicaStore, beside size: Int
    ) throws(StorageError) -> Int {
        let lane = lanes[place]
        let floor = min(floors[lane.origin] ?? 0, lane.last)
        let charge = max(1, Self.share / lanes.count)
        // Up to the floor of the log some lie beside it; what lies there of what is behind is a second copy.
        var found =
            lane.next <= floor ? try store.kept(lane.origin, from: lane.next, charge: charge).filter { $0.dot.sequence <= floor } : []
        if found.isEmpty { found = try store.read(lane.origin, from: max(lane.next, floor + 1), charge: charge) }
        // Of a history that is not whole yet it lies beside the log.
        if found.isEmpty { found = try store.kept(lane.origin, from: lane.next, charge: charge) }
        found.removeAll { $0.dot.sequence > lane.last }
        let looked = found.reduce(0) { $0 + $1.charge }
        peak = max(peak, held + size + looked)
        lanes[place].next = (found.last?.dot.sequence ?? lane.last) + 1
        found.removeAll { !$0.isOf(prefixes) }
        lanes[place].charge = found.reduce(0) { $0 + $1.charge }
        lanes[place].front = found.first?.stamp
        lanes[place].entries = found.reversed()
        held += lanes[place].charge
        if lanes[place].isAtEnd { lanes.remove(at: place) } else { giveUp(but: lane.origin) }
        return looked
    }

    /// Forgets what was read ahead too far, the latest first: it is read again.
    private mutating func giveUp(but origin: OriginID) {
        while held > Self.share {
            let places = lanes.indices.filter { !lanes[$0].entries.isEmpty && lanes[$0].origin != origin }
            guard let place = places.max(by: { (lanes[$0].front ?? .zero) < (lanes[$1].front ?? .zero) }) else { return }
            held -= lanes[place].charge
            lanes[place].next = lanes[place].entries.last?.dot.sequence ?? lanes[place].next
            (lanes[place].entries, lanes[place].charge) = ([], 0)
        }
    }
}

extension CausalContext {
    /// All that some positions lead to.
    init(_ marks: [FeedMark]) { self.init(covering: marks.map { Dot(origin: $0.origin, sequence: $0.position.sequence) }) }
}
