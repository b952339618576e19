@testable import SkerrySession

/// One end of a session in the simulation: a core, the application above it and the link below.
final class Endpoint {
    let side: Side
    let actor: Actor
    let session: SessionID
    let isInitiator: Bool
    /// The link it believes to be attached.
    var generation: Int?
    var wake = Moment.distantFuture
    var isPumping = false
    var isDirty = false
    var isGone = false

    init(side: Side, actor: Actor, session: SessionID, isInitiator: Bool) {
        self.side = side
        self.actor = actor
        self.session = session
        self.isInitiator = isInitiator
    }
}

/// Two processes and a network between them: links that break and come back, processes that restart, sessions that go on or begin anew.
final class Line {
    let world: World
    var network: NetworkModel
    let traits: LinkTraits
    let configurations: [SessionConfiguration]
    var defects: Defects = []
    private(set) var initiator: Endpoint?
    private(set) var acceptors: [Endpoint] = []
    private var ledgers: [SessionID: Ledger] = [:]
    private(set) var allLedgers: [Ledger] = []
    private var epochs: [UInt64] = [1, 1_000]
    /// The link that carries packets now, if any, and how many there were.
    private var live: Int?
    private var generations = 0
    private var isHealed = false
    /// For the acceptor's side: passes calls on to another line.
    var relay: ((_ text: String, _ reply: @escaping (Bool) -> Void) -> Void)?
    private(set) var peakQueued = 0

    init(_ world: World, traits: LinkTraits, conditions: NetworkConditions, configurations: [SessionConfiguration]) {
        self.world = world
        self.traits = traits
        self.configurations = configurations
        network = NetworkModel(seed: world.generator.next(), conditions: conditions)
    }

    // MARK: Sessions

    func beginSession() {
        let session = SessionID.random(using: &world.generator)
        let ledger = Ledger(world)
        ledgers[session] = ledger
        allLedgers.append(ledger)
        initiator = endpoint(session, isInitiator: true, ledger)
        connect()
    }

    private func endpoint(_ session: SessionID, isInitiator: Bool, _ ledger: Ledger) -> Endpoint {
        let index = isInitiator ? 0 : 1
        let identity = SessionIdentity(session: session, epoch: epochs[index])
        let side = Side(
            SessionCore(
                role: isInitiator ? .initiator : .acceptor, configuration: configurations[index], identity: identity, now: world.now))
        #if DEBUG
        side.core.defects = defects
        #endif
        let actor = Actor(side, isInitiator: isInitiator, limits: configurations[index], ledger: ledger)
        let endpoint = Endpoint(side: side, actor: actor, session: session, isInitiator: isInitiator)
        actor.touched = { [weak self, weak endpoint] in
            if let self, let endpoint { self.pump(endpoint) }
        }
        if !isInitiator { actor.relay = relay }
        return endpoint
    }

    // MARK: Links

    private func connect() {
        guard let initiator, !initiator.isGone, initiator.generation == nil else { return }
        generations += 1
        live = generations
        network.linkReplaced(now: world.now)
        do throws(SessionError) {
            try initiator.side.core.attach(traits, now: world.now)
        } catch {
            return world.problem("the link was refused: \(error)")
        }
        initiator.generation = generations
        world.note("connect", UInt64(generations))
        pump(initiator)
    }

    /// The endpoint learns that its link is lost.
    private func lose(_ endpoint: Endpoint) {
        guard endpoint.generation != nil else { return }
        endpoint.generation = nil
        endpoint.side.detach(now: world.now)
        pump(endpoint)
        reconnectSoon(endpoint)
    }

    private func reconnectSoon(_ endpoint: Endpoint) {
        guard endpoint.isInitiator, !endpoint.isGone else { return }
        world.after(.milliseconds(5 + world.below(300))) { [weak self] in
            if let self, endpoint === initiator { connect() }
        }
    }

