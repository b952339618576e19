import SkerryCRDT
import Testing

@Suite("A hybrid clock")
struct HybridClockTests {
    @Test("a stamp is milliseconds and a count, ordered as one number")
    func stamps() {
        let stamp = HybridTimestamp(milliseconds: 1_800_000_000_123, count: 7)
        #expect(stamp.milliseconds == 1_800_000_000_123)
        #expect(stamp.count == 7)
        #expect(stamp < HybridTimestamp(milliseconds: 1_800_000_000_123, count: 8))
        #expect(HybridTimestamp(milliseconds: 1, count: .max) < HybridTimestamp(milliseconds: 2, count: 0))
        #expect(HybridTimestamp(milliseconds: (1 << 48) - 1, count: .max).rawValue == .max)
    }

    @Test("follows wall time while that runs forward")
    func followsWallTime() {
        var clock = HybridClock()
        for now: UInt64 in [1, 5, 6, 1000] { #expect(clock.next(now: now) == HybridTimestamp(milliseconds: now, count: 0)) }
    }

    @Test("counts within a millisecond, and carries a full count into the milliseconds")
    func carries() {
        var clock = HybridClock()
        var last = clock.next(now: 10)
        for _ in 0..<70_000 {
            let next = clock.next(now: 10)
            #expect(next > last)
            last = next
        }
        #expect(last.milliseconds == 11)
        #expect(last == clock.highWater)
    }

    @Test("never runs backwards, whatever wall time does")
    func monotone() {
        var clock = HybridClock()
        var last = HybridTimestamp.zero
        var now: UInt64 = 1_000_000
        for step in 0..<10_000 {
            // A walk that goes back nearly as often as forward.
            now = now &+ UInt64(step * 7919 % 13) &- 6
            let next = clock.next(now: now)
            #expect(next > last)
            last = next
        }
    }

    @Test("a foreign stamp pushes it forward, one from too far ahead waits and changes nothing")
    func observes() throws {
        var clock = HybridClock(futureBound: 100)
        let foreign = HybridTimestamp(milliseconds: 1100, count: 3)
        try clock.observe(foreign, now: 1000)
        #expect(clock.next(now: 1000) > foreign)
        let before = clock.highWater
        let error = #expect(throws: HybridClock.FutureStamp.self) {
            try clock.observe(HybridTimestamp(milliseconds: 1101, count: 0), now: 1000)
        }
        #expect(error?.stamp == HybridTimestamp(milliseconds: 1101, count: 0))
        #expect(error?.now == 1000)
        #expect(clock.highWater == before)
        try clock.observe(HybridTimestamp(milliseconds: 5, count: 0), now: 1000)
        #expect(clock.highWater == before)
    }

    @Test("goes on behind its high-water mark after a start, and tells how far wall time lags behind it")
    func restores() {
        var clock = HybridClock(highWater: HybridTimestamp(milliseconds: 5000, count: 9))
        #expect(clock.lag(now: 4000) == 1000)
        #expect(clock.lag(now: 6000) == 0)
        #expect(clock.next(now: 4000) == HybridTimestamp(milliseconds: 5000, count: 10))
        clock.restore(HybridTimestamp(milliseconds: 9000, count: 0))
        clock.restore(HybridTimestamp(milliseconds: 1, count: 0))
        #expect(clock.next(now: 4000) == HybridTimestamp(milliseconds: 9000, count: 1))
    }
}
