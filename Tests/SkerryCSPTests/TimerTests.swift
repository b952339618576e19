import Testing

@testable import SkerryCSP

@Suite struct TimerTests {
    @Test("the heap gives timers in the order they are due, with any of them cancelled", arguments: seeds(50, soak: 2_000))
    func heap(seed: Int) {
        var generator = SplitMix(seed: seed)
        var heap = TimerHeap()
        var plain: [(deadline: Duration, id: TimerID)] = []
        var now = Duration.zero
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5:
                let deadline = now + .milliseconds(Int.random(in: 0..<50, using: &generator))
                plain.append((deadline, heap.add(at: deadline) {}))
            case 5..<7 where !plain.isEmpty:
                let victim = plain.remove(at: Int.random(in: plain.indices, using: &generator))
                #expect(heap.cancel(victim.id)?.id == victim.id)
                #expect(heap.cancel(victim.id) == nil)
            default:
                now += .milliseconds(Int.random(in: 0..<20, using: &generator))
                while let entry = heap.popDue(at: now) {
                    let first = plain.filter { $0.deadline <= now }.min { ($0.deadline, $0.id.rawValue) < ($1.deadline, $1.id.rawValue) }
                    #expect(first?.id == entry.id)
                    plain.removeAll { $0.id == entry.id }
                }
                #expect(plain.allSatisfy { $0.deadline > now })
            }
            #expect(heap.count == plain.count)
            #expect(heap.earliest == plain.map(\.deadline).min())
        }
    }

    @Test("manual timers fire in order, each at its own time, and one may add another")
    func manual() {
        let timers = ManualTimers()
        let log = Locked<[String]>([])
        let write: @Sendable (String) -> Void = { text in
            let now = timers.now
            log.withLock { $0.append("\(text) at \(now.components.seconds)") }
        }
        _ = timers.schedule(after: .seconds(3)) { write("third") }
        _ = timers.schedule(after: .seconds(1)) {
            write("first")
            _ = timers.schedule(after: .seconds(1)) { write("second") }
        }
        let cancelled = timers.schedule(after: .seconds(2)) { write("never") }
        timers.cancel(cancelled)
        #expect(timers.nextDelay == .seconds(1))
        timers.advance(by: .seconds(10))
        #expect(log.withLock { $0 } == ["first at 1", "second at 2", "third at 3"])
        #expect(timers.now == .seconds(10))
        #expect(timers.nextDelay == nil)
    }

    /// A clock that a test moves; sleepers are counted.
    final class HandClock: Clock, Sendable {
        struct Instant: InstantProtocol {
            var offset: Duration
            func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
            func duration(to other: Self) -> Duration { other.offset - offset }
            static func < (left: Self, right: Self) -> Bool { left.offset < right.offset }
        }

        private let timers = ManualTimers()
        let sleepers = Channel<Duration>(.unbounded)

        var now: Instant { Instant(offset: timers.now) }
        var minimumResolution: Duration { .zero }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            let remaining = now.duration(to: deadline)
            _ = try sleepers.sender.trySend(deadline.offset)
            try await timers.sleep(for: remaining)
        }

        func advance(by duration: Duration) { timers.advance(by: duration) }
    }

    @Test("timers of a clock share one sleeper, which is started anew only for an earlier deadline")
    func sharedSleeper() async throws {
        let clock = HandClock()
        let timers = ClockTimers(clock: clock)
        let fired = Channel<Int>(.unbounded)
        let fire: @Sendable (Int) -> @Sendable () -> Void = { number in { _ = try? fired.sender.trySend(number) } }
        let first = timers.schedule(after: .seconds(10), fire(10))
        #expect(try await clock.sleepers.receiver.receive() == .seconds(10))
        // Later ones need no sleeper of their own.
        for number in 11...20 { _ = timers.schedule(after: .seconds(number), fire(number)) }
        #expect(clock.sleepers.receiver.tryReceive() == .empty)
        _ = timers.schedule(after: .seconds(5), fire(5))
        #expect(try await clock.sleepers.receiver.receive() == .seconds(5))
        timers.cancel(first)
        clock.advance(by: .seconds(5))
        #expect(try await fired.receiver.receive() == 5)
        // The sleeper goes on to what is earliest now.
        #expect(try await clock.sleepers.receiver.receive() == .seconds(11))
        clock.advance(by: .seconds(100))
        for number in 11...20 { #expect(try await fired.receiver.receive() == number) }
        #expect(fired.receiver.tryReceive() == .empty)
    }

    @Test("sleep returns when the time has passed, or throws when it is cancelled")
    func sleeping() throws {
        let simulation = Simulation(seed: 1)
        let timers = ManualTimers()
        let (kept, cancelled) = (
            simulation.spawn { try await timers.sleep(for: .seconds(1)) }, simulation.spawn { try await timers.sleep(for: .seconds(1)) }
        )
        simulation.run()
        cancelled.cancel()
        simulation.run()
        #expect(kept.isWaiting)
        #expect(cancelled.error is CancellationError)
        timers.advance(by: .seconds(1))
        simulation.run()
        #expect(!kept.isWaiting)
    }
}