    /// Credit that was taken is granted again.
    func checkCredit() {
        guard let initiator, let acceptor = acceptors.last, initiator.session == acceptor.session, !initiator.isGone, !acceptor.isGone,
            initiator.side.core.isEstablished, acceptor.side.core.isEstablished
        else { return }
        for (producer, consumer) in [(initiator, acceptor), (acceptor, initiator)] {
            for id in producer.actor.starving(consumer.actor) { world.problem("\(id) has no credit, and all was taken") }
        }
    }

    // MARK: Packets

    /// Sends what there is to send, handles what there is to handle, and plans the next look.
    func pump(_ endpoint: Endpoint) {
        endpoint.isDirty = true
        guard !endpoint.isPumping else { return }
        endpoint.isPumping = true
        while endpoint.isDirty {
            endpoint.isDirty = false
            for received in endpoint.side.take() { handle(received, endpoint) }
            while let packet = endpoint.side.packet(now: world.now) { transmit(packet, from: endpoint) }
            if endpoint.side.core.nextDeadline <= world.now {
                endpoint.side.advance(to: world.now)
                endpoint.isDirty = true
            }
            if !endpoint.side.events.isEmpty { endpoint.isDirty = true }
        }
        endpoint.isPumping = false
        checkBounds(endpoint)
        planWake(endpoint)
        if endpoint.side.isFinished, !endpoint.isGone { ended(endpoint) }
    }

    private func handle(_ received: Received, _ endpoint: Endpoint) {
        endpoint.actor.handle(received)
        guard case .linkLost = received.event else { return }
        world.note("lost")
        endpoint.generation = nil
        reconnectSoon(endpoint)
    }

    private func planWake(_ endpoint: Endpoint) {
        let deadline = endpoint.side.core.nextDeadline
        guard deadline < .distantFuture, deadline < endpoint.wake || endpoint.wake <= world.now else { return }
        endpoint.wake = deadline
        world.at(deadline) { [weak self, weak endpoint] in
            guard let self, let endpoint, !endpoint.isGone else { return }
            if endpoint.wake <= world.now { endpoint.wake = .distantFuture }
            endpoint.side.advance(to: world.now)
            pump(endpoint)
        }
    }

    private func transmit(_ packet: [UInt8], from endpoint: Endpoint) {
        let path: NetworkModel.Path = endpoint.isInitiator ? .toAcceptor : .toInitiator
        world.note("send", UInt64(path.rawValue), UInt64(packet.count))
        world.check(packet.count <= traits.packetMaximum, "a packet of \(packet.count) bytes")
        guard let generation = endpoint.generation, generation == live else { return }
        let fate = network.send(packet.count, on: path, delivery: traits.delivery, now: world.now)
        for arrival in [fate.arrival, fate.duplicate].compactMap({ $0 }) {
            var copy = packet
            if fate.isDamaged, arrival == fate.arrival { network.damage(&copy) }
            world.at(arrival) { [weak self] in self?.arrive(copy, path, generation, endpoint.session) }
        }
    }

    private func arrive(_ packet: [UInt8], _ path: NetworkModel.Path, _ generation: Int, _ session: SessionID) {
        // Datagrams of an earlier link may come late; a stream dies with all that is on it.
        guard traits.delivery == .lossy || generation == live else { return }
        world.note("arrive", UInt64(path.rawValue), UInt64(packet.count))
        if path == .toInitiator {
            guard let initiator, initiator.session == session, initiator.generation != nil else { return }
            receive(packet, initiator)
        } else if let endpoint = acceptors.first(where: { $0.session == session }), let attached = endpoint.generation,
            attached >= generation
        {
            receive(packet, endpoint)
        } else {
            accept(packet, generation)
        }
    }

    private func receive(_ packet: [UInt8], _ endpoint: Endpoint) {
        endpoint.side.receive(packet, now: world.now)
        pump(endpoint)
    }

