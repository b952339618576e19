import SkerryCRDT

@testable import SkerryGossip

/// A run of feeds from one seed.
///
/// Fault model: 2 to 50 nodes on a connected graph of links. Datagram links lose up to 30 %, double and reorder; streams keep order, break, and lose what was on the way. Links are cut in one direction or
/// both, for long or again and again. Nodes crash at any write and keep any prefix of the bytes that were not synced; they lose their disk, come back with an old backup, stay away until they are retired. Clocks
/// are up to an hour off and jump. In some runs somebody forges entries, and entries are signed.
/// Then all is healed, and all must be equal, with nothing acknowledged lost and nothing deleted back.
final class FeedRunner {
    struct Outcome {
        var problems: [String]
        var digest: UInt64
        var faults: FeedFaults
        var nodes: Int
        var writes: Int
        var collected: Int
        var trims: Int
        var entriesSent: UInt64
        var entriesRepeated: UInt64
    }

    private struct Link {
        var isOrdered: Bool
        var latency: Int
        var jitter: Int
        var loss: Int
        var duplication: Int
        var reordering: Int
        var isCut = false
        /// Of a stream: what was on the way when it broke never arrives.
        var connection = 0
        var lastArrival: UInt64 = 0
    }

    let world: FeedWorld
    let ledger = FeedLedger()
    let defects: FeedDefects
    let isForged: Bool
    let isCalm: Bool
    private(set) var nodes: [FeedNode] = []
    /// By from × count + to; nil where there is no link.
    private var links: [Link?] = []
    var actions: [FeedAction] = []
    private var isPerforming = false
    private var isHealed = false
    /// Links that a scenario needs beside those that are drawn.
    var extraLinks: [(Int, Int)] = []
    private var lastOrigin: UInt64 = 0
    var wallBase: Int64 = 1_700_000_000_000
    var collected = 0
    var trims = 0
    private var seen: Set<Passage> = []
    private let eventCount: Int
    private let size: Int

    private struct Passage: Hashable {
        var from: Int
        var to: Int
        var connection: Int
        var dot: Dot
    }

    // Days in the field, seconds here.
    let floor: UInt64 = 500
    let retention: UInt64 = 6_000
    let acknowledgeInterval: UInt64 = 700
    let tick = 150

    init(seed: UInt64, events: Int = 5_000, defects: FeedDefects = [], isCalm: Bool? = nil, isForged: Bool? = nil, nodes size: Int? = nil) {
        world = FeedWorld(seed: seed)
        self.defects = defects
        let forged = world.chance(12)
        let calm = world.chance(8)
        let drawn = world.chance(85) ? 2 + world.below(5) : world.chance(80) ? 7 + world.below(14) : 21 + world.below(30)
        self.isForged = isForged ?? forged
        self.isCalm = isCalm ?? calm
        self.size = size ?? drawn
        eventCount = events
    }

    func newOrigin() -> OriginID {
        lastOrigin += 1
        return OriginID(rawValue: world.next() | 1)
    }

    func identity(_ index: Int, _ origin: OriginID, _ epoch: UInt64) -> FeedIdentity {
        FeedIdentity(cluster: 7, site: UInt64(index), origin: origin, epoch: epoch)
    }

    /// A signature that is quick to make and to check, and that a forger here does not make: what is tested is when it is checked, not how.
    func trust(_ index: Int, _ origin: OriginID) -> FeedTrust {
        guard isForged else { return .members }
        return .custom(
            sign: { message in FeedRunner.signature(message, origin) },
            verify: { signature, message, origin in signature == FeedRunner.signature(message, origin) })
    }

    private static func signature(_ message: [UInt8], _ origin: OriginID) -> [UInt8] {
        var sum = origin.rawValue
        for byte in message { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<FeedLimits.signatureLength).map { UInt8(truncatingIfNeeded: sum >> UInt64($0 % 8 * 8)) }
    }

    // MARK: Running

