import Synchronization

/// Blocks that were found unused, and since when. In memory only: a restart looks again.
final class CollectorState: Sendable {
    /// Candidates remembered at once; the next sweep finds the others.
    static let candidatesMaximum = 200_000

    struct Candidate: Sendable {
        /// The reader epoch in which it was found.
        var epoch: UInt64
        /// Milliseconds since 1970.
        var since: UInt64
    }

    private let candidates = Mutex<[BlockName: Candidate]>([:])
    /// One collection at a time.
    private let isRunning = Atomic(false)

    func begin() -> Bool { !isRunning.exchange(true, ordering: .acquiring) }
    func end() { isRunning.store(false, ordering: .releasing) }

    /// Takes the result of a sweep: forgets who is used again, remembers who is newly unused.
    func update(unused: [BlockName], epoch: UInt64, now: UInt64) {
        candidates.withLock { candidates in
            var next: [BlockName: Candidate] = [:]
            for name in unused { next[name] = candidates[name] ?? Candidate(epoch: epoch, since: now) }
            candidates = next
        }
    }

    /// Those that may go: unused for `grace` milliseconds, and found in an epoch without readers. Sorted, so that runs are repeatable.
    func ripe(now: UInt64, grace: UInt64, isQuiet: (UInt64) -> Bool) -> [BlockName] {
        let candidates = candidates.withLock { $0 }
        let quiet = Set(candidates.values.map(\.epoch)).filter(isQuiet)
        return candidates.filter { quiet.contains($0.value.epoch) && $0.value.since + grace <= now }.keys
            .sorted { ($0.tenant, $0.digest) < ($1.tenant, $1.digest) }
    }

    func forget(_ names: [BlockName]) {
        candidates.withLock { candidates in
            for name in names { candidates[name] = nil }
        }
    }
}
