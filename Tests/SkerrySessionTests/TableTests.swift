import Testing

@testable import SkerrySession

@Suite("Tables")
struct TableTests {
    @Test(
        "the timer wheel expires what a sorted list would, at the first tick behind the deadline", arguments: 1...8 as ClosedRange<UInt64>)
    func wheel(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var wheel = TimerWheel(now: .zero)
        var model: [Int: Moment] = [:]
        var now = Moment.zero
        let tick = SessionLimits.deadlineTick
        for _ in 0..<3_000 {
            switch generator.below(4) {
            case 0, 1:
                let entry = Int(generator.below(200))
                guard model[entry] == nil else { continue }
                let deadline = now + .milliseconds(Int(generator.below(generator.chance(0.2) ? 60_000 : 200)))
                model[entry] = deadline
                wheel.set(entry, at: deadline)
            case 2:
                let entry = Int(generator.below(220))
                model[entry] = nil
                wheel.clear(entry)
            default:
                let due = wheel.nextDue
                if let first = model.values.min() { #expect(due <= max(first, now) + tick + tick, "never late") }
                now = now + .milliseconds(Int(generator.below(generator.chance(0.05) ? 5_000 : 40)))
                var expired: [Int] = []
                wheel.advance(to: now, into: &expired)
                for entry in expired {
                    #expect(model[entry].map { $0 <= now } == true, "none early, none twice")
                    model[entry] = nil
                }
                #expect(model.values.allSatisfy { $0 + tick + tick > now }, "none missed")
            }
            #expect(wheel.count == model.count)
        }
        wheel.clearAll()
        #expect(wheel.count == 0 && wheel.nextDue == .distantFuture)
    }

    @Test("the byte queue holds what an array would", arguments: 1...4 as ClosedRange<UInt64>)
    func byteQueue(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = ByteQueue()
        var model: [UInt8] = []
        for round in 0..<2_000 {
            switch generator.below(5) {
            case 0:
                let count = Int(generator.below(UInt64(model.count + 1)))
                model.removeFirst(count)
                queue.removeFirst(count)
            case 1:
                let value = generator.next() >> generator.below(64)
                model.append(integer: value)
                queue.append(integer: value)
            case 2:
                let value = generator.next() >> generator.below(64)
                model.append(decimal: value)
                queue.append(decimal: value)
            default:
                let bytes = (0..<generator.below(200)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                model += bytes
                bytes.withUnsafeBytes { queue.append($0) }
            }
            if round % 10 == 0 { #expect([UInt8](queue.bytes) == model) }
            #expect(queue.count == model.count)
        }
    }

    @Test("a value of JSON is passed exactly when it is one")
    func json() {
        func passes(_ text: String, depth: Int = 64) -> Bool {
            var text = text
            return text.withUTF8 {
                var cursor = TextCursor(UnsafeRawBufferPointer($0))
                return cursor.skipValue(depth: depth) && cursor.offset == $0.count
            }
        }
        for good in [
            "0", "-0", "12.5e-3", "1E+2", "true", "false", "null", "\"\"", "\"\\u00e9\\n\\\\\"", "[]", "{}", "[1,[2,{}],\"a\"]",
            "{\"a\":{\"b\":[]},\"c\":1}",
            " [ 1 , 2 ]", "{ \"a\" : 1 }", String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
        ] { #expect(passes(good), "\(good)") }
        for bad in [
            "", "01", "1.", ".5", "1e", "+1", "tru", "nul", "\"", "\"\\x\"", "\"\\u12\"", "\"\n\"", "[", "[1", "[1,]", "[,1]", "{\"a\"}",
            "{\"a\":}", "{a:1}", "{\"a\":1,}",
            "]", "[}", "{]", String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
        ] { #expect(!passes(bad), "\(bad)") }
    }
}

@Suite("Reply cache")
struct ReplyCacheTests {
    private func key(_ number: UInt64, caller: UInt8 = 1) -> ReplyCache.Key {
        ReplyCache.Key(caller: [UInt8](repeating: caller, count: 32), request: RequestID(high: 0, low: number))
    }

    private func reply(_ text: String) -> ReplyCache.Reply { ReplyCache.Reply(format: .cbor, payload: Array(text.utf8)) }

    @Test("N-29: a durable call is executed once; attempts meanwhile wait, later ones get the same reply, other callers have their own")
    func once() {
        var cache = ReplyCache()
        #expect(cache.begin(key(1), now: 0) == .execute)
        #expect(cache.begin(key(1), now: 1) == .running)
        #expect(cache.begin(key(1, caller: 2), now: 1) == .execute)
        let record = cache.complete(key(1), reply: reply("done"), now: 2)
        #expect(record?.expiry == Int64(86_400_002))
        #expect(cache.begin(key(1), now: 3) == .replay(reply("done")))
        #expect(cache.complete(key(1), reply: reply("again"), now: 4) == nil)
        cache.abandon(key(1, caller: 2))
        #expect(cache.begin(key(1, caller: 2), now: 5) == .execute)
    }

    @Test("N-29: what a store kept outlives a restart, and what has expired is forgotten")
    func restart() {
        var cache = ReplyCache(expiry: .seconds(10))
        var stored: [ReplyCache.Record] = []
        for number in 0..<20 as Range<UInt64> {
            _ = cache.begin(key(number), now: Int64(number) * 1_000)
            cache.complete(key(number), reply: reply("\(number)"), now: Int64(number) * 1_000).map { stored.append($0) }
        }
        var restarted = ReplyCache(expiry: .seconds(10))
        restarted.restore(stored.reversed(), now: 15_000)
        #expect(restarted.begin(key(19), now: 15_000) == .replay(reply("19")))
        #expect(restarted.begin(key(2), now: 15_000) == .execute)
        #expect(restarted.forgetExpired(now: 18_500) == [key(6), key(7), key(8)])
        #expect(restarted.begin(key(7), now: 18_500) == .execute)
    }

    @Test("entries and bytes are bounded; the oldest replies go first, calls under way never")
    func bounds() {
        var cache = ReplyCache(capacity: 10, byteCapacity: 2_000)
        #expect(cache.begin(key(1_000), now: 0) == .execute)
        for number in 0..<50 as Range<UInt64> {
            #expect(cache.begin(key(number), now: 0) == .execute)
            #expect(cache.complete(key(number), reply: reply(String(repeating: "x", count: 100)), now: 0) != nil)
            #expect(cache.count <= 10 && cache.byteCount <= 2_000)
        }
        #expect(cache.begin(key(49), now: 1) != .execute && cache.begin(key(10), now: 1) == .execute)
        #expect(cache.begin(key(1_000), now: 1) == .running)
        #expect(cache.complete(key(1_000), reply: reply(String(repeating: "x", count: 5_000)), now: 1) == nil, "larger than the cache")
        var full = ReplyCache(capacity: 2)
        #expect(full.begin(key(1), now: 0) == .execute && full.begin(key(2), now: 0) == .execute && full.begin(key(3), now: 0) == .full)
    }
}
