import Synchronization

/// Wall time that a check moves.
final class CheckClock: Sendable {
    private let time: Atomic<UInt64>

    init(_ start: UInt64 = 1_000_000) { time = Atomic(start) }

    var now: UInt64 { time.load(ordering: .relaxed) }
    func advance(_ milliseconds: UInt64) { time.add(milliseconds, ordering: .relaxed) }
}
