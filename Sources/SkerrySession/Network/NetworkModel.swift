/// A network of two directions that delays, loses, doubles, reorders, damages and interrupts, from a seed.
///
/// It moves no bytes: for each packet it says when the packet arrives, how often, and whether damaged. Whoever embeds it (a simulator, a simulated
/// link) keeps the packets in a queue by time. The same seed and the same questions give the same answers.
///
/// On ordered paths packets arrive once, whole and in order, whatever the conditions: only latency, bandwidth, partitions and cuts act on them.
///
/// - Complexity: O(1) for each packet.
public struct NetworkModel: Sendable {
    /// A direction.
    public enum Path: Int, Sendable, Hashable, CaseIterable {
        case toAcceptor, toInitiator

        public var opposite: Path { self == .toAcceptor ? .toInitiator : .toAcceptor }
    }

    /// What becomes of a packet.
    public struct Fate: Sendable, Hashable {
        /// When it arrives, if it does.
        public var arrival: Moment?
        /// When it arrives once more, if it does.
        public var duplicate: Moment?
        /// Whether its bytes are to be damaged: ``NetworkModel/damage(_:)``.
        public var isDamaged = false
    }

    /// How often each kind of fault was put in.
    public struct Faults: Sendable, Hashable {
        public var lost = 0
        public var doubled = 0
        public var reordered = 0
        public var damaged = 0
        /// Packets that met a partition.
        public var partitioned = 0
        /// Packets that waited for bandwidth.
        public var throttled = 0
        public var partitions = 0
        public var cuts = 0
        public var restarts = 0
    }

    /// Something that happens to the network as a whole.
    public enum Disturbance: Sendable, Hashable {
        /// The link breaks; both sides learn of it, or the sender of this path only by silence.
        case cut(noticedBy: Notice)
        /// Packets of this path are lost (lossy) or held back (ordered) until the moment.
        case partition(Path, until: Moment)
        /// The process at the end of this path loses its memory.
        case restart(Path)
    }

    /// Who learns of a cut at once.
    public enum Notice: Sendable, Hashable, CaseIterable {
        case both, initiator, acceptor
    }

    public var conditions: NetworkConditions
    public private(set) var faults = Faults()
    private var generator: SeededGenerator
    /// By path: when the line is free, the last arrival on an ordered path, and until when it is partitioned.
    private var free: [Moment] = [.zero, .zero]
    private var lastArrival: [Moment] = [.zero, .zero]
    private var partitionedUntil: [Moment] = [.zero, .zero]
    private var nextDisturbance: Moment?

    public init(seed: UInt64, conditions: NetworkConditions) {
        self.conditions = conditions
        generator = SeededGenerator(seed: seed)
    }
}

// MARK: - Packets

extension NetworkModel {
    /// What becomes of a packet of `count` bytes that is sent at `now`.
    public mutating func send(_ count: Int, on path: Path, delivery: LinkTraits.Delivery, now: Moment) -> Fate {
        var departure = depart(count, on: path, now: now)
        if departure < partitionedUntil[path.rawValue] {
            faults.partitioned += 1
            guard delivery == .ordered else { return Fate() }
            departure = partitionedUntil[path.rawValue]
        }
        return delivery == .ordered ? orderedFate(departure, path) : lossyFate(departure, path)
    }

    /// When the last byte is on the line.
    private mutating func depart(_ count: Int, on path: Path, now: Moment) -> Moment {
        guard let bandwidth = conditions.bytesPerSecond else { return now }
        let start = max(now, free[path.rawValue])
        if start > now { faults.throttled += 1 }
        let end = start + .nanoseconds(Int64(count) * 1_000_000_000 / Int64(max(1, bandwidth)))
        free[path.rawValue] = end
        return end
    }

    private mutating func orderedFate(_ departure: Moment, _ path: Path) -> Fate {
        let arrival = max(departure + delay(), lastArrival[path.rawValue])
        lastArrival[path.rawValue] = arrival
        return Fate(arrival: arrival)
    }

    private mutating func lossyFate(_ departure: Moment, _ path: Path) -> Fate {
        var fate = Fate()
        guard !generator.chance(conditions.loss) else {
            faults.lost += 1
            return fate
        }
        fate.arrival = departure + delay()
        if generator.chance(conditions.reordering) {
            faults.reordered += 1
            fate.arrival = departure + delay() + scaled(conditions.latency, by: 1 + generator.unit() * 4)
        }
        if generator.chance(conditions.duplication) {
            faults.doubled += 1
            fate.duplicate = departure + delay() + scaled(conditions.latency, by: generator.unit() * 4)
        }
        if generator.chance(conditions.corruption) {
            faults.damaged += 1
            fate.isDamaged = true
        }
        return fate
    }

    private mutating func delay() -> Duration {
        conditions.latency + scaled(conditions.jitter, by: generator.unit())
    }

    private func scaled(_ duration: Duration, by factor: Double) -> Duration {
        .nanoseconds(Int64(Double(duration.nanoseconds) * factor))
    }

    /// Changes at least one bit of `packet`, or cuts it short.
    public mutating func damage(_ packet: inout [UInt8]) {
        guard !packet.isEmpty else { return }
        if packet.count > 1, generator.chance(0.2) {
            packet.removeLast(Int(generator.below(UInt64(packet.count - 1))) + 1)
            return
        }
        for _ in 0...generator.below(3) {
            packet[Int(generator.below(UInt64(packet.count)))] ^= 1 << UInt8(generator.below(8))
        }
    }

    /// Forgets what was on the way: a new link begins.
    public mutating func linkReplaced(now: Moment) {
        free = [now, now]
        lastArrival = [now, now]
    }
}

// MARK: - Disturbances

extension NetworkModel {
    /// When the next disturbance is due, or nil when the conditions name none.
    public mutating func disturbanceDue(now: Moment) -> Moment? {
        guard let interval = conditions.disturbanceInterval, !conditions.disturbances.isEmpty else { return nil }
        if let nextDisturbance { return nextDisturbance }
        let due = now + scaled(interval, by: 0.25 + generator.unit() * 1.5)
        nextDisturbance = due
        return due
    }

    /// The disturbance that is due, already applied to packets to come.
    public mutating func disturb(now: Moment) -> Disturbance? {
        guard let due = nextDisturbance, due <= now else { return nil }
        nextDisturbance = nil
        let kind = conditions.disturbances[Int(generator.below(UInt64(conditions.disturbances.count)))]
        let path = Path.allCases[Int(generator.below(2))]
        switch kind {
        case .cut:
            faults.cuts += 1
            return .cut(noticedBy: Notice.allCases[Int(generator.below(3))])
        case .partition:
            let end = now + scaled(conditions.partitionLength, by: 0.5 + generator.unit())
            partition(path, until: end)
            return .partition(path, until: end)
        case .restart:
            faults.restarts += 1
            return .restart(path)
        }
    }

    /// Cuts one direction off until `end`.
    public mutating func partition(_ path: Path, until end: Moment) {
        faults.partitions += 1
        partitionedUntil[path.rawValue] = max(partitionedUntil[path.rawValue], end)
    }

    /// Ends partitions and puts in no more faults: what is alive must come to rest from here on.
    public mutating func heal() {
        partitionedUntil = [.zero, .zero]
        nextDisturbance = nil
        conditions.loss = 0
        conditions.duplication = 0
        conditions.reordering = 0
        conditions.corruption = 0
        conditions.disturbances = []
    }
}
