import SkerryCSP
import SkerryRPC

/// The example service, implemented by an actor; any type would do.
actor Calculator: Arith {
    private(set) var sum = 0
    private var events: [String] = []
    private var gates: [String: CheckedContinuation<Void, Never>] = [:]

    func succ(_ number: Int) throws -> Int {
        let (result, overflow) = number.addingReportingOverflow(1)
        if overflow { throw ArithError.overflow(of: "succ") }
        return result
    }

    func plus(_ left: Int, _ right: Int) -> Int { left &+ right }

    func quotient(of dividend: Int, by divisor: Int) throws -> Int {
        guard divisor != 0 else { throw ArithError.divisionByZero }
        return dividend / divisor
    }

    func power(_ base: Int, exponent: Int) -> Int { (0..<exponent).reduce(1) { result, _ in result * base } }

    func areEqual(_ left: Point, _ right: Point) -> Bool { left == right }

    func sum(_ numbers: [Int]) -> Int { numbers.reduce(0, +) }

    func sum(_ numbers: [Int], from initial: Int?) -> Int { numbers.reduce(initial ?? 0, +) }

    func note(_ amount: Int) { sum += amount }

    func total() -> Int { sum }

    func deposit(_ amount: Int) -> Int {
        sum += amount
        return sum
    }

    func collatz(_ start: Int) -> Int {
        var number = start
        var steps = 0
        while number > 1 {
            number = number % 2 == 0 ? number / 2 : 3 * number + 1
            steps += 1
        }
        return steps
    }

    func count(to limit: Int, into numbers: Sender<Int>) async throws {
        for number in 0..<limit { try await numbers.send(number) }
        numbers.close()
    }

    func drain(_ numbers: Receiver<Int>) async throws -> Int {
        var sum = 0
        while let number = try await numbers.receive() { sum += number }
        return sum
    }

    func counter(from start: Int) -> CounterClient {
        CounterService.client(CounterService.reference(to: Tally(start)))
    }

    func read(_ counter: CounterClient) async throws -> Int { try await counter.add(0) }
}

/// A counter; tells when it goes.
final class Tally: Counter {
    private let value: Locked<Int>
    private let whenGone: @Sendable () -> Void

    init(_ start: Int, whenGone: @escaping @Sendable () -> Void = {}) {
        value = Locked(start)
        self.whenGone = whenGone
    }

    deinit { whenGone() }

    func add(_ amount: Int) -> Int {
        value.withLock { value in
            value += amount
            return value
        }
    }
}
