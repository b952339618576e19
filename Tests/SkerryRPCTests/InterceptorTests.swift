import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("Interceptors", .timeLimit(.minutes(1)))
struct InterceptorTests {
    @Test("N-24: a pool of k never runs more than k calls at once, and serves them in the order they came", arguments: [1, 3])
    func concurrencyLimit(k: Int) async throws {
        let gate = Gate()
        let limit = ConcurrencyLimit(k)
        let started = Journal<Int>()
        let running = Locked((now: 0, peak: 0))
        let registry = Registry()
        registry.addHandler("work") { arguments in
            running.withLock { $0 = ($0.now + 1, max($0.peak, $0.now + 1)) }
            if case .int(let number)? = arguments["number"] { started.add(Int(number)) }
            await gate.wait()
            running.withLock { $0.now -= 1 }
            return .null
        }
        var options = SessionOptions()
        options.interceptors = [limit]
        let pair = try await SessionPair(root: registry.facet, options: options)
        let root = pair.client.rootReference
        let calls = (0..<20).map { number in
            Task.immediate { _ = try await root.invoke("work", .object(["number": .int(Int64(number))])) }
        }
        try await eventually { limit.running == k && limit.waiting == 20 - k }
        gate.open()
        for call in calls { try await call.value }
        #expect(running.withLock { $0.peak } == k)
        #expect(limit.peak == k && limit.running == 0)
        if k == 1 { #expect(started.entries == Array(0..<20)) }
        await pair.close()
    }

    @Test("a call that is cancelled in the line leaves it, and one too many is refused")
    func cancelledInLine() async throws {
        let gate = Gate()
        let limit = ConcurrencyLimit(1, waitersMaximum: 1)
        let registry = Registry()
        registry.addHandler("work") { _ in
            await gate.wait()
            return 1
        }
        let reference = registry.facet.intercepted(by: limit)
        let first = Task { try await reference.invoke("work", .object([:])) }
        try await eventually { limit.running == 1 }
        let second = Task { try await reference.invoke("work", .object([:])) }
        try await eventually { limit.waiting == 1 }
        let refused = await #expect(throws: CallError.self) { try await reference.invoke("work", .object([:])) }
        #expect(refused?.code == .overloaded)
        second.cancel()
        let error = await #expect(throws: CallError.self) { try await second.value }
        #expect(error?.code == .cancelled)
        #expect(limit.waiting == 0)
        gate.open()
        #expect(try await first.value == 1)
        #expect(limit.running == 0)
    }

    @Test("metrics count calls, failures and time by method")
    func metrics() async throws {
        let metrics = CallMetrics()
        let arith = ArithClient(ArithService.reference(to: Calculator()).intercepted(by: metrics))
        for number in 0..<5 { _ = try await arith.succ(number) }
        await #expect(throws: ArithError.self) { try await arith.quotient(of: 1, by: 0) }
        let methods = metrics.methods
        #expect(methods["succ"]?.calls == 5 && methods["succ"]?.failures == 0 && methods["succ"]?.running == 0)
        #expect(methods["quotient"]?.failures == 1)
        #expect(methods["succ"]!.longest <= methods["succ"]!.total)
    }

    @Test("tracing hooks stand around calls in their order")
    func tracing() async throws {
        let journal = Journal<String>()
        func trace(_ name: String) -> CallTrace<String> {
            CallTrace {
                journal.add("\(name) begins \($0.method)")
                return name
            } end: {
                journal.add("\($0) ends\($1 == nil ? "" : " badly")")
            }
        }
        let arith = ArithClient(ArithService.reference(to: Calculator()).intercepted(by: trace("outer"), trace("inner")))
        _ = try await arith.succ(1)
        #expect(journal.entries == ["outer begins succ", "inner begins succ", "inner ends", "outer ends"])
    }

    @Test("a handler that holds up the loop is counted and named")
    func watchdog() async throws {
        let clock = ManualClock()
        let registry = Registry()
        registry.addHandler("hog") { _ in
            clock.advance(by: .milliseconds(20))
            return .null
        }
        var serverOptions = SessionOptions()
        serverOptions.clock = clock
        let pair = try await SessionPair(root: registry.facet, serverOptions: serverOptions)
        _ = try await pair.client.rootReference.invoke("hog", .object([:]))
        try await eventually { pair.server.statistics.stalls == 1 }
        #expect(pair.server.statistics.lastStalled == "hog")
        #expect(pair.server.statistics.longestStall == .milliseconds(20))
        await pair.close()
    }
}
