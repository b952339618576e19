import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("Durable calls", .timeLimit(.minutes(1)))
struct DurableTests {
    /// Keeps records as a disk would.
    final class Disk: ReplyStore {
        let records = Locked([ReplyCache.Record]())

        func keep(_ record: ReplyCache.Record) { records.withLock { $0.append(record) } }
    }

    @Test("N-29: a durable call that is repeated acts once and gets the same answer")
    func once() async throws {
        let calculator = Calculator()
        let pair = try await SessionPair.withArith(calculator)
        let request = RequestID.random()
        for _ in 0..<3 { #expect(try await request.using { try await pair.arith.deposit(5) } == 5) }
        #expect(try await pair.arith.deposit(5) == 10)
        #expect(await calculator.sum == 10)
        await pair.close()
    }

    @Test("N-29: over a new session, and over a restart that kept the replies, a repetition acts once")
    func overRestart() async throws {
        let calculator = Calculator()
        let disk = Disk()
        var options = SessionOptions()
        options.nodeKey = [UInt8](repeating: 7, count: 32)
        let request = RequestID.random()
        options.replies = DurableReplies(store: disk) { 1_000 }
        let first = try await SessionPair.withArith(calculator, options: options)
        #expect(try await request.using { try await first.arith.deposit(5) } == 5)
        await first.close()
        // The process is new, but for what it finds on its disk.
        options.replies = DurableReplies(store: disk) { 2_000 }
        options.replies.restore(disk.records.withLock { $0 })
        let second = try await SessionPair.withArith(calculator, options: options)
        #expect(try await request.using { try await second.arith.deposit(5) } == 5)
        #expect(await calculator.sum == 5)
        await second.close()
    }

    @Test("N-29: without durability a repeated call acts again: at most once each")
    func plainCallsActAgain() async throws {
        let calculator = Calculator()
        let pair = try await SessionPair.withArith(calculator)
        for _ in 0..<3 { try await pair.arith.note(5) }
        try await eventually { await calculator.sum == 15 }
        await pair.close()
    }

    @Test("a repetition that comes while the call is under way waits for its answer")
    func repetitionWaits() async throws {
        let gate = Gate()
        let replies = DurableReplies()
        let calls = Locked(0)
        let registry = Registry()
        registry.addHandler("slow") { _ in
            calls.withLock { $0 += 1 }
            await gate.wait()
            return 42
        }
        var options = SessionOptions()
        options.replies = replies
        let pair = try await SessionPair(root: registry.facet, options: options)
        let request = RequestID.random()
        let target = pair.client.rootReference.target
        let invocation = Invocation(
            method: "slow", digest: 0, options: [.durable], payload: try ServicePayload(Value.object([:]), .cbor), requestID: request)
        let first = Task { try await target.perform(invocation).decode(Value.self) }
        try await eventually { gate.waiting == 1 }
        let second = Task { try await target.perform(invocation).decode(Value.self) }
        try await eventually { pair.server.statistics.handlersRunning == 2 }
        gate.open()
        #expect(try await first.value == 42)
        #expect(try await second.value == 42)
        #expect(calls.withLock { $0 } == 1)
        await pair.close()
    }

    @Test("declared errors are remembered too; calls that were refused are not")
    func failures() async throws {
        let replies = DurableReplies()
        var options = SessionOptions()
        options.replies = replies
        let pair = try await SessionPair.withArith(options: options)
        let target = pair.client.rootReference.target
        func quotient(_ request: RequestID, by divisor: Int) async throws -> Int {
            let payload = try ServicePayload(ArithService.QuotientArguments(dividend: 8, divisor: divisor), .cbor)
            return try await target.perform(
                Invocation(method: "quotient", digest: 0, options: [.durable], payload: payload, requestID: request)
            ).decode(Int.self)
        }
        let failed = RequestID.random()
        await #expect(throws: DeclaredFailure.self) { try await quotient(failed, by: 0) }
        // The answer of the first attempt, whatever is asked now.
        await #expect(throws: DeclaredFailure.self) { try await quotient(failed, by: 2) }
        #expect(try await quotient(.random(), by: 2) == 4)
        #expect(replies.count == 2)
        await pair.close()
    }
}