    /// Founds the cluster and starts its nodes. A scenario goes on from here by itself.
    func begin() {
        build()
        for node in nodes { node.found(nodes) }
        for node in nodes { node.start() }
    }

    func run() -> Outcome {
        begin()
        if isForged { world.faults.add("forgery", 0) }
        for node in nodes { plan(writesOf: node) }
        if !isCalm { planFault() }
        world.run(events: eventCount)
        if world.problems.isEmpty { settle() }
        let sent = nodes.reduce(0) { $0 + $1.core.statistics.entriesSent }
        let repeated = nodes.reduce(0) { $0 + $1.core.statistics.entriesRepeated }
        return Outcome(
            problems: world.problems, digest: world.digest, faults: world.faults, nodes: nodes.count, writes: ledger.order.count,
            collected: collected, trims: trims, entriesSent: sent, entriesRepeated: repeated)
    }

    private func build() {
        nodes = (0..<size).map { FeedNode($0, self) }
        links = [Link?](repeating: nil, count: size * size)
        for index in 1..<size { connect(index, world.below(index)) }
        for _ in 0..<size { connect(world.below(size), world.below(size)) }
        for (one, other) in extraLinks { connect(one, other) }
    }

    private func connect(_ one: Int, _ other: Int) {
        guard one != other, links[one * size + other] == nil else { return }
        let isOrdered = world.chance(50)
        for (from, to) in [(one, other), (other, one)] {
            links[from * size + to] = Link(
                isOrdered: isOrdered, latency: 1 + world.below(40), jitter: world.below(30), loss: isCalm ? 0 : world.below(31),
                duplication: isCalm ? 0 : world.below(10), reordering: isCalm ? 0 : world.below(20))
        }
    }

    private func plan(writesOf node: FeedNode) {
        world.after(50 + world.below(nodes.count * 150)) { [self] in
            guard !isHealed else { return }
            for _ in 0...world.below(4) {
                let key: [UInt8] = [UInt8(world.below(12))]
                node.publish(
                    world.chance(35) ? .removal : .write, key, world.chance(30) ? [] : [UInt8(world.below(256)), UInt8(world.below(256))])
            }
            plan(writesOf: node)
        }
    }

    // MARK: Faults

    private func planFault() {
        world.after(200 + world.below(1_500)) { [self] in
            guard !isHealed else { return }
            fault()
            planFault()
        }
    }

    private func fault() {
        let node = nodes[world.below(size)]
        switch world.below(isForged ? 15 : 14) {
        case 0, 1: crash(node, away: world.below(1_500))
        case 2: crash(node, away: 9_000 + world.below(9_000))
        case 3: cut(isOneWay: false)
        case 4: cut(isOneWay: true)
        case 5: flap()
        case 6:
            guard nodes.contains(where: { $0 !== node && !$0.needsHome }), world.chance(60) else { return }
            node.loseDisk()
            restart(node, away: world.below(2_000))
        case 7: node.takeBackup()
        case 8:
            guard nodes.contains(where: { $0 !== node && !$0.needsHome }), world.chance(70) else { return }
            node.restoreBackup()
            restart(node, away: world.below(2_000))
        case 9:
            world.faults.add("clock ahead")
            node.wallOffset = Int64(world.below(3_600_000))
            world.after(300 + world.below(3_000)) { node.wallOffset = 0 }
        case 10:
            world.faults.add("clock behind")
            node.wallOffset = -Int64(world.below(3_600_000))
            world.after(300 + world.below(3_000)) { node.wallOffset = 0 }
        case 11:
            world.faults.add("clock jump")
            node.wallOffset += Int64(world.below(100_000)) - 50_000
        case 12: node.takeBackup()
        case 13: node.settleConflicts()
        default: forge(node)
        }
    }

    private func crash(_ node: FeedNode, away: Int) {
        guard node.isUp else { return }
        node.crash()
        restart(node, away: away)
    }

