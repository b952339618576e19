import SkerryCRDT

@testable import SkerryGossip

/// The reference: a sorted array, and sums made anew for every question.
struct NaiveStore: RangeSummaryStore {
    typealias Failure = Never

    private(set) var entries: [WriteEntry] = []

    init(_ entries: [WriteEntry] = []) {
        for entry in entries { insert(entry.key, entry.digest) }
    }

    mutating func insert(_ key: WriteKey, _ digest: EntryDigest) {
        let index = position(key)
        if index < entries.count, entries[index].key == key {
            entries[index].digest = digest
        } else {
            entries.insert(WriteEntry(key: key, digest: digest), at: index)
        }
    }

    mutating func remove(_ key: WriteKey) {
        let index = position(key)
        if index < entries.count, entries[index].key == key { entries.remove(at: index) }
    }

    private func position(_ key: WriteKey) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// School arithmetic on bytes, so that it shares nothing with the limbs.
    func summary(of range: WriteRange) -> RangeSummary {
        var (count, sum): (UInt64, [UInt8]) = (0, Array(repeating: 0, count: 32))
        for entry in entries where range.contains(entry.key) {
            count += 1
            var carry = 0
            for (index, byte) in entry.digest.bytes.enumerated() {
                carry += Int(sum[index]) + Int(byte)
                sum[index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
        }
        return RangeSummary(count: count, sumBytes: sum)!
    }

    func key(at rank: UInt64) -> WriteKey? { rank < UInt64(entries.count) ? entries[Int(rank)].key : nil }

    func digest(of key: WriteKey) -> EntryDigest? {
        let index = position(key)
        return index < entries.count && entries[index].key == key ? entries[index].digest : nil
    }

    func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) {
        for entry in entries[position(range.lower)...] {
            guard range.contains(entry.key), body(entry) else { return }
        }
    }
}
