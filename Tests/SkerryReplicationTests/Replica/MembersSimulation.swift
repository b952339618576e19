import SkerryCRDT
import SkerryGossip
@testable import SkerryReplication
import SkerrySession
import SkerryStorage
import Synchronization

/// A cluster of whole replicas whose members forget together, by seed: they write and remove, meet in pairs, stay away too long, crash, lose their disks, come back
/// from old copies, and their clocks jump.
///
/// What is checked needs no knowledge of how forgetting works: every key has the value of the last of all writes that the cluster has, as if nothing had been
/// forgotten; and the last of all writes to a key is there, or was handed to somebody to decide about, unless a disk took it.
final class MembersSimulation {
    struct Write: Hashable {
        var stamp: HybridTimestamp
        var isRemoval: Bool
        var value: [UInt8]
    }

    final class Site {
        let number: UInt64
        let rules: MemberRules
        let now: @Sendable () -> FeedInstant
        let origins: @Sendable () -> OriginID
        var engine = PowerCutEngine()
        var node: MemberNode
        var copy: PowerCutEngine?
        /// Its origin in the copy that it was restored from, until another life is on the disk.
        var restored: OriginID?

        init(
            _ number: UInt64, _ rules: MemberRules, _ now: @escaping @Sendable () -> FeedInstant,
            _ origins: @escaping @Sendable () -> OriginID
        ) throws {
            (self.number, self.rules, self.now, self.origins) = (number, rules, now, origins)
            node = try MemberNode(EngineReplicaStore(engine: engine, prefix: [7], log: number), rules, origins, now)
        }

        func open(_ engine: PowerCutEngine, joins: Bool = false) throws {
            self.engine = engine
            var rules = rules
            if joins { rules.start = .joins }
            node = try MemberNode(EngineReplicaStore(engine: engine, prefix: [7], log: number), rules, origins, now)
        }
    }

    /// What the closures of sites look at.
    private final class Shared: Sendable {
        /// Of the clocks of sites, milliseconds.
        let offsets = Mutex<[UInt64: Int64]>([:])
        private let lives = Mutex<UInt64>(0)

        func newOrigin(_ number: UInt64) -> OriginID {
            lives.withLock { lives in
                lives += 1
                return OriginID(rawValue: lives * 100 + number)
            }
        }
    }

