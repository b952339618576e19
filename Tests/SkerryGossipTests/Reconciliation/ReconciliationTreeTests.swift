import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("The tree of counts and sums")
struct ReconciliationTreeTests {
    @Test("agrees with a sorted array through insertions, replacements and removals", arguments: 1...12 as ClosedRange<UInt64>)
    func model(_ seed: UInt64) {
        var draws = Draws(seed)
        var tree = ReconciliationTree()
        var model = NaiveStore()
        let span = [20, 500, 100_000][draws.below(3)]
        // Grows, shrinks to nothing, grows again.
        for phase in 0..<4 {
            for step in 0..<700 {
                change(&tree, &model, &draws, span: span, grows: phase % 2 == 0)
                if step % 97 == 0 { compare(tree, model, &draws, span) }
            }
            tree.checkInvariants()
        }
        while let entry = model.entries.last {
            let removed = tree.remove(entry.key)
            #expect(removed == entry.digest)
            model.remove(entry.key)
        }
        tree.checkInvariants()
        let total = tree.total
        #expect(total == RangeSummary())
    }

    private func change(
        _ tree: inout ReconciliationTree, _ model: inout NaiveStore, _ draws: inout Draws, span: Int, grows: Bool
    ) {
        if draws.chance(grows ? 90 : 15) {
            let (key, digest) = (draws.key(span: span, origins: 5), draws.digest())
            let old = model.digest(of: key)
            let insertion = tree.insert(key, digest)
            #expect(insertion == (old.map { .replaced($0) } ?? .inserted))
            let again = tree.insert(key, digest)
            #expect(again == .unchanged)
            model.insert(key, digest)
        } else {
            let key =
                model.entries.isEmpty || draws.chance(10)
                ? draws.key(span: span, origins: 9)
                : model.entries[draws.below(model.entries.count)].key
            let removed = tree.remove(key)
            #expect(removed == model.digest(of: key))
            model.remove(key)
        }
    }

    private func compare(_ tree: borrowing ReconciliationTree, _ model: NaiveStore, _ draws: inout Draws, _ span: Int) {
        for _ in 0..<6 {
            let bounds = [draws.key(span: span, origins: 6), draws.key(span: span, origins: 6)].sorted()
            let range = WriteRange(lower: draws.chance(20) ? .first : bounds[0], upper: draws.chance(20) ? nil : bounds[1])
            let summary = tree.summary(of: range)
            #expect(summary == model.summary(of: range))
            let rank = UInt64(draws.below(model.entries.count + 2))
            let key = tree.key(at: rank)
            #expect(key == model.key(at: rank))
            let digest = tree.digest(of: bounds[0])
            #expect(digest == model.digest(of: bounds[0]))
            var (seen, expected): ([WriteEntry], [WriteEntry]) = ([], [])
            tree.visit(range) {
                seen.append($0); return seen.count < 150
            }
            model.visit(range) {
                expected.append($0); return expected.count < 150
            }
            #expect(seen == expected)
        }
    }

    @Test("holds entries of time order in full leaves, and of any order in half full ones at least")
    func memory() {
        var draws = Draws(1)
        var ordered = ReconciliationTree()
        var scattered = ReconciliationTree()
        let origin = OriginID(rawValue: 7)
        for index in 0..<40_000 as Range<UInt64> {
            ordered.insert(WriteKey(stamp: HybridTimestamp(rawValue: index), origin: origin, sequence: index), draws.digest())
            scattered.insert(WriteKey(stamp: HybridTimestamp(rawValue: draws.next()), origin: origin, sequence: index), draws.digest())
        }
        ordered.checkInvariants()
        scattered.checkInvariants()
        let (full, half) = (Double(ordered.bytesAllocated) / 40_000, Double(scattered.bytesAllocated) / 40_000)
        #expect(full < 54, "\(full) bytes an entry")
        #expect(half < 90, "\(half) bytes an entry")
    }

    @Test("refuses what does not fit its entries, and stays as it was")
    func refusal() {
        var tree = ReconciliationTree()
        let key = WriteKey(stamp: .zero, origin: OriginID(rawValue: 1), sequence: ReconciliationTree.sequenceLimit)
        let (insertion, removal) = (tree.insert(key, Draws.digestOfNothing), tree.remove(key))
        #expect(insertion == .refused && removal == nil)
        let count = tree.count
        #expect(count == 0)
        tree.checkInvariants()
    }

    @Test("a digest made of a key and a content covers both")
    func digests() {
        let key = WriteKey(stamp: HybridTimestamp(rawValue: 5), origin: OriginID(rawValue: 6), sequence: 7)
        let digest = EntryDigest(key: key, content: [1, 2])
        #expect(digest != EntryDigest(key: key.successor, content: [1, 2]))
        #expect(digest != EntryDigest(key: key, content: [1, 3]))
        #expect(EntryDigest(bytes: digest.bytes) == digest)
        #expect(EntryDigest(bytes: [1]) == nil)
    }
}

extension Draws {
    static var digestOfNothing: EntryDigest { EntryDigest(limbs: Limbs(0, 0, 0, 0)) }
}
