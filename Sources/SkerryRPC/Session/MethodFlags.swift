import Synchronization

/// A set of methods by ``MethodDescriptor/slot``, that grows, and is asked without a lock.
// The words are atomic, and their place does not change as long as the object lives.
final class MethodFlags: @unchecked Sendable {
    /// Methods beyond these are never found in it; whoever asks has another way to know.
    static let capacity = 1_024
    private static let bitsPerWord = 64

    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        words = .allocate(capacity: Self.capacity / Self.bitsPerWord)
        for index in 0..<Self.capacity / Self.bitsPerWord { (words + index).initialize(to: Atomic(0)) }
    }

    deinit {
        words.deinitialize(count: Self.capacity / Self.bitsPerWord)
        words.deallocate()
    }

    func contains(_ slot: Int) -> Bool {
        guard slot < Self.capacity else { return false }
        return words[slot / Self.bitsPerWord].load(ordering: .relaxed) & 1 << UInt64(slot % Self.bitsPerWord) != 0
    }

    func insert(_ slot: Int) {
        guard slot < Self.capacity else { return }
        words[slot / Self.bitsPerWord].bitwiseOr(1 << UInt64(slot % Self.bitsPerWord), ordering: .relaxed)
    }
}
