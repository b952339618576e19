import SkerryCSP
import SkerryRPC
import SkerrySession
import Testing

/// Answers by what the number leaves when it is divided by four, and notes how it was begun.
private struct Moody: Arith {
    let begun = Journal<Int>()
    /// Calls that began in a task that was cancelled.
    let spoiled = Journal<Int>()
    let gate = Gate()
    let never = Channel<Int>(.buffer(1))

    func succ(_ number: Int) async throws -> Int {
        begun.add(number)
        if Task.isCancelled { spoiled.add(number) }
        switch number % 4 {
        case 1: await gate.wait()
        case 2: throw ArithError.overflow(of: "\(number)")
        case 3: withUnsafeCurrentTask { $0?.cancel() }
        default: break
        }
        return number + 1
    }

    /// Waits until it is cancelled.
    func plus(_ left: Int, _ right: Int) async throws -> Int { try await never.receiver.receive() ?? 0 }

    func quotient(of dividend: Int, by divisor: Int) -> Int { 0 }
    func power(_ base: Int, exponent: Int) -> Int { 0 }
    func areEqual(_ left: Point, _ right: Point) -> Bool { false }
    func sum(_ numbers: [Int]) -> Int { 0 }
    func sum(_ numbers: [Int], from initial: Int?) -> Int { 0 }
    func note(_ amount: Int) {}
    func total() -> Int { 0 }
    func deposit(_ amount: Int) -> Int { 0 }
    func collatz(_ start: Int) -> Int { 0 }
    func count(to limit: Int, into numbers: Sender<Int>) {}
    func drain(_ numbers: Receiver<Int>) -> Int { 0 }
    func counter(from start: Int) throws -> CounterClient { throw ArithError.divisionByZero }
    func read(_ counter: CounterClient) -> Int { 0 }
}

@Suite("Handlers that come together", .timeLimit(.minutes(1)))
struct HandlerTests {
    /// Calls in the order of their numbers, each sent before the next is made.
    private func ask(_ arith: ArithClient, _ numbers: Range<Int>) -> [Task<Int, any Error>] {
        numbers.map { number in Task.immediate { try await arith.succ(number) } }
    }

    @Test("handlers begin in the order of the calls, whether those before answer, fail, suspend or cancel themselves")
    func order() async throws {
        let moody = Moody()
        let pair = try await SessionPair(root: ArithService.reference(to: moody))
        // The first call defines the method; what comes after it is written in the binary format.
        #expect(try await pair.arith.succ(0) == 1)
        let calls = ask(pair.arith, 1..<200)
        try await eventually { moody.gate.waiting == 50 && moody.begun.entries.count == 200 }
        #expect(moody.begun.entries == Array(0..<200))
        #expect(moody.spoiled.entries == [], "a task that was cancelled does not begin another call")
        // Those that did not suspend are answered by now, those that did are running.
        for (index, call) in calls.enumerated() where (index + 1) % 4 == 0 { #expect(try await call.value == index + 2) }
        try await eventually { pair.server.statistics.handlersRunning == 50 }
        moody.gate.open()
        for (number, call) in zip(1..<200, calls) {
            if number % 4 == 2 {
                await #expect(throws: ArithError.overflow(of: "\(number)")) { try await call.value }
            } else {
                #expect(try await call.value == number + 1)
            }
        }
        try await eventually { pair.server.statistics.handlersRunning == 0 }
        await pair.close()
    }

    @Test("who cancels one call of many that came together meets no other")
    func cancellation() async throws {
        let moody = Moody()
        let pair = try await SessionPair(root: ArithService.reference(to: moody))
        let arith = pair.arith
        let before = ask(arith, 1..<40)
        let stuck = Task.immediate { try await arith.plus(1, 1) }
        let after = ask(arith, 40..<80)
        try await eventually { moody.gate.waiting == 20 && pair.server.statistics.handlersRunning == 21 }
        stuck.cancel()
        let error = await #expect(throws: CallError.self) { try await stuck.value }
        #expect(error?.code == .cancelled)
        try await eventually { pair.server.statistics.handlersRunning == 20 }
        moody.gate.open()
        for (number, call) in zip(1..<80, before + after) where number % 4 != 2 { #expect(try await call.value == number + 1) }
        #expect(moody.spoiled.entries == [])
        await pair.close()
    }
}
