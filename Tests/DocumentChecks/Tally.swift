import Synchronization

/// Three sums that threads add to.
final class Tally: Sendable {
    private let state = Mutex((0, 0, 0))

    var sums: (Int, Int, Int) { state.withLock { $0 } }

    func add(_ scope: SmallScope) { add(scope.histories, scope.deliveries, scope.runs) }
    func add(_ tally: Hostile.Tally) { add(tally.refused, tally.taken, 0) }

    private func add(_ one: Int, _ two: Int, _ three: Int) {
        state.withLock { $0 = ($0.0 + one, $0.1 + two, $0.2 + three) }
    }
}
