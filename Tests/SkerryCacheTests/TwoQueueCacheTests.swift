import SkerryCache
import Testing

@Suite struct TwoQueueCacheTests {
    @Test("H-01, H-10: agrees with the paper's algorithm on arrays", arguments: 1...8 as ClosedRange<UInt64>)
    func agreesWithModel(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let capacity = [0, 1, 10, 64, 100, 257, 1000, 4000][Int(seed) - 1]
        let ghostMaximum = [5, 0, 3, 8, 100, 16, 2, 1000][Int(seed) - 1]
        var cache = TwoQueueCache<Int, Int>(capacity: capacity, ghostMaximum: ghostMaximum)
        var model = TwoQueueModel(capacity: capacity, ghostMaximum: ghostMaximum)
        for step in 0..<8_000 {
            let key = Int.random(in: 0..<Int.random(in: 1...120, using: &random), using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: #expect(cache.value(for: key) == model.value(for: key))
            case 4..<9:
                let charge = Int.random(in: 1...(step % 50 == 0 ? 300 : 30), using: &random)
                #expect(cache.insert(step, for: key, charge: charge) == model.insert(step, for: key, charge: charge))
            default:
                cache.invalidate(key)
                model.invalidate(key)
            }
            cache.checkInvariants()
            #expect(cache.charge == model.charge)
            #expect(cache.count == model.a1In.count + model.am.count)
            #expect(cache.ghostCount == model.a1Out.count)
        }
        for key in 0..<120 { #expect(cache.peek(key) == (model.a1In + model.am).first { $0.key == key }?.value) }
    }

    @Test("H-08: a scan of new keys leaves proven keys where they are") func scan() {
        var cache = TwoQueueCache<Int, Int>(capacity: 1000)
        // Seen, pushed out of a1In by others, and seen again: proven.
        for key in 0..<100 { cache.insert(key, for: key, charge: 5) }
        for key in 1000..<1200 { cache.insert(key, for: key, charge: 5) }
        for key in 0..<100 where cache.value(for: key) == nil { cache.insert(key, for: key, charge: 5) }
        for key in 10_000..<60_000 { cache.insert(key, for: key, charge: 5) }
        for key in 0..<100 { #expect(cache.peek(key) == key) }
        cache.checkInvariants()
    }

    @Test func `beats least recently used on skewed keys with scans between them`() {
        var random = SplitMix(seed: 2024)
        let zipf = Zipf(count: 20_000, exponent: 0.9)
        let capacity = 1_000
        var cache = TwoQueueCache<Int, Int>(capacity: capacity)
        var plain = LRUCache(capacity: capacity)
        var (hits, plainHits, asked) = (0, 0, 0)
        func access(_ key: Int) -> (Bool, Bool) {
            let hit = cache.value(for: key) != nil
            if !hit { cache.insert(key, for: key, charge: 1) }
            return (hit, plain.access(key))
        }
        var scanned = 100_000
        for round in 0..<200_000 {
            let (hit, plainHit) = access(zipf.sample(using: &random))
            asked += 1
            hits += hit ? 1 : 0
            plainHits += plainHit ? 1 : 0
            guard round % 5_000 == 4_999 else { continue }
            for _ in 0..<2_000 {
                _ = access(scanned)
                scanned += 1
            }
        }
        let (rate, plainRate) = (Double(hits) / Double(asked), Double(plainHits) / Double(asked))
        #expect(rate > plainRate + 0.05, "2Q \(rate), LRU \(plainRate)")
    }

    @Test func `hits in a1In prove nothing`() {
        var cache = TwoQueueCache<Int, Int>(capacity: 100)
        cache.insert(1, for: 1, charge: 10)
        for _ in 0..<50 { #expect(cache.value(for: 1) == 1) }
        for key in 2..<12 { cache.insert(key, for: key, charge: 10) }
        #expect(cache.peek(1) == nil)
    }

    @Test("H-09: an entry larger than the cache is refused and what stood there is gone") func tooLarge() {
        var cache = TwoQueueCache<String, Int>(capacity: 100)
        #expect(cache.insert(1, for: "a", charge: 100) == true)
        #expect(cache.insert(2, for: "a", charge: 101) == false)
        #expect(cache.peek("a") == nil)
        #expect(cache.charge == 0)
        cache.checkInvariants()
    }

    @Test func `charges below one count as one, so ghosts stay bounded`() {
        var cache = TwoQueueCache<Int, Int>(capacity: 64, ghostMaximum: 8)
        for key in 0..<1000 { cache.insert(key, for: key, charge: -5) }
        #expect(cache.count == 64)
        #expect(cache.ghostCount == 8)
    }

    @Test func `a proven key that was invalidated is proven at once when it comes back`() {
        var cache = TwoQueueCache<Int, Int>(capacity: 100)
        cache.insert(0, for: 0, charge: 10)
        for key in 1..<12 { cache.insert(key, for: key, charge: 10) }
        cache.insert(0, for: 0, charge: 10)
        #expect(cache.invalidate(0) == 0)
        #expect(cache.value(for: 0) == nil)
        cache.insert(1, for: 0, charge: 10)
        for key in 100..<200 { cache.insert(key, for: key, charge: 10) }
        #expect(cache.peek(0) == 1)
    }

    @Test func `a copy goes its own way`() {
        var cache = TwoQueueCache<Int, Int>(capacity: 10)
        cache.insert(1, for: 1, charge: 1)
        var copy = cache
        copy.insert(2, for: 1, charge: 1)
        cache.removeAll()
        #expect(cache.count == 0)
        #expect(copy.peek(1) == 2)
    }
}

/// Keys of which the k-th most frequent is asked for in proportion to k^-exponent.
private struct Zipf {
    private let cumulated: [Double]

    init(count: Int, exponent: Double) {
        var sum = 0.0
        var power = 0.0
        cumulated = (1...count).map { rank in
            // The product of (1 - s/j) falls as rank^-s does.
            power = rank == 1 ? 1 : power * (1 - exponent / Double(rank))
            sum += power
            return sum
        }
    }

    func sample(using random: inout SplitMix) -> Int {
        let target = Double.random(in: 0..<(cumulated.last ?? 0), using: &random)
        var (low, high) = (0, cumulated.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulated[middle] > target { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
