import SkerryCache
import Synchronization
import Testing

@Suite struct CoalescingCacheTests {
    private func makeCache<Value>(_ type: Value.Type = Int.self) -> CoalescingCache<String, Value> {
        CoalescingCache(capacity: 1 << 20, shardCount: 4) { key, _ in key.utf8.count + 8 }
    }

    private struct Broken: Error, Equatable {}

    @Test("H-03: many misses at once load once") func coalescing() async throws {
        let cache = makeCache()
        let loads = Shared(0)
        let gate = Gate()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await cache.load("a") {
                        loads.state.withLock { $0 += 1 }
                        await gate.wait()
                        return 7
                    }
                }
            }
            await gate.open()
            for try await value in group { #expect(value == 7) }
        }
        #expect(loads.state.withLock { $0 } == 1)
        #expect(cache.value(for: "a") == 7)
    }

    @Test("H-04: an error goes to all who wait and is not kept") func failing() async throws {
        let cache = makeCache()
        let begun = Gate()
        let gate = Gate()
        let first = Task {
            try await cache.load("a") {
                await begun.open()
                await gate.wait()
                throw Broken()
            }
        }
        await begun.wait()
        // Joins: its own loader would give a value.
        let second = Task { try await cache.load("a") { 1 } }
        try await until("the second one joins the load") { cache.waiterCount(of: "a") > 0 }
        await gate.open()
        await #expect(throws: Broken()) { try await first.value }
        await #expect(throws: Broken()) { try await second.value }
        #expect(try await cache.load("a") { 2 } == 2)
    }

    @Test func `when the loading task is cancelled another loads in its place`() async throws {
        let cache = makeCache()
        let begun = Gate()
        let leader = Task {
            try await cache.load("a") {
                await begun.open()
                try await Task.sleep(for: .seconds(3600))
                return 1
            }
        }
        await begun.wait()
        let follower = Task { try await cache.load("a") { 2 } }
        try await until("the second one joins the load") { cache.waiterCount(of: "a") > 0 }
        leader.cancel()
        #expect(try await follower.value == 2)
        await #expect(throws: CancellationError.self) { try await leader.value }
        #expect(cache.value(for: "a") == 2)
    }

    @Test func `a cancelled waiter leaves at once and the load goes on`() async throws {
        let cache = makeCache()
        let begun = Gate()
        let gate = Gate()
        async let first = cache.load("a") {
            await begun.open()
            await gate.wait()
            return 1
        }
        await begun.wait()
        let waiter = Task { try await cache.load("a") { 2 } }
        try await until("the second one joins the load") { cache.waiterCount(of: "a") > 0 }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        let cancelledBefore = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await cache.load("a") { 3 }
        }
        await #expect(throws: CancellationError.self) { try await cancelledBefore.value }
        await gate.open()
        #expect(try await first == 1)
    }

    @Test func `a load overtaken by an update leaves the update in place`() async throws {
        let cache = makeCache()
        let old = try await cache.load("a") {
            cache.update("a", to: 2)
            return 1
        }
        #expect(old == 1)
        #expect(cache.value(for: "a") == 2)
        cache.invalidate("a")
        #expect(try await cache.load("a") { 3 } == 3)
    }

    @Test func `negative answers are kept where the value is optional`() async throws {
        let cache = makeCache(Int?.self)
        #expect(try await cache.load("a") { nil } == nil)
        #expect(cache.value(for: "a") == .some(nil))
        #expect(try await cache.load("a") { 1 } == nil)
        cache.update("a", to: 5)
        #expect(cache.value(for: "a") == .some(5))
    }

    @Test func `readers and writers on threads never see a value go back`() async throws {
        let cache = CoalescingCache<Int, Int>(capacity: 1 << 16, shardCount: 2) { _, _ in 64 }
        let truth = Shared([Int](repeating: 0, count: 16))
        await withTaskGroup(of: Void.self) { group in
            for key in 0..<16 {
                group.addTask {
                    for value in 1...500 {
                        truth.state.withLock { $0[key] = value }
                        if value % 2 == 0 { cache.invalidate(key) } else { cache.update(key, to: value) }
                        // What was reported done is seen by every read that begins now.
                        let seen = try? await cache.load(key) { truth.state.withLock { $0[key] } }
                        #expect(seen == value)
                    }
                }
                group.addTask {
                    var last = 0
                    for _ in 0..<500 {
                        let seen =
                            (try? await cache.load(key) {
                                let value = truth.state.withLock { $0[key] }
                                await Task.yield()
                                return value
                            }) ?? -1
                        #expect(seen >= last)
                        last = seen
                    }
                }
            }
        }
        for key in 0..<16 { #expect(cache.value(for: key) ?? 500 == 500) }
    }

    @Test func `the shares of the shards bound the whole`() {
        let cache = CoalescingCache<Int, Int>(capacity: 10_000, shardCount: 8) { _, _ in 100 }
        for key in 0..<5_000 { cache.update(key, to: key) }
        #expect(cache.charged <= 10_000)
        #expect(cache.count >= 80)
        cache.invalidateAll()
        #expect(cache.count == 0)
    }
}

/// State that several tasks change.
private final class Shared<State: Sendable>: Sendable {
    let state: Mutex<State>

    init(_ state: State) {
        self.state = Mutex(state)
    }
}

/// A door that opens once.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if isOpen { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting.removeAll()
    }
}
