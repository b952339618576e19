import SkerryCRDT
import Synchronization

/// Wall time that never falls behind the store's high-water mark.
///
/// Documents stamp with it: a stamp made after a restart is greater than any that the store held before, also when the machine's clock was
/// set back.
final class StoreClock: Sendable {
    private let wall: @Sendable () -> UInt64
    /// Milliseconds.
    private let mark: Atomic<UInt64>

    init(wall: @escaping @Sendable () -> UInt64, mark: HybridTimestamp) {
        self.wall = wall
        self.mark = Atomic(mark.milliseconds)
    }

    /// Milliseconds since 1970.
    func now() -> UInt64 { max(wall(), mark.load(ordering: .relaxed)) }
}
