@testable import SkerrySession

/// A run of the simulation from one seed: what is drawn from it, and what comes of it.
///
/// Fault model: a link may delay, and on lossy links lose, double, reorder and damage packets; one direction may be cut off for a while; a link may break, noticed by
/// both sides, by one, or only by silence; a process may restart and know nothing. Damage is never such that the checksum misses it.
/// Then the network heals, and everything that is alive must come to rest with empty tables.
struct Simulation {
    struct Outcome {
        var problems: [String]
        var digest: UInt64
        var faults: NetworkModel.Faults
        var calls: Int
        var elements: Int
        var sessions: Int
        var resumptions: UInt64
    }

    let seed: UInt64
    var steps = 120
    var defects: Defects = []
    /// Nil for a draw.
    var traits: LinkTraits?
    /// Only what the network does to single packets.
    var isCalm = false

    func run() -> Outcome {
        let world = World(seed: seed)
        let first = line(world)
        var lines = [first]
        if world.chance(0.25) {
            let second = line(world)
            first.relay = { text, reply in
                guard let far = second.initiator, !far.isGone else { return reply(false) }
                far.actor.ask(relayed: text, reply)
            }
            lines.append(second)
        }
        for line in lines {
            line.beginSession()
            line.planDisturbance()
        }
        plan(lines, world)
        let end = world.now + .seconds(4)
        world.run(until: end)
        deliver(lines, world)
        settle(lines, world)
        for ledger in lines.flatMap(\.allLedgers) { ledger.checkComplete() }
        return outcome(lines, world)
    }

    private func plan(_ lines: [Line], _ world: World) {
        for line in lines {
            for _ in 0..<steps * 2 {
                let isInitiator = world.chance(0.5)
                world.after(world.milliseconds(4_000)) {
                    let actor = isInitiator ? line.initiator?.actor : line.acceptors.last?.actor
                    actor?.step()
                }
            }
        }
    }

    /// After healing, and before anything ends: what consumers have taken producers may send again.
    private func deliver(_ lines: [Line], _ world: World) {
        for line in lines {
            line.heal()
            for actor in line.actors { actor.takeAll() }
        }
        // A side may need 14 s of silence to find that the other has lost the link, and a window that losses made small carries few bytes a round trip: what is
        // queued at healing can need longer than any fixed time, so credit is looked at when all was sent and confirmed. What never leaves fails as no rest.
        for _ in 0..<8 {
            world.run(until: world.now + .seconds(20))
            if lines.allSatisfy(\.isSilent) { break }
        }
        for line in lines { line.checkCredit() }
    }

    /// After healing all that lives must end: nothing under way, nothing kept.
    private func settle(_ lines: [Line], _ world: World) {
        for line in lines { line.heal() }
        var isDone = false
        func windUp() {
            for line in lines { for actor in line.actors { actor.windUp() } }
            isDone = lines.allSatisfy(\.isEmpty)
            if !isDone { world.after(.milliseconds(250)) { windUp() } }
        }
        windUp()
        world.run(until: world.now + .seconds(150)) { isDone }
        for line in lines where !isDone && !line.isEmpty {
            for actor in line.actors where !actor.isEmpty { world.problem("no rest: \(actor.description)") }
        }
    }

    private func outcome(_ lines: [Line], _ world: World) -> Outcome {
        var faults = NetworkModel.Faults()
        for line in lines { faults.add(line.network.faults) }
        let ledgers = lines.flatMap(\.allLedgers)
        return Outcome(
            problems: world.problems, digest: world.digest, faults: faults, calls: ledgers.reduce(0) { $0 + $1.calls.count },
            elements: ledgers.reduce(0) { $0 + $1.flows.values.reduce(0) { $0 + $1.received } }, sessions: ledgers.count,
            resumptions: lines.reduce(0) { $0 + ($1.initiator?.side.core.statistics.resumptions ?? 0) })
    }

    // MARK: What the seed decides

    private func line(_ world: World) -> Line {
        let traits = self.traits ?? Simulation.traits(world)
        let line = Line(
            world, traits: traits, conditions: conditions(world, traits),
            configurations: [Simulation.configuration(world, traits), Simulation.configuration(world, traits)])
        line.defects = defects
        return line
    }

    private static func traits(_ world: World) -> LinkTraits {
        switch world.below(10) {
        case 0..<3: .text
        case 3..<6: .stream
        default: LinkTraits(delivery: .lossy, packetMaximum: [512, 1_200, 1_200, 9_000][world.below(4)])
        }
    }

    private func conditions(_ world: World, _ traits: LinkTraits) -> NetworkConditions {
        var conditions = NetworkConditions()
        conditions.latency = .microseconds(100 + world.below(40_000))
        conditions.jitter = .microseconds(world.below(20_000))
        if world.chance(0.3) { conditions.bytesPerSecond = 100_000 + world.below(1_000_000) }
        if traits.delivery == .lossy {
            conditions.loss = world.chance(0.7) ? Double(world.below(20)) / 100 : 0
            conditions.duplication = Double(world.below(10)) / 100
            conditions.reordering = Double(world.below(20)) / 100
            conditions.corruption = Double(world.below(10)) / 100
        }
        guard !isCalm, world.chance(0.8) else { return conditions }
        conditions.disturbanceInterval = .milliseconds(200 + world.below(2_000))
        conditions.partitionLength = .milliseconds(100 + world.below(3_000))
        conditions.disturbances = [.cut, .cut, .cut, .partition, .partition] + (world.chance(0.3) ? [.restart] : [])
        return conditions
    }

    private static func configuration(_ world: World, _ traits: LinkTraits) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.encoding = traits.encoding
        configuration.callsInFlight = 4 + world.below(60)
        configuration.channelElements = 1 + world.below(32)
        configuration.channelBytes = [100, 2_000, 64 << 10][world.below(3)]
        configuration.channelElementsMaximum = configuration.channelElements << world.below(5)
        configuration.channelBytesMaximum = configuration.channelBytes << world.below(4)
        configuration.sessionBytes = [5_000, 100_000, 16 << 20][world.below(3)]
        configuration.retention = [20_000, 200_000, 4 << 20][world.below(3)]
        configuration.resumeWindow = [.seconds(30), .seconds(30), .seconds(30), .seconds(2), .zero][world.below(5)]
        return configuration
    }
}

extension NetworkModel.Faults {
    mutating func add(_ other: NetworkModel.Faults) {
        lost += other.lost
        doubled += other.doubled
        reordered += other.reordered
        damaged += other.damaged
        partitioned += other.partitioned
        throttled += other.throttled
        partitions += other.partitions
        cuts += other.cuts
        restarts += other.restarts
    }

    /// The kinds of fault that were never put in.
    var missing: [String] {
        [
            ("lost", lost), ("doubled", doubled), ("reordered", reordered), ("damaged", damaged), ("partitioned", partitioned),
            ("throttled", throttled), ("partitions", partitions), ("cuts", cuts), ("restarts", restarts),
        ].filter { $0.1 == 0 }.map(\.0)
    }
}
