internal import Synchronization

/// Remembers which records were verified by this process: a set of fixed size that may forget but never invents.
///
/// An eight-way associative table of words, one cache line per set. A record is named exactly, by its pack and the 32-byte step its
/// first byte lies in (no two records share one: a header alone has 32 bytes), so a hit is always true. A full set drops an old entry,
/// which costs one more verification later. Memory is thus bounded whatever the store holds, where bits per pack would grow with it;
/// lookups are eight relaxed loads, no lock.
///
/// - Complexity: O(1) for both operations.
final class VerifiedRecords: Sendable {
    private static let ways = 8
    private static let granularity: UInt64 = UInt64(LogRecord.headerLength)
    /// Offsets of a pack, in steps, take the low bits.
    private static let offsetBits: UInt64 = 27

    // nonisolated(unsafe): allocated in init, freed in deinit, never reassigned; its elements are atomics.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Atomic<UInt64>>
    private let setCount: Int

    /// - Parameter capacity: records remembered, rounded up to a power of two; 8 bytes each.
    init(capacity: Int) {
        var count = 1
        while count * VerifiedRecords.ways < capacity { count *= 2 }
        setCount = count
        slots = .allocate(capacity: count * VerifiedRecords.ways)
        for index in 0..<count * VerifiedRecords.ways { (slots + index).initialize(to: Atomic(0)) }
    }

    deinit {
        slots.deinitialize(count: setCount * VerifiedRecords.ways)
        slots.deallocate()
    }

    func contains(_ position: LogPosition) -> Bool {
        guard let name = VerifiedRecords.name(of: position) else { return false }
        let set = firstSlot(of: name)
        return (set..<set + VerifiedRecords.ways).contains { slots[$0].load(ordering: .relaxed) == name }
    }

    func insert(_ position: LogPosition) {
        guard let name = VerifiedRecords.name(of: position), !contains(position) else { return }
        let set = firstSlot(of: name)
        for slot in set..<set + VerifiedRecords.ways {
            if slots[slot].compareExchange(expected: 0, desired: name, ordering: .relaxed).exchanged { return }
        }
        // The victim follows from the newcomer's own bits: as good as chance, and needs no shared state.
        let victim = set + Int(VerifiedRecords.mixed(name) >> 61)
        slots[victim].store(name, ordering: .relaxed)
    }

    /// nil beyond what a word can name (packs of over 4 GiB): such records are verified each time.
    private static func name(of position: LogPosition) -> UInt64? {
        let step = position.offset / granularity
        guard step < 1 << offsetBits, position.pack < 1 << (64 - offsetBits) else { return nil }
        return position.pack << offsetBits | step
    }

    private func firstSlot(of name: UInt64) -> Int {
        Int(truncatingIfNeeded: VerifiedRecords.mixed(name) & UInt64(setCount - 1)) * VerifiedRecords.ways
    }

    private static func mixed(_ name: UInt64) -> UInt64 {
        var generator = SplitMix64(seed: name)
        return generator.next()
    }
}