    private(set) var faults: [String: Int] = [:]
    private(set) var problems: [String] = []
    /// Changes with everything that every replica shows after every step.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private var random: SeededGenerator
    private var sites: [Site] = []
    private let time = TestTime()
    private let shared = Shared()
    private var links: [(left: Int, right: Int, session: ReplicaSession)] = []
    /// Everything that was ever seen alive anywhere, by key.
    private var writes: [String: [Dot: Write]] = [:]
    private var decided: Set<Dot> = []
    private var destroyed: Set<Dot> = []

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        for number in 1...UInt64(3 + below(3)) { try addSite(number) }
    }

    private func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    private func addSite(_ number: UInt64) throws {
        let rules = MemberRules(
            start: number == 1 ? .founds : .joins, floor: .milliseconds(500), retention: .seconds(20), acknowledgement: .seconds(1))
        let (time, shared) = (time, shared)
        let now: @Sendable () -> FeedInstant = {
            let (instant, offset) = (time.now(), shared.offsets.withLock { $0[number] ?? 0 })
            return FeedInstant(wall: UInt64(Int64(instant.wall) + offset), monotonic: instant.monotonic)
        }
        let origins: @Sendable () -> OriginID = { shared.newOrigin(number) }
        sites.append(try Site(number, rules, now, origins))
    }

    // MARK: - Steps

    func run(steps: Int) async throws {
        for _ in 0..<steps {
            try await step()
            look()
            guard problems.isEmpty else { return }
        }
        try await heal()
    }

    private func step() async throws {
        time.move(wall: 300, monotonic: 300)
        let place = below(sites.count)
        let site = sites[place]
        switch below(100) {
        case 0..<34: write(site)
        case 34..<58: try connect(place, below(sites.count))
        case 58..<64: disconnect()
        case 64..<72:
            // It throws where the power fails.
            _ = try? await site.node.replica.compact()
        case 72..<74:
            note("crash")
            try reopen(place, site.engine.crash())
        case 74..<75: site.engine.cut(after: below(6))
        case 75..<76:
            note("lost disk")
            lost(site.node, keeping: [:])
            try reopen(place, PowerCutEngine(), joins: true)
        case 76..<79: site.copy = try Self.copy(of: site.engine)
        case 79..<80:
            guard let copy = site.copy else { return }
            note("restored copy")
            try restore(place, copy)
        case 80..<83:
            note("clock")
            shared.offsets.withLock { $0[site.number] = Int64(below(7_200_000)) - 3_600_000 }
        case 83..<85:
            note("absence")
            drop { $0 == place || $1 == place }
            for _ in 0..<80 {
                time.move(wall: 300, monotonic: 300)
                for (other, site) in sites.enumerated() where other != place { _ = site.node.replica.tick() }
            }
        default: break
        }
        for site in sites { _ = site.node.replica.tick() }
        for (place, site) in sites.enumerated() where site.engine.isOff {
            note(site.node.replica.membership?.isMember == true ? "power cut" : "power cut of one that is away")
            try reopen(place, site.engine.crash())
            renew(site)
        }
    }

    private func note(_ fault: String) { faults[fault, default: 0] += 1 }

    private func write(_ site: Site) {
        let key = "k\(below(6))"
        let value = below(3) == 0 ? nil : "v\(below(100_000))"
        guard (try? site.node.model.set(key, to: value)) != nil else { return note("refused write") }
        if value == nil { note("removal") }
    }

    private func connect(_ left: Int, _ right: Int) throws {
        guard left != right, !links.contains(where: { ($0.left, $0.right) == (left, right) || ($0.left, $0.right) == (right, left) }) else {
            return
        }
        links.append((left, right, try sites[left].node.replica.start(with: sites[right].node.replica)))
    }

    private func disconnect() {
        guard !links.isEmpty else { return }
        links.remove(at: below(links.count)).session.close()
    }

    private func drop(_ isGone: (Int, Int) -> Bool) {
        for link in links where isGone(link.left, link.right) { link.session.close() }
        links.removeAll { isGone($0.left, $0.right) }
    }

    private func reopen(_ place: Int, _ engine: PowerCutEngine, joins: Bool = false) throws {
        drop { $0 == place || $1 == place }
        try sites[place].open(engine, joins: joins)
    }

    private func restore(_ place: Int, _ copy: PowerCutEngine) throws {
        let site = sites[place]
        let lostNode = site.node
        try reopen(place, Self.copy(of: copy))
        lost(lostNode, keeping: alive(site.node))
        if below(2) == 0 { site.engine.cut(after: below(6)) }
        site.restored = site.node.replica.identity.origin
        renew(site)
    }

    /// Somebody says until it is on the disk that the site was restored from a copy.
    private func renew(_ site: Site) {
        if site.node.replica.identity.origin == site.restored { site.node.replica.renew() }
        if !site.engine.isOff { site.restored = nil }
    }

    private static func copy(of engine: PowerCutEngine) throws -> PowerCutEngine {
        var rows = MetadataBatch()
        try engine.scan(.feed, KeyRange(prefix: [7])) { key, value throws(StorageError) in
            rows.put(.feed, Array(key), Array(value))
            return .next
        }
        let copy = PowerCutEngine()
        try copy.apply(rows)
        try copy.flush()
        return copy
    }

    private func alive(_ node: MemberNode) -> [Dot: Write] {
        Dictionary(
            uniqueKeysWithValues: node.model.history(since: CausalContext())
                .map { ($0.dot, Write(stamp: $0.stamp, isRemoval: $0.isRemoval, value: Array($0.value))) })
    }

    /// What only this disk had is gone with it, and so is what it had seen to be overwritten.
    private func lost(_ node: MemberNode, keeping kept: [Dot: Write]) {
        look()
        let others = sites.map(\.node).filter { $0.replica !== node.replica }
        let elsewhere = others.reduce(into: Set(kept.keys)) { $0.formUnion(alive($1).keys) }
        let had = node.replica.digest
        for all in writes.values { destroyed.formUnion(all.keys.filter { had.covers($0) && !elsewhere.contains($0) }) }
        destroyed.formUnion(node.replica.conflicts.map(\.entry.dot))
        destroyed.formUnion(node.replica.state.withLock { $0.members?.news.values.map(\.dot) ?? [] })
    }

    // MARK: - Checks

    /// Notes what is alive anywhere.
    private func look() {
        for site in sites {
            for entry in site.node.model.history(since: CausalContext()) {
                let write = Write(stamp: entry.stamp, isRemoval: entry.isRemoval, value: Array(entry.value))
                writes[String(decoding: entry.key, as: UTF8.self), default: [:]][entry.dot] = write
                mix(entry.dot.sequence ^ entry.dot.origin.rawValue << 32 ^ entry.stamp.rawValue)
            }
            decided.formUnion(site.node.replica.conflicts.map(\.entry.dot))
            mix(UInt64(site.node.replica.conflicts.count))
        }
    }

    private func mix(_ value: UInt64) { digest = (digest ^ value) &* 0x0000_0100_0000_01B3 }

    /// Lets all meet until they are equal.
    private func heal() async throws {
        shared.offsets.withLock { $0 = [:] }
        for site in sites { site.engine.cut(after: nil) }
        time.move(wall: 7_200_000, monotonic: 1_000)
        try await refoundIfNeeded()
        for round in 0..<200 {
            for left in sites.indices { for right in sites.indices where left < right { try connect(left, right) } }
            time.move(wall: 300, monotonic: 300)
            for site in sites { _ = site.node.replica.tick() }
            if round % 20 == 10 { for site in sites { try await site.node.replica.compact() } }
            links.removeAll { $0.session.hasFinished }
            look()
        }
        check()
    }

    /// Where nobody is left who could make anybody a member, somebody decides.
    private func refoundIfNeeded() async throws {
        guard sites.allSatisfy({ $0.node.replica.membership?.isMember == false }) else { return }
        note("founded again")
        try await sites[below(sites.count)].node.replica.refound()
    }

    private func check() {
        let replicas = sites.map(\.node.replica)
        for (site, replica) in zip(sites, replicas) where replica.membership?.isMember != true {
            problems.append(
                "site \(site.number), \(replica.identity.origin), is no member: "
                    + replicas.map { replica in
                        let known = replica.membership
                        let members = (known?.members ?? []).map { "\($0.origin)\($0.isRetiring ? "-" : "")" }
                        return "\(replica.identity.origin) \(known?.isMember ?? false ? "knows" : "away, knew") \(members)"
                    }
                    .joined(separator: "; "))
        }
        guard let first = sites.first?.node, problems.isEmpty else { return }
        for site in sites.dropFirst() where site.node.model.values != first.model.values {
            problems.append("site \(site.number) has \(site.node.model.values), the first \(first.model.values)")
        }
        let digest = first.replica.digest
        for (key, all) in writes.sorted(by: { $0.key < $1.key }) {
            let ordered = all.sorted { ($0.value.stamp, $0.key) < ($1.value.stamp, $1.key) }
            let last = ordered.last { digest.covers($0.key) }
            let expected = last.flatMap { $0.value.isRemoval ? nil : String(decoding: $0.value.value, as: UTF8.self) }
            if first.model[key] != expected {
                problems.append("\(key) is \(first.model[key] ?? "gone"), of all writes \(expected ?? "a removal") is the last")
            }
            // What was written again, or overwritten, and then lost with a disk is lost in all its forms.
            let gone = all.filter { destroyed.contains($0.key) }
            let values = Set(gone.filter { !$0.value.isRemoval }.map(\.value.value))
            let newest = ordered.last { write in
                !destroyed.contains(write.key) && !values.contains(write.value.value)
                    && gone.allSatisfy { ($0.value.stamp, $0.key) < (write.value.stamp, write.key) }
            }
            guard let newest, newest.key != last?.key, !newest.value.isRemoval, !decided.contains(newest.key) else { continue }
            // Written again it has another stamp, behind which others may have written.
            let isWrittenAgain = all.contains { $0.value.value == newest.value.value && digest.covers($0.key) }
            if !isWrittenAgain, last.map({ ($0.value.stamp, $0.key) < (newest.value.stamp, newest.key) }) ?? true {
                problems.append("the last write to \(key), \(newest.key), is lost")
            }
        }
        faults["forgotten", default: 0] += Int(replicas.reduce(0) { $0 + $1.statistics.forgotten })
        faults["retired", default: 0] += first.replica.membership?.fences.count ?? 0
        faults["decided", default: 0] += decided.count
    }
}
