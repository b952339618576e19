internal import SkerryCRDT
internal import SkerryGossip

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `bench-gossip [ENTRIES]`: one node writes entries with keys of 30 bytes and values of 40, another takes them from its frames.
///
/// Measured is the taking side alone: decoding, checking stamps, digests and links, the clock, the memory store without a log of bytes, acknowledgements. Prints medians of five
/// turns and lines `figure gossip.NAME VALUE UNIT bar BAR ok|short`. CPU time of the one thread.
@main
enum BenchGossip {
    static func main() {
        let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 200_000 : 200_000
        var rates: [Double] = []
        var ratios: [Double] = []
        for _ in 0..<5 {
            var turn = Turn(count: count)
            let (rate, ratio) = turn.run()
            rates.append(rate)
            ratios.append(ratio)
        }
        rates.sort()
        ratios.sort()
        let (rate, ratio) = (rates[rates.count / 2], ratios[ratios.count / 2])
        print("entries applied: \(Int(rates[0])) … \(Int(rate)) … \(Int(rates[rates.count - 1])) a second, \(count) entries a turn")
        print("figure gossip.applied \(Int(rate)) entries/s bar >= 500000 \(rate >= 500_000 ? "ok" : "short")")
        print("figure gossip.wire \(Double(Int(ratio * 1000)) / 1000) x payload bar <= 1.1 \(ratio <= 1.1 ? "ok" : "short")")
        var steady = Turn(count: 10_000)
        let (_, steadyRatio) = steady.run(perTick: 10)
        print(
            "figure gossip.wire-steady \(Double(Int(steadyRatio * 1000)) / 1000) x payload bar <= 1.1 \(steadyRatio <= 1.1 ? "ok" : "short")"
        )
        Memory.measure()
    }
}

/// A node and what it still has to do.
struct Node {
    var core: FeedCore
    var store: MemoryFeedStore
    var actions: [FeedAction] = []
    var outbox: [[UInt8]] = []

    init(_ number: UInt64, _ now: FeedInstant) {
        core = FeedCore(identity: FeedIdentity(cluster: 1, site: number, origin: OriginID(rawValue: number), epoch: 1), now: now)
        store = MemoryFeedStore(log: number, keepsBytes: false)
    }

    mutating func perform(_ now: FeedInstant) {
        var next = 0
        while next < actions.count {
            let action = actions[next]
            next += 1
            switch action {
            case .send(_, let bytes): outbox.append(bytes)
            case .persist(let batch):
                store.append(batch)
                core.persisted(batch.ticket, now: now, into: &actions)
            case .read(let read):
                var rows: [[FeedEntry]] = []
                for start in read.starts { rows.append(store.read(start.origin, from: start.sequence, charge: read.charge)) }
                core.supply(rows, for: read, now: now, into: &actions)
            case .readLink(let query): core.supply(link: nil, for: query, now: now, into: &actions)
            case .report: break
            }
        }
        actions.removeAll(keepingCapacity: true)
    }

    mutating func receive(_ messages: [[UInt8]], _ now: FeedInstant) {
        for message in messages {
            message.withUnsafeBytes { core.receive($0, from: FeedPeerID(rawValue: 0), now: now, into: &actions) }
            perform(now)
        }
    }
}

struct Turn {
    let count: Int
    var now = FeedInstant(wall: 1_700_000_000_000, monotonic: 0)

    /// Entries a second of CPU time, and bytes both ways by bytes of keys and values.
    ///
    /// - Parameter perTick: how many are written before they are carried over; nil for all.
    mutating func run(perTick: Int? = nil) -> (rate: Double, ratio: Double) {
        var (source, target) = (Node(1, now), Node(2, now))
        try? source.core.attach(FeedPeerID(rawValue: 0), session: 1, isOrdered: true, gathers: true, now: now, into: &source.actions)
        source.perform(now)
        try? target.core.attach(FeedPeerID(rawValue: 0), session: 2, isOrdered: true, gathers: true, now: now, into: &target.actions)
        target.perform(now)
        for _ in 0..<4 { exchange(&source, &target) }
        let sent = source.core.statistics.bytesSent + target.core.statistics.bytesSent
        var nanoseconds: UInt64 = 0
        var next = 0
        while next < count {
            let end = min(count, next + (perTick ?? count))
            write(next..<end, &source)
            next = end
            if perTick != nil { nanoseconds += exchange(&source, &target) }
        }
        while target.core.statistics.entriesApplied < UInt64(count) { nanoseconds += exchange(&source, &target) }
        let bytes = source.core.statistics.bytesSent + target.core.statistics.bytesSent - sent
        return (Double(count) * 1e9 / Double(max(1, nanoseconds)), Double(bytes) / Double(count * 70))
    }

    private mutating func write(_ numbers: Range<Int>, _ source: inout Node) {
        let value = [UInt8](repeating: 0x61, count: 40)
        for number in numbers {
            if number % 100 == 0 { now = FeedInstant(wall: now.wall + 1, monotonic: now.monotonic) }
            var key = Array("objects/some/prefix/".utf8)
            for place in stride(from: 9, through: 0, by: -1) { key.append(UInt8(48 + number / Self.powers[place] % 10)) }
            do throws(FeedError) {
                try source.core.publish(.write, key: key, value: value, now: now, into: &source.actions)
            } catch {
                print("bench-gossip: \(error)")
                exit(1)
            }
            source.perform(now)
        }
    }

    private static let powers = (0..<10).map { place in (0..<place).reduce(1) { power, _ in power * 10 } }

    /// Carries what waits, both ways; the CPU nanoseconds of the target.
    @discardableResult
    private mutating func exchange(_ source: inout Node, _ target: inout Node) -> UInt64 {
        now = FeedInstant(wall: now.wall, monotonic: now.monotonic + 50)
        let out = source.outbox
        source.outbox = []
        let start = Self.cpu()
        target.receive(out, now)
        target.core.tick(now: now, into: &target.actions)
        target.perform(now)
        let spent = Self.cpu() - start
        let back = target.outbox
        target.outbox = []
        source.receive(back, now)
        source.core.tick(now: now, into: &source.actions)
        source.perform(now)
        return spent
    }

    private static func cpu() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
