import SkerryCRDT
import Testing

@testable import document_checks

@Suite("A durable clock")
struct DurableClockTests {
    @Test("issues nothing above its durable mark, and asks for one mark a second")
    func marks() throws {
        var clock = DurableClock(mark: .zero)
        let error = #expect(throws: DurableClock.MarkNeeded.self) { try clock.next(now: 5_000) }
        #expect(error?.mark == HybridTimestamp(milliseconds: 6_000, count: 0))
        var written = 0
        var last = HybridTimestamp.zero
        for now: UInt64 in 5_000..<8_000 {
            if let mark = clock.markNeeded(now: now) {
                written += 1
                clock.markWritten(mark)
            }
            let stamp = try clock.next(now: now)
            #expect(stamp > last && stamp <= clock.mark)
            last = stamp
        }
        #expect(written == 3)
        #expect(clock.markNeeded(now: 7_999) == nil && clock.markNeeded(now: 7_999, ahead: 500) != nil)
    }

    @Test("starts above the mark of its last life, however far wall time went back")
    func restart() throws {
        var first = DurableClock(mark: .zero)
        let mark = try #require(first.markNeeded(now: 5_000))
        first.markWritten(mark)
        for _ in 0..<100_000 { if first.markNeeded(now: 5_000) == nil { _ = try first.next(now: 5_000) } }
        var second = DurableClock(mark: mark)
        let needed = try #require(second.markNeeded(now: 1_000))
        second.markWritten(needed)
        #expect(try second.next(now: 1_000) > first.highWater)
    }

    @Test("the bound of the future is at most ten minutes, and stamps near the end of time are refused")
    func bounds() throws {
        #expect(HybridClock(futureBound: .max).futureBound == HybridClock.futureBoundMaximum)
        var clock = HybridClock()
        clock.futureBound = 601_000
        #expect(clock.futureBound == 600_000)
        try clock.observe(HybridTimestamp(milliseconds: 601_000, count: .max), now: 1_000)
        #expect(throws: HybridClock.FutureStamp.self) { try clock.observe(HybridTimestamp(milliseconds: 601_001, count: 0), now: 1_000) }
        let late = HybridTimestamp.millisecondsMaximum - 1_000
        #expect(throws: HybridClock.FutureStamp.self) {
            try clock.observe(HybridTimestamp(milliseconds: late + 10, count: 0), now: late)
        }
        var far = HybridClock()
        #expect(far.next(now: .max).milliseconds == HybridTimestamp.millisecondsMaximum)
        #expect(throws: HybridClock.FutureStamp.self) { try far.observe(HybridTimestamp(rawValue: .max), now: .max >> 16 - 5) }
    }

    @Test("a snapshot with a stamp near the end of time is refused, so that the next stamp can be made")
    func hostileSnapshot() throws {
        let document = Document(origin: OriginID(rawValue: 1), now: { 1_000 })
        var bytes = document.snapshot()
        // The last eight bytes of an empty document's snapshot are its largest stamp.
        for index in bytes.count - 8..<bytes.count { bytes[index] = 0xFF }
        let error = #expect(throws: DocumentError.self) { try Document(origin: OriginID(rawValue: 2), snapshot: Hostile.reframed(bytes)) }
        #expect(error?.code == .corrupt)
    }

    @Test("keeps its promises through stops, jumps and deaths", arguments: 0..<Soak.count(30, soak: 3_000))
    func lives(seed: Int) throws { try Clocks.run(seed: seed) }

    @Test("a document goes on above the stamps it was opened with, and refuses those of the future whole")
    func documents() throws {
        try Clocks.documents()
        try Clocks.future()
        try Clocks.ownPast()
    }
}
