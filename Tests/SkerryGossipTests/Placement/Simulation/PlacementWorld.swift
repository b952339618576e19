import SkerryCRDT

@testable import SkerryGossip

/// Members that place keys, in virtual time on one thread, from one seed.
///
/// Faults: messages are delayed and lost, of each pair in order; pairs are cut, silently; members crash, also between doing something and committing it, and come back
/// with what they had committed; who sends to a member that is down mostly hears so, late. Members join and leave. Disks do not lie.
final class PlacementWorld {
    struct Options {
        var nodes = 5
        var zones = 1
        var quorum = QuorumRequest.Profile()
        var lossPercent = 0
        var defects: PlacementDefects = []
        /// A member all of whose messages take so much longer.
        var slow: (member: Int, by: UInt64)?
        var compareInterval: UInt64 = 4_000
        var settleInterval: UInt64 = 200
    }

    final class Resident {
        let id: MemberID
        let node: PlacementRing.Node
        let disk: PlacementDisk
        var live: Live?
        var wakeAt = UInt64.max
        var hasLeft = false

        init(_ node: PlacementRing.Node) {
            self.node = node
            id = node.member
            disk = PlacementDisk(origin: OriginID(rawValue: node.member.rawValue &* 0x9E37_79B9_7F4A_7C15))
        }
    }

    final class Live {
        var core: PlacementCore<SimulatedPlacementStore>
        init(_ core: consuming PlacementCore<SimulatedPlacementStore>) { self.core = core }
    }

    enum Event {
        case message([UInt8], from: Int, to: Int)
        case lost(Int, at: Int)
        case wake(Int)
        /// The member hears of the ring as it is then.
        case map(at: Int)
        case script(() -> Void)
    }

    struct Faults: Equatable {
        var crashes = 0, crashesBeforeCommit = 0, cuts = 0, lost = 0, joins = 0, leaves = 0

        static func += (left: inout Faults, right: Faults) {
            left.crashes += right.crashes
            left.crashesBeforeCommit += right.crashesBeforeCommit
            left.cuts += right.cuts
            left.lost += right.lost
            left.joins += right.joins
            left.leaves += right.leaves
        }
    }

    let options: Options
    var draws: Draws
    private(set) var now: UInt64 = 0
    private(set) var residents: [Resident] = []
    private(set) var map: PlacementMap
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    var faults = Faults()
    private(set) var bytesSent = 0
    private(set) var messagesSent = 0
    /// Frames by members and numbers of comparisons.
    private var frames: [[UInt64]: Int] = [:]
    /// The most frames of a comparison, of both sides.
    var framesMaximum: Int { frames.values.max() ?? 0 }
    /// What becomes of a ticket.
    var answered: (UInt64, Result<Siblings, PlacementError>) -> Void = { _, _ in }
    /// Percent of steps that end in a crash before what was done is committed.
    var crashPercent = 0.0
    var isHealed = false

    private var heap: [(time: UInt64, serial: UInt64, event: Event)] = []
    private var serial: UInt64 = 0
    private var cuts: Set<[Int]> = []
    private var lastArrival: [[Int]: UInt64] = [:]
    private var nextTicket: UInt64 = 1

    init(seed: UInt64, _ options: Options) {
        self.options = options
        draws = Draws(seed)
        for index in 0..<options.nodes { residents.append(Resident(Self.node(index, options))) }
        map = PlacementMap(PlacementRing(residents.map(\.node)), copies: options.quorum.copies)
        for index in residents.indices { start(index) }
    }

    private static func node(_ index: Int, _ options: Options) -> PlacementRing.Node {
        PlacementRing.Node(member: MemberID(rawValue: UInt64(index + 1)), zone: "zone \(index % options.zones)")
    }

    // MARK: Members

    func start(_ index: Int) {
        let resident = residents[index]
        var configuration = PlacementConfiguration()
        configuration.quorum = options.quorum
        configuration.compareInterval = options.compareInterval
        configuration.settleInterval = options.settleInterval
        configuration.compareTimeout = 2_000
        configuration.transferTimeout = 1_000
        configuration.leaverPatience = 2_000
        var core = PlacementCore(
            id: resident.id, life: now + 1, store: SimulatedPlacementStore(resident.disk), configuration: configuration, now: now)
        core.defects = options.defects
        core.setMap(map, now: now)
        resident.live = Live(core)
        schedule(index)
    }

    func crash(_ index: Int) {
        guard residents[index].live != nil else { return }
        residents[index].wakeAt = .max
        residents[index].live = nil
        faults.crashes += 1
    }

    var living: [Int] { residents.indices.filter { residents[$0].live != nil } }
    var members: [Int] { residents.indices.filter { !residents[$0].hasLeft } }

    func join() {
        let resident = Resident(Self.node(residents.count, options))
        residents.append(resident)
        changeRing()
        start(residents.count - 1)
        faults.joins += 1
    }

    func leave(_ index: Int) {
        residents[index].hasLeft = true
        changeRing()
        faults.leaves += 1
    }

    private func changeRing() {
        map = PlacementMap(PlacementRing(members.map { residents[$0].node }), copies: options.quorum.copies)
        for index in residents.indices { add(.map(at: index), in: UInt64(draws.below(500))) }
    }

    // MARK: Network

    func cut(_ pairs: [[Int]]) {
        cuts = Set(pairs.flatMap { [$0, $0.reversed()] })
        if !pairs.isEmpty { faults.cuts += 1 }
    }

    func isolate(_ group: Set<Int>) {
        cut(group.sorted().flatMap { one in residents.indices.filter { !group.contains($0) }.map { [one, $0] } })
    }

