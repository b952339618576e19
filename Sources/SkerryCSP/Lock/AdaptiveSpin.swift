import CSkerryLock
public import Synchronization

/// A spin that learns whether it pays: watches a word that another processor may change within a microsecond.
///
/// Two tasks on two processors work through a channel at nearly the same speed, so that one finds it empty or full again and again, for less time than
/// the way to sleep and back takes. There a few pauses save the wait: 85 ns an element without them, 55 with them. Where both tasks
/// share a processor nothing can change while one watches; so each spin in vain cuts the next by a quarter, down to a single
/// pause, and one that paid restores the full length.
@usableFromInline
@frozen
struct AdaptiveSpin: ~Copyable, Sendable {
    /// Pauses at most: one to three microseconds, about what a switch of tasks costs.
    @usableFromInline static var roundsMaximum: Int32 { 64 }

    @usableFromInline let rounds = Atomic<Int32>(16)

    @inlinable
    init() {}

    /// Watches while the word is `value`. True when it changed.
    @usableFromInline
    borrowing func spin(while word: borrowing Atomic<Int>, is value: Int) -> Bool {
        let rounds = rounds.load(ordering: .relaxed)
        let hasChanged = withUnsafePointer(to: word) { pointer in
            skerry_spin_while(UnsafeRawPointer(pointer).assumingMemoryBound(to: Int.self), value, rounds) == 1
        }
        learn(from: rounds, hasPaid: hasChanged)
        return hasChanged
    }

    /// Watches until `condition` holds. True when it does.
    @inlinable
    borrowing func spin(until condition: () -> Bool) -> Bool {
        let rounds = rounds.load(ordering: .relaxed)
        var round: Int32 = 0
        while round < rounds {
            Self.pause()
            if condition() { break }
            round += 1
        }
        learn(from: rounds, hasPaid: round < rounds)
        return round < rounds
    }

    @usableFromInline
    static func pause() { skerry_pause() }

    @usableFromInline
    borrowing func learn(from rounds: Int32, hasPaid: Bool) {
        let next = hasPaid ? Self.roundsMaximum : max(1, rounds - (rounds + 3) / 4)
        if next != rounds { self.rounds.store(next, ordering: .relaxed) }
    }
}
