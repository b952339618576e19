import SkerrySession
import Testing

@testable import SkerryWire

/// When to try again.
@Suite struct ReconnectTests {
    private static func delay(_ decision: ReconnectPolicy.Decision) -> Duration? {
        if case .retry(let delay) = decision { delay } else { nil }
    }

    @Test("Delays double up to the cap, and chance takes at most its part of them", arguments: 0..<50 as Range<UInt64>)
    func backOff(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = ReconnectPolicy()
        policy.budget = 1000
        var attempts = policy.attempts()
        var now = Duration.zero
        var ceiling = policy.initial
        for _ in 0..<20 {
            let delay = try #require(Self.delay(attempts.failed(now: now, random: generator.unit())))
            #expect(delay <= ceiling && delay >= ceiling / 2)
            now += delay
            ceiling = min(ceiling * 2, .seconds(30))
        }
    }

    @Test("Without chance the delays are the ceilings themselves")
    func exact() {
        var policy = ReconnectPolicy()
        policy.jitter = 0
        policy.initial = .seconds(1)
        policy.maximum = .seconds(10)
        policy.multiplier = 3
        var attempts = policy.attempts()
        let delays = (0..<5).map { _ in Self.delay(attempts.failed(now: .zero, random: 0.9)) }
        #expect(delays == [.seconds(1), .seconds(3), .seconds(9), .seconds(10), .seconds(10)])
    }

    @Test("After the retries allowed in a row it gives up, and a link that lasted begins the count anew")
    func givesUp() {
        var policy = ReconnectPolicy()
        policy.retryMaximum = 3
        var attempts = policy.attempts()
        for _ in 0..<3 { #expect(Self.delay(attempts.failed(now: .zero, random: 0)) != nil) }
        #expect(attempts.failed(now: .zero, random: 0) == .giveUp)
        attempts.connected(now: .seconds(1))
        #expect(attempts.failed(now: .seconds(10), random: 0) == .giveUp)
        attempts.connected(now: .seconds(20))
        #expect(attempts.failed(now: .seconds(30), random: 0) == .retry(after: policy.initial))
        #expect(attempts.retryCount == 1)
    }

    @Test("A peer that accepts and drops at once is not asked more often than the budget allows", arguments: 0..<20 as Range<UInt64>)
    func budget(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = ReconnectPolicy()
        policy.stable = .zero
        policy.budget = 5
        policy.refill = .seconds(10)
        var attempts = policy.attempts()
        var now = Duration.zero
        var times: [Duration] = []
        for _ in 0..<40 {
            now += try #require(Self.delay(attempts.failed(now: now, random: generator.unit())))
            times.append(now)
            attempts.connected(now: now)
        }
        // In no stretch of time are there more retries than the bucket holds and what flows in meanwhile.
        for (first, start) in times.enumerated() {
            for (last, end) in times.enumerated().dropFirst(first) {
                #expect(Double(last - first + 1) <= 5 + (end - start) / .seconds(10) + 1.001)
            }
        }
        #expect(times.last ?? .zero > .seconds(300))
    }

    @Test("The same times and the same chances give the same delays")
    func deterministic() {
        func run() -> [ReconnectPolicy.Decision] {
            var generator = SeededGenerator(seed: 5)
            var attempts = ReconnectPolicy().attempts()
            return (0..<100).map { attempts.failed(now: .seconds($0), random: generator.unit()) }
        }
        #expect(run() == run())
    }

    @Test("Odd settings are harmless")
    func oddSettings() {
        var policy = ReconnectPolicy()
        policy.initial = .zero
        policy.jitter = 7
        policy.multiplier = -1
        policy.budget = -5
        policy.refill = .zero
        var attempts = policy.attempts()
        for _ in 0..<1000 { #expect(attempts.failed(now: .zero, random: 2) == .retry(after: .zero)) }
    }
}
