import Synchronization

/// Blocks that were found unused, and since when. In memory only: a restart looks again.
///
/// A candidate was out of use all the time since it was found. Whoever takes a block into use again pins it first and lets go of the pin
/// when the commit that refers to it is visible; so a block whose pin was let go is a candidate no more, and one whose pin was let go
/// while a sweep ran does not become one by what that sweep had seen.
final class CollectorState: Sendable {
    /// Candidates remembered at once; the next sweep finds the others.
    static let candidatesMaximum = 200_000

    /// A block that nothing refers to.
    struct Unused: Sendable, Hashable {
        var name: BlockName
        var isManifest: Bool
    }

    private struct Candidate: Sendable {
        var isManifest: Bool
        /// The reader epoch in which it was found.
        var epoch: UInt64
        /// Milliseconds since 1970.
        var since: UInt64
    }

    private struct State: Sendable {
        var candidates: [BlockName: Candidate] = [:]
        /// Blocks whose pins were let go since the sweep began; nil when none runs. At most ``candidatesMaximum``.
        var released: Set<BlockName>?
        /// More were let go than are remembered: the sweep finds nothing.
        var hasLostTrack = false
        /// Bytes of removals that must be kept, in packs that were read for them.
        var keptBytes: [UInt64: UInt64] = [:]
    }

    private let state = Mutex(State())
    /// One collection at a time.
    private let isRunning = Atomic(false)

    func begin() -> Bool { !isRunning.exchange(true, ordering: .acquiring) }

    func end() {
        state.withLock { $0.released = nil }
        isRunning.store(false, ordering: .releasing)
    }

    func beginSweep() {
        state.withLock { state in
            state.released = []
            state.hasLostTrack = false
        }
    }

    /// Pins of the blocks were let go: they may have come into use.
    func released(_ names: [BlockName]) {
        state.withLock { state in
            for name in names { state.candidates[name] = nil }
            guard let count = state.released?.count else { return }
            if count + names.count > CollectorState.candidatesMaximum {
                state.hasLostTrack = true
            } else {
                state.released?.formUnion(names)
            }
        }
    }

    /// Takes the result of the sweep: forgets who is used again, remembers who is newly unused.
    func update(unused: [Unused], epoch: UInt64, now: UInt64) {
        state.withLock { state in
            let released = state.released ?? []
            var next: [BlockName: Candidate] = [:]
            for block in unused where !state.hasLostTrack && !released.contains(block.name) {
                next[block.name] = state.candidates[block.name] ?? Candidate(isManifest: block.isManifest, epoch: epoch, since: now)
            }
            state.candidates = next
            state.released = nil
        }
    }

    /// Those that may go: unused for `grace` milliseconds, and found in an epoch without readers. Sorted, so that runs are repeatable.
    func ripe(now: UInt64, grace: UInt64, isQuiet: (UInt64) -> Bool) -> [Unused] {
        let candidates = state.withLock { $0.candidates }
        let quiet = Set(candidates.values.map(\.epoch)).filter(isQuiet)
        return candidates.filter { quiet.contains($0.value.epoch) && $0.value.since + grace <= now }
            .map { Unused(name: $0.key, isManifest: $0.value.isManifest) }
            .sorted { ($0.name.tenant, $0.name.digest) < ($1.name.tenant, $1.name.digest) }
    }

    func isCandidate(_ name: BlockName) -> Bool { state.withLock { $0.candidates[name] != nil } }

    /// Bytes of the pack that live without a row, when it was read for them. They become less with time, never more.
    func keptBytes(of pack: UInt64) -> UInt64? { state.withLock { $0.keptBytes[pack] } }
    func setKeptBytes(_ count: UInt64?, of pack: UInt64) { state.withLock { $0.keptBytes[pack] = count } }

    func forget(_ names: [BlockName]) {
        state.withLock { state in
            for name in names { state.candidates[name] = nil }
        }
    }
}
