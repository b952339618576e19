public import SkerrySession
internal import Synchronization

/// A network between two processes that exists only as a model: it delays, loses, doubles, reorders, damages, throttles, partitions and cuts, from a seed.
///
/// With a ``LinkStepper`` it runs in virtual time and the same seed gives the same run; without one it runs in real time on the threads that carry links.
///
/// ```swift
/// let stepper = LinkStepper()
/// let network = SimulatedNetwork(seed: 7, conditions: .radio, on: stepper)
/// let (initiator, acceptor) = network.pair(delivery: .lossy)
/// …
/// stepper.run(until: .zero + .seconds(60))
/// ```
///
/// One pair at a time: making another cuts the one before, as a process that connects again does.
public final class SimulatedNetwork: Sendable {
    private let loop: any LinkLoop
    private let limits: LinkLimits
    private let restarted: @Sendable (NetworkModel.Path) -> Void
    private let state: Mutex<State>

    private struct State {
        var model: NetworkModel
        var transit: SimulatedTransit?
        /// The disturbance that a job waits for.
        var disturbanceDue: Moment?
    }

    /// A network in virtual time.
    ///
    /// - Parameter restarted: Called on the loop when the process at the end of the path loses its memory. The link is broken then.
    public convenience init(
        seed: UInt64, conditions: NetworkConditions, limits: LinkLimits = LinkLimits(), on stepper: LinkStepper,
        restarted: @escaping @Sendable (NetworkModel.Path) -> Void = { _ in }
    ) {
        self.init(NetworkModel(seed: seed, conditions: conditions), limits, stepper, restarted)
    }

    /// A network in real time.
    public convenience init(
        seed: UInt64, conditions: NetworkConditions, limits: LinkLimits = LinkLimits(), loops: WireLoops = .shared,
        restarted: @escaping @Sendable (NetworkModel.Path) -> Void = { _ in }
    ) {
        self.init(NetworkModel(seed: seed, conditions: conditions), limits, ThreadLoop(eventLoop: loops.next()), restarted)
    }

    private init(
        _ model: NetworkModel, _ limits: LinkLimits, _ loop: any LinkLoop, _ restarted: @escaping @Sendable (NetworkModel.Path) -> Void
    ) {
        self.loop = loop
        self.limits = limits
        self.restarted = restarted
        state = Mutex(State(model: model))
    }

    /// What was put in so far.
    public var faults: NetworkModel.Faults { state.withLock { $0.model.faults } }

    /// The conditions from here on.
    public var conditions: NetworkConditions {
        get { state.withLock { $0.model.conditions } }
        set { state.withLock { $0.model.conditions = newValue } }
    }

    /// A new link; the one before it, if there is one, is cut without anybody being told.
    public func pair(
        delivery: LinkTraits.Delivery = .ordered, encoding: LinkTraits.Encoding = .binary
    ) -> (initiator: any Link, acceptor: any Link) {
        let maximum = delivery == .lossy ? LinkTraits.datagram.packetMaximum : limits.packetMaximum
        let traits = LinkTraits(encoding: encoding, delivery: delivery, packetMaximum: maximum)
        let transit = SimulatedTransit(network: self, loop: loop, delivery: delivery)
        let ends = transit.makeEnds(traits, limits)
        let former = state.withLock { state in
            defer { state.transit = transit }
            state.model.linkReplaced(now: loop.now)
            return state.transit
        }
        if let former { loop.execute { former.die() } }
        scheduleDisturbance()
        return ends
    }
}

// MARK: - Faults by hand

extension SimulatedNetwork {
    /// Breaks the link. Who is not told learns of it by silence alone.
    public func cut(noticedBy notice: NetworkModel.Notice) {
        guard let transit = state.withLock({ $0.transit }) else { return }
        loop.execute { transit.cut(noticedBy: notice) }
    }

    /// Stops packets of one direction, from now on.
    public func partition(_ path: NetworkModel.Path, for length: Duration) {
        state.withLock { $0.model.partition(path, until: loop.now + length) }
    }

    /// Ends partitions and puts in no more faults.
    public func heal() {
        state.withLock { $0.model.heal() }
    }
}

// MARK: - Called by the transit, on the loop

extension SimulatedNetwork {
    /// What becomes of a packet, and its bytes when they arrive damaged.
    func send(_ packet: [UInt8], on path: NetworkModel.Path, delivery: LinkTraits.Delivery) -> (NetworkModel.Fate, [UInt8]) {
        state.withLock { state in
            let fate = state.model.send(packet.count, on: path, delivery: delivery, now: loop.now)
            guard fate.isDamaged else { return (fate, packet) }
            var damaged = packet
            state.model.damage(&damaged)
            return (fate, damaged)
        }
    }

    /// One job waits for the next disturbance, however many links there were.
    private func scheduleDisturbance() {
        let due = state.withLock { state -> Moment? in
            guard state.disturbanceDue == nil else { return nil }
            state.disturbanceDue = state.model.disturbanceDue(now: loop.now)
            return state.disturbanceDue
        }
        guard let due else { return }
        loop.execute(after: due - loop.now) { [self] in disturb() }
    }

    private func disturb() {
        let (disturbance, transit) = state.withLock { state in
            state.disturbanceDue = nil
            return (state.model.disturb(now: loop.now), state.transit)
        }
        switch disturbance {
        case .cut(let notice):
            transit?.cut(noticedBy: notice)
        case .restart(let path):
            transit?.cut(noticedBy: .both)
            restarted(path)
        case .partition, nil:
            // The model holds back or loses the packets itself.
            break
        }
        scheduleDisturbance()
    }
}
