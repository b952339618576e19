import SkerryCRDT

@testable import SkerryGossip

/// Members of a cluster on a simulated network, from a seed, in virtual milliseconds.
///
/// Fault model: packets and messages of exchanges are lost with a probability, doubled with another, and delayed; a cut loses all that goes one way
/// between two members; members crash, and come back with an empty memory and a later epoch. Nothing is forged.
final class Town {
    struct Resident {
        var membership: Membership
        var isUp = true
        /// When it was scheduled to be advanced next.
        var wakesAt: UInt64 = 0
    }

    private struct Delivery {
        var at: UInt64
        var serial: UInt64
        var source: Int
        var target: Int
        var bytes: [UInt8]
        var isMessage: Bool
        /// Not a delivery: the target's own time has come.
        var isWake = false
    }

    let profile: GossipProfile
    let secret: ClusterSecret?
    private(set) var residents: [Resident] = []
    private(set) var now: UInt64 = 0
    private var draws: Draws
    private var heap: [Delivery] = []
    private var serial: UInt64 = 0
    private var output = MembershipOutput()
    /// FNV over all that was delivered, and how many of each fault there were.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var faults = (lost: 0, doubled: 0, cut: 0, crashed: 0)
    private(set) var sent = (packets: 0, bytes: 0)
    /// (when, at whom, about whom) of all deaths that were believed.
    private(set) var deaths: [(at: UInt64, by: Int, of: Int)] = []
    private(set) var suspicions = 0
    var lossPercent = 0
    var doublingPercent = 0
    var delayMaximum = 20
    /// Pairs (from, to) over which nothing comes.
    var cuts: Set<Int> = []
    var defects: MembershipDefects = []

    init(_ count: Int, seed: UInt64, profile: GossipProfile = .lan, secret: ClusterSecret? = nil, defects: MembershipDefects = []) {
        self.profile = profile
        self.secret = secret
        self.defects = defects
        draws = Draws(seed)
        for index in 0..<count {
            residents.append(Resident(membership: newcomer(index)))
            wake(index, at: 1)
        }
    }

    private func newcomer(_ index: Int) -> Membership {
        var membership = Membership(
            id: Town.id(index), address: "10.0.0.\(index)", epoch: now + 1, profile: profile, secret: secret, now: now)
        membership.detector.defects = defects
        membership.map.defects = defects
        return membership
    }

    /// Spread over the ring, and back.
    static func id(_ index: Int) -> MemberID { MemberID(rawValue: UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15) }
    private static func index(_ id: MemberID) -> Int { Int(id.rawValue &* 0xF1DE_83E1_9937_733D) - 1 }

    // MARK: What happens

    /// Everybody greets member 0.
    func join() { for index in 1..<residents.count { greet(0, by: index) } }

    func greet(_ target: Int, by source: Int) { send(residents[source].membership.greeting(), from: source, to: target, isMessage: true) }

    func crash(_ index: Int) {
        residents[index].isUp = false
        faults.crashed += 1
    }

    func restart(_ index: Int) {
        residents[index] = Resident(membership: newcomer(index))
        wake(index, at: now + 1)
    }

    func change(_ index: Int, _ body: (inout Membership) -> Void) { body(&residents[index].membership) }

    /// Errors that members have from now on.
    func put(_ defects: MembershipDefects) {
        for index in residents.indices { residents[index].membership.detector.defects = defects }
    }

    func cut(_ source: Int, _ target: Int) { cuts.insert(source << 16 | target) }

    func isolate(_ group: Range<Int>) {
        for inside in group {
            for outside in residents.indices where !group.contains(outside) {
                cut(inside, outside)
                cut(outside, inside)
            }
        }
    }

    /// Until the time is over or, looked at every 100 ms, `isDone`.
    func run(for duration: UInt64, until isDone: (() -> Bool)? = nil) {
        let end = now + duration
        var looksAt = now
        while let next = heap.first, next.at <= end {
            if let isDone, next.at > looksAt {
                if isDone() { return }
                looksAt = next.at + 100
            }
            now = max(now, next.at)
            let event = popDelivery()
            if event.isWake {
                // One that was put off or crashed has an entry that is out of date.
                if residents[event.target].isUp, residents[event.target].wakesAt == event.at { advance(event.target) }
            } else {
                deliver(event)
            }
        }
        now = end
    }

    private func advance(_ index: Int) {
        residents[index].membership.advance(now: now, using: &draws, into: &output)
        flush(index)
    }

