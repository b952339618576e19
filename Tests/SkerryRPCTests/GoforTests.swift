import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("gofor", .timeLimit(.minutes(1)))
struct GoforTests {
    struct Broken: Error, Equatable { var name: String }

    @Test("Y-01: groups follow one another, and the calls of a group run in parallel and give their values with their types")
    func groups() async throws {
        let pair = try await SessionPair.withArith()
        let arith = pair.arith
        let (number, flag) = try await gofor {
            Binding("number") { try await arith.plus(40, 1) }
            Binding("flag") { try await arith.areEqual(Point(x: 0, y: 0), Point(x: 0, y: 0)) }
        }
        let next = try await gofor { Binding("next") { try await arith.succ(number) } }
        #expect(next == 42 && flag)
        await pair.close()
    }

    @Test("Y-01: a group begins all its calls before any has to end: it takes the longest, not the sum")
    func parallel() async throws {
        // Each waits for the other two: one after the other they would wait for ever.
        let gates = [Gate(), Gate(), Gate()]
        @Sendable func meet(_ mine: Int) async -> Int {
            gates[mine].open()
            for gate in gates { await gate.wait() }
            return mine
        }
        let values = try await gofor {
            Binding("a") { await meet(0) }
            Binding("b") { await meet(1) }
            Binding("c") { await meet(2) }
        }
        #expect(values == (0, 1, 2))
    }

    @Test("Y-02: the default timeout of a group is 30 seconds and becomes the deadline of its calls")
    func defaultTimeout() async throws {
        let clock = ManualClock()
        let remaining = try await Call.with(clock: clock) { try await gofor { Binding("left") { Call.remaining } } }
        #expect(remaining == .seconds(30))
        #expect(Call.deadlineDefault == .seconds(30))
    }

    @Test("Y-02: the timeout ends the group at its moment with the names of all, cancels the calls and drops late answers")
    func timeout() async throws {
        let clock = ManualClock()
        let gate = Gate()
        let late = Journal<Bool>()
        let group = Task {
            try await Call.with(clock: clock) {
                try await gofor("slow", timeout: .seconds(2)) {
                    Binding("quick") { 1 }
                    Binding("stubborn") {
                        // Deaf to cancellation.
                        await gate.wait()
                        late.add(Task.isCancelled)
                        return 2
                    }
                }
            }
        }
        try await eventually { gate.waiting == 1 && clock.nextDue != nil }
        clock.advance(to: .zero + .milliseconds(1_999))
        clock.advance(to: .zero + .seconds(2))
        let error = await #expect(throws: GroupError.self) { _ = try await group.value }
        #expect(error?.names == ["quick", "stubborn"])
        #expect(error?.group == "slow")
        #expect((error?.cause as? CallError)?.code == .timeout)
        #expect((error?.cause as? CallError)?.group == "slow")
        gate.open()
        try await eventually { late.entries == [true] }
    }

    @Test("Y-03: the error names the binding that failed")
    func failingName() async throws {
        let error = await #expect(throws: GroupError.self) {
            _ = try await gofor {
                Binding("fine") { 1 }
                Binding("broken") { () async throws -> Int in throw Broken(name: "x") }
            }
        }
        #expect(error?.names == ["broken"])
        #expect(error?.cause as? Broken == Broken(name: "x"))
    }

    @Test("Y-03: a group looks at errors only when all have answered, and then at the first in order")
    func waitsForAll() async throws {
        let gate = Gate()
        let isOver = Journal<String>()
        let group = Task {
            defer { isOver.add("over") }
            return try await gofor {
                Binding("first") { () async throws -> Int in
                    await gate.wait()
                    throw Broken(name: "first")
                }
                Binding("second") { () async throws -> Int in throw Broken(name: "second") }
            }
        }
        try await eventually { gate.waiting == 1 }
        for _ in 0..<100 { await Task.yield() }
        #expect(isOver.entries.isEmpty)
        gate.open()
        let error = await #expect(throws: GroupError.self) { _ = try await group.value }
        #expect(error?.names == ["first"])
    }

    @Test("Y-03: an error clause turns a failure into values")
    func errorClause() async throws {
        let (value, name) = await gofor {
            Binding("value") { () async throws -> Int in throw Broken(name: "x") }
            Binding("name") { "n" }
        } onError: { error in
            (-1, error.names[0])
        }
        #expect(value == -1 && name == "value")
    }

    @Test("cancelling the task of a group ends it at once and cancels its calls")
    func cancellation() async throws {
        let gate = Gate()
        let group = Task {
            try await gofor { Binding("deaf") { await gate.wait() } }
        }
        try await eventually { gate.waiting == 1 }
        group.cancel()
        let error = await #expect(throws: GroupError.self) { _ = try await group.value }
        #expect((error?.cause as? CallError)?.code == .cancelled)
        gate.open()
    }

    @Test("an earlier deadline around a group wins over its timeout")
    func nestedDeadline() async throws {
        let clock = ManualClock()
        let remaining = try await Call.with(clock: clock) {
            try await Call.with(deadline: .seconds(1)) {
                try await gofor(timeout: .seconds(5)) { Binding("left") { Call.remaining } }
            }
        }
        #expect(remaining == .seconds(1))
    }

    @Test("Y-32: when the peer dies, a pending group fails at once with the call that was pending, not at its timeout")
    func peerDies() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("wait") { _ in
            await gate.wait()
            return .null
        }
        let pair = try await SessionPair(root: registry.facet)
        let root = pair.client.rootReference
        let group = Task { try await gofor { Binding("waiting") { try await root.invoke("wait", .object([:])) } } }
        try await eventually { gate.waiting == 1 }
        Task { await pair.server.close(CloseReason(code: 9, "killed")) }
        let error = await #expect(throws: GroupError.self) { _ = try await group.value }
        #expect(error?.names == ["waiting"])
        #expect((error?.cause as? CallError)?.code == .peerLost)
        gate.open()
        await pair.client.close()
    }
}