    private func restart(_ node: FeedNode, away: Int) {
        let life = node.life
        world.after(away) { if !node.isUp, node.life == life { node.start() } }
    }

    private func anyLink() -> (Int, Int)? {
        let all = links.indices.filter { links[$0] != nil }
        guard !all.isEmpty else { return nil }
        let place = all[world.below(all.count)]
        return (place / size, place % size)
    }

    private func cut(isOneWay: Bool) {
        guard let (from, to) = anyLink() else { return }
        world.faults.add(isOneWay ? "one-way cut" : "cut")
        let length = world.chance(20) ? 9_000 : world.below(4_000)
        setCut(true, from, to)
        if !isOneWay { setCut(true, to, from) }
        world.after(length) { [self] in
            setCut(false, from, to)
            if !isOneWay { setCut(false, to, from) }
        }
    }

    private func flap() {
        guard let (from, to) = anyLink() else { return }
        world.faults.add("flapping")
        for turn in 0..<6 { world.after(turn * 120) { [self] in setCut(turn % 2 == 0, from, to) } }
    }

    func setCut(_ isCut: Bool, _ from: Int, _ to: Int) {
        guard links[from * size + to]?.isCut != isCut else { return }
        links[from * size + to]?.isCut = isCut
        guard links[from * size + to]?.isOrdered == true else { return }
        // A stream that is cut is broken; both ends begin anew when it can be.
        links[from * size + to]?.connection += 1
        links[to * size + from]?.connection += 1
        if isCut {
            nodes[from].detach(to)
            if world.chance(50) { nodes[to].detach(from) }
        } else if isOpen(to, from) {
            nodes[from].attach(to, isOrdered: true)
            nodes[to].attach(from, isOrdered: true)
        }
    }

    /// Somebody changes an entry, or makes one up, and sends it under another's name.
    private func forge(_ node: FeedNode) {
        let peers = neighbours(node.index)
        guard node.isUp, !node.needsHome, let mark = node.core.marks.last, !peers.isEmpty else { return }
        let peer = peers[world.below(peers.count)].index
        guard let slot = node.core.peers.first(where: { $0.id.rawValue == UInt32(peer) && $0.phase == .established }) else { return }
        world.faults.add("forgery")
        let body: [UInt8] = [UInt8(world.below(12)), 0xBA, 0xD0]
        let entry = FeedEntry(
            dot: Dot(origin: mark.origin, sequence: 0), stamp: HybridTimestamp(milliseconds: node.now.wall + 50_000, count: 9),
            kind: .write, body: body,
            keyLength: 1, digest: .zero, link: .zero, signature: [UInt8](repeating: 7, count: FeedLimits.signatureLength))
        let run = FeedRun(
            number: 4_000 + world.below(90), definition: mark.origin, first: mark.position.sequence + 1, tag: nil, isSigned: true,
            entries: [entry])
        let before = node.core.clock.highWater
        let frame = FeedFrame(tag: slot.tag, position: slot.received, grant: 0, rate: 1, haves: [], runs: [run])
        node.receive(FeedMessage.frame(frame).encoded(), from: peer)
        world.check(node.core.clock.highWater == before, "a forged entry moved the clock of node \(node.index)")
        let rows = node.table.rows.values
        world.check(!rows.contains { $0.value == [0xBA, 0xD0] }, "a forged entry was taken by node \(node.index)")
    }

    // MARK: The network

    func neighbours(_ index: Int) -> [FeedNode] { nodes.indices.filter { links[index * size + $0] != nil }.map { nodes[$0] } }

    func isOpen(_ from: Int, _ to: Int) -> Bool { links[from * size + to]?.isCut == false }

    func attachAll(_ node: FeedNode) {
        for peer in neighbours(node.index)
        where isOpen(node.index, peer.index) && isOpen(peer.index, node.index) || !isOrdered(node.index, peer.index) {
            if isOrdered(node.index, peer.index) { breakStream(node.index, peer.index) }
            node.attach(peer.index, isOrdered: isOrdered(node.index, peer.index))
            if isOrdered(node.index, peer.index) { peer.attach(node.index, isOrdered: true) }
        }
    }