    /// The first packet of a link tells which session it is for.
    private func accept(_ packet: [UInt8], _ generation: Int) {
        guard generation == live, let hello = try? packet.withUnsafeBytes({ try SessionHello(readingFrom: $0, traits: traits) }),
            let ledger = ledgers[hello.identity.session]
        else { return }
        let endpoint: Endpoint
        if let known = acceptors.first(where: { $0.session == hello.identity.session }) {
            endpoint = known
        } else {
            endpoint = self.endpoint(hello.identity.session, isInitiator: false, ledger)
            acceptors.append(endpoint)
        }
        do throws(SessionError) {
            try endpoint.side.core.attach(traits, now: world.now)
        } catch {
            world.check(error.code == .closed, "the link was refused: \(error)")
            return
        }
        endpoint.generation = generation
        receive(packet, endpoint)
    }

    private func ended(_ endpoint: Endpoint) {
        endpoint.isGone = true
        endpoint.generation = nil
        if !endpoint.isInitiator { return acceptors.removeAll { $0 === endpoint } }
        guard !isHealed else { return }
        world.after(world.milliseconds(200)) { [weak self] in
            if let self, endpoint === initiator, !isHealed { beginSession() }
        }
    }

    // MARK: Disturbances

    func planDisturbance() {
        guard let due = network.disturbanceDue(now: world.now) else { return }
        world.at(due) { [weak self] in
            guard let self, !isHealed, let disturbance = network.disturb(now: world.now) else { return }
            apply(disturbance)
            planDisturbance()
        }
    }

    private func apply(_ disturbance: NetworkModel.Disturbance) {
        switch disturbance {
        case .partition: break
        case .cut(let notice): cut(notice)
        case .restart(.toAcceptor):
            epochs[1] += 1
            for endpoint in acceptors { kill(endpoint) }
            acceptors = []
            cut(world.chance(0.5) ? .both : .acceptor)
        case .restart(.toInitiator):
            epochs[0] += 1
            if let initiator { kill(initiator) }
            cut(world.chance(0.5) ? .both : .initiator)
            world.after(world.milliseconds(300)) { [weak self] in
                if let self, initiator?.isGone == true { beginSession() }
            }
        }
    }

    private func cut(_ notice: NetworkModel.Notice) {
        live = nil
        if notice != .acceptor, let initiator { lose(initiator) }
        if notice != .initiator { for endpoint in acceptors { lose(endpoint) } }
    }

    private func kill(_ endpoint: Endpoint) {
        world.note("kill")
        endpoint.actor.fail()
        endpoint.isGone = true
        endpoint.generation = nil
    }

    func heal() {
        isHealed = true
        network.heal()
    }

    // MARK: Checks

    var actors: [Actor] { ([initiator].compactMap { $0 } + acceptors).map(\.actor) }
    var isEmpty: Bool { ([initiator].compactMap { $0 } + acceptors).allSatisfy { $0.isGone || $0.actor.isEmpty } }

    /// Whether nothing waits to be sent or to be confirmed.
    var isSilent: Bool {
        ([initiator].compactMap { $0 } + acceptors).allSatisfy {
            $0.isGone || $0.side.core.isQueueEmpty && $0.side.core.retention.isEmpty
        }
    }

    private func checkBounds(_ endpoint: Endpoint) {
        let statistics = endpoint.side.core.statistics
        let configuration = configurations[endpoint.isInitiator ? 0 : 1]
        let packet = min(traits.packetMaximum, SessionLimits.packetPreferred)
        peakQueued = max(peakQueued, statistics.bytesQueued)
        world.check(
            statistics.bytesRetained <= configuration.retention + max(packet, SessionLimits.frameMaximum / 4),
            "\(statistics.bytesRetained) bytes are retained")
        world.check(
            statistics.bytesUntaken <= configuration.sessionBytes + SessionLimits.elementMaximum,
            "\(statistics.bytesUntaken) bytes are untaken")
        world.check(endpoint.side.core.reorder.count <= SessionLimits.reorderWindow, "the reorder buffer is too full")
        world.check(
            statistics.bytesQueued <= SessionLimits.messageQueueMaximum + 2 * SessionLimits.sessionBytes,
            "\(statistics.bytesQueued) bytes are queued")
    }
}
