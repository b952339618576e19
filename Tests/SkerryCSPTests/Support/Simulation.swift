import SkerryCSP
import Testing

/// Tasks on one thread, the next job picked at random from a seed: each seed is one schedule, and the same seed is the same schedule.
///
/// The thread is the one that calls ``run()``. When it returns, every task is done or waits for something that no task will do; so a test can say
/// "this waits" without a clock.
// The queue, the generator and the digest are under a lock; the rest is constant.
final class Simulation: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var generator: SplitMix
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        var steps = 0

        mutating func mix(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01B3 }
    }

    private let state: Locked<State>

    init(seed: some BinaryInteger) {
        state = Locked(State(generator: SplitMix(seed: seed)))
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Runs jobs until there are none.
    func run() {
        while let job = pick() { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// Runs at most `count` jobs. False when there were fewer.
    @discardableResult
    func run(steps count: Int) -> Bool {
        for _ in 0..<count {
            guard let job = pick() else { return false }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        return true
    }

    private func pick() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            let index = Int.random(in: state.jobs.indices, using: &state.generator)
            state.steps += 1
            state.mix(UInt64(state.jobs.count) << 32 | UInt64(index))
            state.jobs.swapAt(index, state.jobs.count - 1)
            return state.jobs.removeLast()
        }
    }

    /// A task of this simulation.
    @discardableResult
    func spawn<Success: Sendable>(_ body: @escaping @Sendable () async throws -> Success) -> Spawned<Success> {
        let spawned = Spawned<Success>()
        spawned.task.withLock { task in
            task = Task(executorPreference: self) { [spawned] in
                do {
                    let value = try await body()
                    spawned.result.withLock { $0 = .success(value) }
                } catch {
                    spawned.result.withLock { $0 = .failure(error) }
                }
            }
        }
        return spawned
    }

    /// A number from the seed.
    func random(in range: Range<Int>) -> Int {
        state.withLock { Int.random(in: range, using: &$0.generator) }
    }

    /// Adds something that happened to the digest.
    func record(_ value: Int) {
        state.withLock { $0.mix(UInt64(bitPattern: Int64(value))) }
    }

    /// Everything that happened, in one number.
    var digest: UInt64 { state.withLock(\.digest) }

    /// Jobs that ran.
    var steps: Int { state.withLock(\.steps) }
}

/// A task whose outcome can be looked at without waiting.
final class Spawned<Success: Sendable>: Sendable {
    fileprivate let task = Locked<Task<Void, Never>?>(nil)
    fileprivate let result = Locked<Result<Success, any Error>?>(nil)

    /// Nil while the task runs or waits.
    var outcome: Result<Success, any Error>? { result.withLock { $0 } }
    var isWaiting: Bool { outcome == nil }
    var error: (any Error)? {
        if case .failure(let error) = outcome { error } else { nil }
    }
    var value: Success {
        get throws {
            try #require(outcome, "the task still waits").get()
        }
    }

    func cancel() { task.withLock { $0?.cancel() } }
}

/// Seeds of the short form, which runs on every push, and of the long one (`SKERRY_SOAK=1`).
func seeds(_ count: Int, soak: Int) -> Range<Int> { 0..<(isSoaking ? soak : count) }