    private func send(_ bytes: [UInt8], from: Int, to: Int) {
        messagesSent += 1
        bytesSent += bytes.count
        var delay = 1 + UInt64(draws.below(10))
        if let slow = options.slow, slow.member == from || slow.member == to { delay += slow.by / 2 }
        if residents[to].live == nil {
            if draws.chance(80) { add(.lost(to, at: from), in: delay) }
            return
        }
        guard !cuts.contains([from, to]), isHealed || !draws.chance(options.lossPercent) else {
            faults.lost += 1
            return
        }
        let arrival = max(now + delay, lastArrival[[from, to]] ?? 0)
        lastArrival[[from, to]] = arrival
        add(.message(bytes, from: from, to: to), in: arrival - now)
    }

    // MARK: Time

    func add(_ event: Event, in delay: UInt64) {
        serial += 1
        heap.append((now + delay, serial, event))
        var child = heap.count - 1
        while child > 0, (heap[child].time, heap[child].serial) < (heap[(child - 1) / 2].time, heap[(child - 1) / 2].serial) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func popFirst() -> (time: UInt64, serial: UInt64, event: Event)? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if (heap[child].time, heap[child].serial) < (heap[smallest].time, heap[smallest].serial) { smallest = child }
            }
            guard smallest != parent else { return first }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }

    /// Runs for so long, or until something holds.
    func run(for duration: UInt64, until isDone: () -> Bool = { false }) {
        let end = now + duration
        // What is asked may cost more than a step.
        var next = now
        while let first = heap.first, first.time <= end, let entry = popFirst() {
            now = entry.time
            handle(entry.event)
            guard now >= next else { continue }
            if isDone() { return }
            next = now + 200
        }
        now = end
    }

    private func handle(_ event: Event) {
        switch event {
        case .message(let bytes, let from, let to):
            mix(UInt64(from) << 32 | UInt64(to))
            for byte in bytes.prefix(12) { mix(UInt64(byte)) }
            mix(UInt64(bytes.count))
            step(to) { core, output in
                let message = bytes.withUnsafeBytes { bytes in try? PlacementMessage(bytes) }
                self.count(message, from, to)
                if let message { core.receive(message, from: self.residents[from].id, now: self.now, into: &output) }
            }
        case .lost(let about, let index):
            step(index) { core, output in core.lost(self.residents[about].id, now: self.now, into: &output) }
        case .wake(let index):
            guard residents[index].wakeAt == now else { return }
            residents[index].wakeAt = .max
            step(index) { core, output in core.advance(now: self.now, using: &self.draws, into: &output) }
        case .map(let index): step(index) { core, _ in core.setMap(self.map, now: self.now) }
        case .script(let body): body()
        }
    }

    private func count(_ message: PlacementMessage?, _ from: Int, _ to: Int) {
        guard let message, case .compare(let fromInitiator, _) = message.content else { return }
        frames[[UInt64(fromInitiator ? from : to), message.number], default: 0] += 1
    }

    private func mix(_ value: UInt64) { digest = (digest ^ value ^ now << 20) &* 0x100_0000_01B3 }

    /// Lets something happen at a member, commits, and then lets out what it says.
    private func step(_ index: Int, _ body: (inout PlacementCore<SimulatedPlacementStore>, inout PlacementOutput) -> Void) {
        guard let live = residents[index].live else { return }
        var output = PlacementOutput()
        body(&live.core, &output)
        if crashPercent > 0, Double(draws.below(100_000)) < crashPercent * 1_000 {
            faults.crashesBeforeCommit += 1
            return crash(index)
        }
        live.core.commit()
        for message in output.messages { send(message.bytes, from: index, to: Int(message.target.rawValue) - 1) }
        for answer in output.answers { answered(answer.ticket, answer.result) }
        schedule(index)
    }

    private func schedule(_ index: Int) {
        guard let live = residents[index].live else { return }
        let deadline = max(live.core.nextDeadline, now + 1)
        guard deadline < residents[index].wakeAt else { return }
        residents[index].wakeAt = deadline
        if deadline < .max { add(.wake(index), in: deadline - now) }
    }

    // MARK: Clients

    func read(_ key: [UInt8], at index: Int) -> UInt64 {
        nextTicket += 1
        let ticket = nextTicket
        step(index) { core, output in core.read(key, ticket: ticket, now: self.now, into: &output) }
        return ticket
    }

    func write(_ key: [UInt8], _ value: [UInt8]?, replacing seen: CausalContext, at index: Int) -> UInt64 {
        nextTicket += 1
        let ticket = nextTicket
        step(index) { core, output in core.write(key, value, replacing: seen, ticket: ticket, now: self.now, into: &output) }
        return ticket
    }

    /// Tells all who live that these do not answer, as membership would.
    func markDown(_ members: [Int]) {
        let down = Set(members.map { residents[$0].id })
        for index in living { step(index) { core, _ in core.setUnreachable(down) } }
    }

    /// What a member keeps of a key, in memory.
    func copy(of key: [UInt8], at index: Int) -> Siblings { residents[index].live?.core.store.siblings(of: key) ?? Siblings() }

    /// Whether everybody who is alive has handed over what others should keep.
    var isSettled: Bool { living.allSatisfy { residents[$0].live?.core.isSettled(now: now) ?? true } }

    var statistics: PlacementStatistics {
        var sum = PlacementStatistics()
        for resident in residents {
            guard let own = resident.live?.core.statistics else { continue }
            sum.hintsKept += own.hintsKept
            sum.hintsDelivered += own.hintsDelivered
            sum.repairs += own.repairs
            sum.comparisons += own.comparisons
            sum.copiesTransferred += own.copiesTransferred
            sum.writesForwarded += own.writesForwarded
            sum.violations += own.violations
            sum.copiesDropped += own.copiesDropped
        }
        return sum
    }
}