    private func isOrdered(_ from: Int, _ to: Int) -> Bool { links[from * size + to]?.isOrdered == true }

    private func breakStream(_ one: Int, _ other: Int) {
        links[one * size + other]?.connection += 1
        links[other * size + one]?.connection += 1
    }

    func linksDown(_ node: FeedNode) {
        for peer in neighbours(node.index) where isOrdered(node.index, peer.index) {
            breakStream(node.index, peer.index)
            peer.detach(node.index)
        }
    }

    /// Does what a node's core wants done, in order.
    func perform(_ node: FeedNode) {
        guard !isPerforming else { return }
        isPerforming = true
        var next = 0
        while next < actions.count {
            let action = actions[next]
            next += 1
            switch action {
            case .send(let peer, let bytes): send(bytes, from: node.index, to: Int(peer.rawValue))
            case .persist(let batch): node.persist(batch)
            case .read(let read): node.read(read)
            case .readLink(let query): node.readLink(query)
            case .report(let report): node.report(report)
            }
        }
        actions.removeAll(keepingCapacity: true)
        isPerforming = false
    }

    private func send(_ bytes: [UInt8], from: Int, to: Int) {
        guard let link = links[from * size + to] else { return }
        world.note(UInt64(from), UInt64(to), UInt64(bytes.count))
        guard !link.isCut else { return }
        checkEcho(bytes, from: from, to: to, link.connection)
        if link.isOrdered {
            let arrival = max(link.lastArrival, world.now + UInt64(link.latency + world.below(link.jitter + 1)))
            links[from * size + to]?.lastArrival = arrival
            return deliver(bytes, from, to, at: arrival, link.connection)
        }
        guard !(!isHealed && world.chance(link.loss)) else { return world.faults.add("loss") }
        var arrival = world.now + UInt64(link.latency + world.below(link.jitter + 1))
        if !isHealed, world.chance(link.reordering) {
            world.faults.add("reordering")
            arrival += UInt64(world.below(link.latency * 4))
        }
        deliver(bytes, from, to, at: arrival, link.connection)
        if !isHealed, world.chance(link.duplication) {
            world.faults.add("duplication")
            deliver(bytes, from, to, at: arrival + UInt64(world.below(200)), link.connection)
        }
    }

    private func deliver(_ bytes: [UInt8], _ from: Int, _ to: Int, at moment: UInt64, _ connection: Int) {
        world.at(moment) { [self] in
            guard let link = links[from * size + to], !link.isCut, !link.isOrdered || link.connection == connection else { return }
            noteEntries(bytes, from: from, to: to, connection)
            nodes[to].receive(bytes, from: from)
        }
    }

    /// In calm runs: what came over a stream never goes back over it.
    private func checkEcho(_ bytes: [UInt8], from: Int, to: Int, _ connection: Int) {
        guard isCalm, isOrdered(from, to) else { return }
        for dot in dots(bytes, of: nodes[from]) where seen.contains(Passage(from: to, to: from, connection: connection, dot: dot)) {
            world.problem("node \(from) sends \(dot) back to node \(to)")
        }
    }

    private func noteEntries(_ bytes: [UInt8], from: Int, to: Int, _ connection: Int) {
        guard isCalm, isOrdered(from, to) else { return }
        for dot in dots(bytes, of: nodes[from]) { seen.insert(Passage(from: from, to: to, connection: connection, dot: dot)) }
    }

