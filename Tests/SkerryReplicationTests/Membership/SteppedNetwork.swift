import SkerrySession
import SkerryWire
import Synchronization

@testable import SkerryReplication

/// Nodes in virtual time, whole shells of them: links of a simulated network on one stepper, and a clock that goes with it.
final class SteppedNetwork: Sendable {
    let stepper = LinkStepper()
    let clock: SteppedClock
    private let conditions: NetworkConditions
    private let state: Mutex<State>

    private struct State {
        var accepts: [String: @Sendable (any Link) -> Void] = [:]
        var generator: SeededGenerator
        /// Links by the names of their ends.
        var networks: [(from: String, to: String, network: SimulatedNetwork)] = []
        var down: Set<String> = []
    }

    init(seed: UInt64, conditions: NetworkConditions) {
        clock = SteppedClock(stepper: stepper)
        self.conditions = conditions
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    func transport(named name: String) -> SteppedTransport { SteppedTransport(network: self, name: name) }

    fileprivate func listen(_ name: String, _ accept: @escaping @Sendable (any Link) -> Void) {
        state.withLock { $0.accepts[name] = accept }
    }

    fileprivate func connect(_ from: String, _ to: String) -> Result<any Link, LinkError> {
        let (pair, accept) = state.withLock { state -> ((any Link, any Link)?, (@Sendable (any Link) -> Void)?) in
            guard let accept = state.accepts[to], !state.down.contains(to), !state.down.contains(from) else { return (nil, nil) }
            let network = SimulatedNetwork(seed: state.generator.next(), conditions: conditions, on: stepper)
            state.networks.append((from, to, network))
            let ends = network.pair()
            return ((ends.initiator, ends.acceptor), accept)
        }
        guard let pair, let accept else { return .failure(LinkError(.refused, "nobody is at \(to)")) }
        accept(pair.1)
        return .success(pair.0)
    }

    /// Takes a node off the network: nothing comes through, and nobody is told.
    func isolate(_ name: String) {
        let cut = state.withLock { state in
            state.down.insert(name)
            return state.networks.filter { $0.from == name || $0.to == name }.map(\.network)
        }
        for network in cut { network.partition(.toAcceptor, for: .seconds(1_000_000)) }
        for network in cut { network.partition(.toInitiator, for: .seconds(1_000_000)) }
    }

    func heal(_ name: String) {
        let healed = state.withLock { state in
            state.down.remove(name)
            return state.networks.filter { $0.from == name || $0.to == name }.map(\.network)
        }
        for network in healed { network.cut(noticedBy: .both) }
    }

    func run(for duration: Duration) {
        let end = stepper.now + duration
        while true {
            let due = min(stepper.nextDue ?? .distantFuture, clock.nextDue ?? .distantFuture)
            guard due <= end else { break }
            stepper.run(until: max(due, stepper.now))
            clock.runDue()
        }
        stepper.run(until: end)
    }

    /// Runs until it is so.
    ///
    /// - Returns: how long that took; nil when the time was over first.
    func run(until isSo: () -> Bool, within limit: Duration) -> Duration? {
        let start = stepper.now
        while stepper.now - start < limit {
            if isSo() { return stepper.now - start }
            run(for: .milliseconds(100))
        }
        return isSo() ? stepper.now - start : nil
    }
}

struct SteppedTransport: MemberTransport {
    let network: SteppedNetwork
    let name: String

    func listen(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> String {
        network.listen(name, accept)
        return name
    }

    func connect(to address: String, _ completion: @escaping @Sendable (Result<any Link, LinkError>) -> Void) {
        completion(network.connect(name, address))
    }

    func shutdown(within patience: Duration) async {}
}

/// The time of a stepper, for nodes.
final class SteppedClock: NodeClock {
    private let stepper: LinkStepper
    private let jobs = Mutex<[(at: Moment, number: Int, job: @Sendable () -> Void)]>([])
    private let count = Mutex(0)

    init(stepper: LinkStepper) { self.stepper = stepper }

    var now: Moment { stepper.now }

    func schedule(at moment: Moment, _ job: @escaping @Sendable () -> Void) {
        let number = count.withLock { count in
            count += 1
            return count
        }
        jobs.withLock { $0.append((moment, number, job)) }
    }

    var nextDue: Moment? { jobs.withLock { $0.map(\.at).min() } }

    func runDue() {
        while let job = takeDue() { job() }
    }

    private func takeDue() -> (@Sendable () -> Void)? {
        let now = now
        return jobs.withLock { jobs in
            guard let index = jobs.indices.min(by: { (jobs[$0].at, jobs[$0].number) < (jobs[$1].at, jobs[$1].number) }),
                jobs[index].at <= now
            else { return nil }
            return jobs.remove(at: index).job
        }
    }
}
