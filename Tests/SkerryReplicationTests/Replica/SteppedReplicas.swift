import SkerryGossip
@testable import SkerryReplication
import SkerrySession
import SkerryWire
import Synchronization

/// Replicas and the links between them in virtual time, turned by one thread: the same seed gives the same run.
final class SteppedReplicas: Sendable {
    let stepper = LinkStepper()
    private let replicas = Mutex<[Replica]>([])

    func add(_ replica: Replica) { replicas.withLock { $0.append(replica) } }

    var now: @Sendable () -> FeedInstant {
        { [stepper] in
            let elapsed = (stepper.now - .zero).components
            let milliseconds = UInt64(elapsed.seconds) * 1_000 + UInt64(elapsed.attoseconds / 1_000_000_000_000_000)
            return FeedInstant(wall: 1_700_000_000_000 + milliseconds, monotonic: 1 + milliseconds)
        }
    }

    func network(_ seed: UInt64, _ conditions: NetworkConditions) -> SimulatedNetwork {
        SimulatedNetwork(seed: seed, conditions: conditions, on: stepper)
    }

    /// Lets packets arrive and replicas tick until it is so.
    ///
    /// - Returns: whether it became so within the virtual time.
    func run(until isSo: () -> Bool, within limit: Duration = .seconds(60)) -> Bool {
        let end = stepper.now + limit
        while !isSo() {
            guard stepper.now < end else { return false }
            stepper.run(until: stepper.now + .milliseconds(Int64(FeedLimits.tickInterval)))
            for replica in replicas.withLock({ $0 }) { _ = replica.tick() }
        }
        return true
    }
}
