import SkerryCRDT

/// Clocks that stop, jump, die and hear of others.
enum Clocks {
    static func run(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 300)
        // What survives a death.
        var durable = HybridTimestamp.zero
        var clock = DurableClock(mark: durable)
        var issued = HybridTimestamp.zero, heard = HybridTimestamp.zero
        var now: UInt64 = 1 << 40
        for step in 0..<200 {
            switch random.below(12) {
            case 0: now += UInt64(random.below(5_000))
            case 1: now -= UInt64(random.below(3_000))
            case 2:
                now = now - 3_600_000 + UInt64(random.below(7_200_000))
                clock = DurableClock(mark: durable)
                heard = .zero
            case 3:
                let stamp = HybridTimestamp(milliseconds: now + UInt64(random.below(130_000)), count: UInt16(random.below(65_536)))
                let isNear = stamp.milliseconds <= now + 60_000
                do {
                    try clock.observe(stamp, now: now)
                    try require(isNear, "seed \(seed): a stamp \(stamp.milliseconds - now) ms ahead was taken")
                    heard = max(heard, stamp)
                } catch is HybridClock.FutureStamp { try require(!isNear, "seed \(seed): a stamp within the bound was refused") }
            default:
                for _ in 0..<(random.chance(2) ? 70_000 : 1 + random.below(20)) {
                    if let mark = clock.markNeeded(now: now) {
                        durable = mark
                        clock.markWritten(mark)
                    }
                    let stamp = try clock.next(now: now)
                    if stamp <= issued || stamp <= heard || stamp > durable {
                        throw CheckFailure("seed \(seed), step \(step): \(stamp) after \(issued), \(heard), under the mark \(durable)")
                    }
                    issued = stamp
                }
            }
        }
    }

    /// A document opened where wall time is behind: what is written there is later than what it holds.
    static func documents() throws {
        let old = Document(origin: OriginID(rawValue: 9), now: { 2_000_000 })
        old.change { change in for value in 0..<3 { change.list("l").append(.int(Int64(value))) } }
        old.change { $0.list("l").move(from: 0, to: 2) }
        let opened = try Document(origin: OriginID(rawValue: 3), snapshot: old.snapshot(), now: { 1_000_000 })
        opened.change { $0.list("l").move(from: 2, to: 0) }
        try require(opened.list("l").values == [0, 1, 2], "a move made after an older one lost against it: \(opened.list("l").values)")
    }

    /// A document refuses an event from the future whole, and takes it when its time has come.
    static func future() throws {
        let clock = CheckClock(1_000_000)
        let early = Document(origin: OriginID(rawValue: 1), now: { 1_700_000 }),
            reader = Document(origin: OriginID(rawValue: 2), now: { clock.now })
        early.change { $0.map("m")["k"] = 1 }
        func code() throws -> DocumentError.Code? {
            do throws(DocumentError) {
                try reader.merge(early)
                return nil
            } catch { return error.code }
        }
        try require(try code() == .futureStamp, "an event 700 s ahead was taken")
        reader.futureBound = .max
        try require(reader.futureBound == 600_000, "the bound of the future is \(reader.futureBound)")
        try require(try code() == .futureStamp, "an event 700 s ahead was taken with the bound at ten minutes")
        clock.advance(100_000)
        try require(try code() == nil, "an event within ten minutes was refused with the bound at ten minutes")
    }

    /// What a replica wrote down itself it takes back though its clock was ahead then, and goes on above it.
    static func ownPast() throws {
        let old = Document(origin: OriginID(rawValue: 9), now: { 5_000_000 })
        old.change { change in for value in 0..<3 { change.list("l").append(.int(Int64(value))) } }
        old.change { $0.list("l").move(from: 0, to: 2) }
        let opened = Document(origin: OriginID(rawValue: 9), now: { 1_000_000 })
        try require((try? opened.merge(old)) == nil, "a peer's stamps an hour ahead were taken")
        try opened.restore(old.history())
        opened.change { $0.list("l").move(from: 2, to: 0) }
        try require(opened.list("l").values == [0, 1, 2], "a move made after an older one lost against it: \(opened.list("l").values)")
    }
}