    private func deliver(_ delivery: Delivery) {
        guard residents[delivery.target].isUp else { return }
        note(UInt64(delivery.target) << 32 | UInt64(delivery.bytes.count))
        delivery.bytes.withUnsafeBytes { bytes in
            do throws(MalformedPacket) {
                if delivery.isMessage {
                    try residents[delivery.target].membership.receive(message: bytes, now: now, into: &output)
                } else {
                    try residents[delivery.target].membership.receive(packet: bytes, now: now, into: &output)
                }
            } catch {
                refusals += 1
            }
        }
        flush(delivery.target)
    }

    private(set) var refusals = 0

    private func flush(_ index: Int) {
        for envelope in output.packets { send(envelope.bytes, from: index, to: Town.index(envelope.target), isMessage: false) }
        for envelope in output.messages { send(envelope.bytes, from: index, to: Town.index(envelope.target), isMessage: true) }
        for event in output.events {
            switch event {
            case .died(let member): deaths.append((now, index, Town.index(member)))
            case .suspected: suspicions += 1
            default: break
            }
        }
        output.removeAll()
        wake(index, at: max(now + 1, residents[index].membership.nextDeadline))
    }

    private func wake(_ index: Int, at moment: UInt64) {
        guard residents[index].wakesAt != moment else { return }
        residents[index].wakesAt = moment
        serial += 1
        push(Delivery(at: moment, serial: serial, source: index, target: index, bytes: [], isMessage: false, isWake: true))
    }

    private func note(_ value: UInt64) { digest = (digest ^ value ^ now << 17) &* 0x100_0000_01B3 &+ digest >> 31 }

    // MARK: The network

    private func send(_ bytes: [UInt8], from source: Int, to target: Int, isMessage: Bool) {
        guard residents.indices.contains(target) else { return }
        sent.packets += 1
        sent.bytes += bytes.count
        if cuts.contains(source << 16 | target) {
            faults.cut += 1
            return
        }
        if draws.chance(lossPercent) {
            faults.lost += 1
            return
        }
        let copies = draws.chance(doublingPercent) ? 2 : 1
        faults.doubled += copies - 1
        for _ in 0..<copies {
            serial += 1
            push(
                Delivery(
                    at: now + 1 + UInt64(draws.below(delayMaximum)), serial: serial, source: source, target: target, bytes: bytes,
                    isMessage: isMessage))
        }
    }

    private func isBefore(_ left: Delivery, _ right: Delivery) -> Bool {
        left.at != right.at ? left.at < right.at : left.serial < right.serial
    }

    private func push(_ delivery: Delivery) {
        heap.append(delivery)
        var child = heap.count - 1
        while child > 0, isBefore(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func popDelivery() -> Delivery {
        let first = heap[0]
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [parent * 2 + 1, parent * 2 + 2] where child < heap.count && isBefore(heap[child], heap[least]) { least = child }
            guard least != parent else { return first }
            heap.swapAt(least, parent)
            parent = least
        }
    }

    // MARK: What it looks like

    func status(of member: Int, at index: Int) -> MemberStatus? {
        residents[index].membership.detector.opinion(of: Town.id(member))?.status
    }

    /// Whether all that are up hold the same, and hold exactly those for alive that are up.
    var isSettled: Bool {
        let up = residents.indices.filter { residents[$0].isUp }
        let hashes = Set(up.map { residents[$0].membership.tableHash() })
        guard hashes.count == 1, let first = up.first else { return false }
        return residents.indices.allSatisfy { (status(of: $0, at: first) == .alive) == residents[$0].isUp }
    }

    /// Where the tables of those that are up differ from the first one's, for messages of tests.
    var difference: String {
        let up = residents.indices.filter { residents[$0].isUp }
        guard let first = up.first else { return "nobody is up" }
        let table = residents[first].membership.table
        var lines: [String] = []
        for index in up.dropFirst() {
            let other = residents[index].membership.table
            for row in table + other where table.contains(row) != other.contains(row) {
                lines.append("\(first)/\(index) of \(Town.index(row.member)): \(row.opinion) \(row.version) \(table.contains(row))")
            }
        }
        return "\(lines.count) rows differ: \(lines.prefix(6))"
    }

    /// Whether all that are up hold the member for dead.
    func isDeadToAll(_ member: Int) -> Bool {
        residents.indices.allSatisfy { !residents[$0].isUp || status(of: member, at: $0) == .dead }
    }
}
