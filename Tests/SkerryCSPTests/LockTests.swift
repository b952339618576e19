import SkerryCSP
import Testing

@Suite struct LockTests {
    @Test("no two threads are under a lock at once", arguments: [2, 8])
    func exclusion(taskCount: Int) async {
        let state = Locked((low: 0, high: 0))
        let rounds = 20_000
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<taskCount {
                group.addTask {
                    for _ in 0..<rounds {
                        state.withLock { state in
                            // A second thread inside would see the halves differ, or lose an addition.
                            precondition(state.low == state.high, "two threads were inside")
                            state.low += 1
                            state.high = state.low
                        }
                    }
                }
            }
        }
        #expect(state.withLock { $0.low } == taskCount * rounds)
    }

    @Test("a lock that is held is not given to one who only tries")
    func trying() {
        let state = Locked(1)
        #expect(state.withLock { _ in state.withLockIfAvailable { $0 } == nil })
        #expect(state.withLockIfAvailable { $0 } == 1)
    }

    @Test("the lock is free after a body that throws")
    func throwing() {
        struct Failure: Error {}
        let state = Locked(1)
        #expect(throws: Failure.self) { try state.withLock { _ in throw Failure() } }
        #expect(state.withLock { $0 } == 1)
    }

    @Test("state that cannot be copied is kept and let go")
    func nonCopyable() {
        final class Counter: Sendable {
            let count = Locked(0)
        }
        struct Token: ~Copyable {
            let counter: Counter
            deinit { counter.count.withLock { $0 += 1 } }
        }
        let counter = Counter()
        do {
            let state = Locked(Token(counter: counter))
            state.withLock { $0 = Token(counter: counter) }
            #expect(counter.count.withLock { $0 } == 1)
        }
        #expect(counter.count.withLock { $0 } == 2)
    }
}