    private func dots(_ bytes: [UInt8], of sender: FeedNode) -> [Dot] {
        guard case .frame(let frame)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }) else { return [] }
        return frame.runs.flatMap { run in
            run.entries.indices.map { Dot(origin: sender.core.origins[run.number].id, sequence: run.first + UInt64($0)) }
        }
    }

    // MARK: The end

    private func settle() {
        isHealed = true
        for place in links.indices where links[place]?.isCut == true { setCut(false, place / size, place % size) }
        // Stamps from the future have had their time.
        wallBase += 4 * 3_600_000
        for node in nodes {
            node.wallOffset = 0
            if !node.isUp { node.start() }
        }
        var rounds = 0
        var equal = 0
        while rounds < 150, world.problems.isEmpty, equal < 3 {
            rounds += 1
            world.run(until: world.now + 1_000)
            if nodes.allSatisfy({ $0.isUp && $0.needsHome }) {
                world.faults.add("refounding")
                nodes.max { ($0.synced.dots.count, $0.index) < ($1.synced.dots.count, $1.index) }?.refound()
            }
            if rounds % 5 == 0 { for node in nodes { node.settleConflicts() } }
            equal = isEqual ? equal + 1 : 0
        }
        guard world.problems.isEmpty else { return }
        guard equal >= 3 else { return world.problem("not equal after \(rounds) rounds: \(difference)") }
        for node in nodes {
            ledger.check(node.table, world)
            world.check(node.store.gaps == 0, "node \(node.index) wrote a gap")
        }
        for row in nodes[0].table.rows.values.sorted(by: { $0.dot < $1.dot }) { world.note(row.dot.origin.rawValue, row.dot.sequence) }
    }

    private func live(_ node: FeedNode) -> [[UInt8]: KeyTable.Row] { node.table.rows.filter { !$0.value.isRemoval } }

    private var isEqual: Bool {
        guard nodes.allSatisfy({ $0.isUp && !$0.needsHome && $0.conflicts.isEmpty }) else { return false }
        let first = live(nodes[0])
        return nodes.allSatisfy { live($0) == first } && lagging.isEmpty
    }

    /// Nodes that lack an entry of a write that another has.
    private var lagging: [Int] {
        nodes.indices.filter { index in
            nodes.contains { other in
                other.synced.dots.contains { dot in
                    nodes[index].synced.sequence(of: dot.origin) + 12 < dot.sequence && !nodes[index].retention.isFenced(dot.origin)
                }
            }
        }
    }

    /// Where a node that lags stands with its peers.
    private func describe(_ node: FeedNode) -> String {
        let missing = Set(nodes.flatMap { $0.synced.dots }.filter { node.synced.sequence(of: $0.origin) + 12 < $0.sequence }.map(\.origin))
            .sorted()
        let lanes = neighbours(node.index).map { peer -> String in
            guard let slot = peer.core.peers.first(where: { $0.id.rawValue == UInt32(node.index) }) else {
                return "no slot at \(peer.index)"
            }
            let known = missing.map { origin -> String in
                guard let number = peer.core.numbers[origin], number < slot.lanes.count else { return "-" }
                let (lane, at) = (slot.lanes[number], peer.core.origins[number])
                return
                    "\(origin) durable \(at.durable.sequence) floor \(at.floor) fence \(String(describing: at.fence)) known \(lane.known) sent \(lane.sent) paused \(lane.pausedUntil) here \(node.synced.sequence(of: origin))"
            }
            return "at \(peer.index) \(slot.phase) position \(slot.position) granted \(slot.granted) reading \(slot.isReading): \(known)"
        }
        return "node \(node.index) of \(nodes.count) forged \(isForged): \(lanes)"
    }

    private var difference: String {
        let first = live(nodes[0])
        return nodes.map { node in
            let other = live(node)
            let keys = Set(first.keys).union(other.keys).filter { first[$0] != other[$0] }
            return
                "node \(node.index) up \(node.isUp) homeless \(node.needsHome) conflicts \(node.conflicts.count) differs in \(keys.count) keys \(keys.first.map { "\($0): \(String(describing: first[$0])) \(String(describing: other[$0]))" } ?? "")"
        }.joined(separator: "; ") + " lagging \(lagging) " + lagging.map { index in describe(nodes[index]) }.joined(separator: "; ")
    }
}
