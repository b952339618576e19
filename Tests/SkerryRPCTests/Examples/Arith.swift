import SkerryCSP
import SkerryCodec
import SkerryRPC

// The example service of the tests: what a user writes. `ArithService.swift` beside it is what the generator emits for it.

/// Why an arithmetic method declined.
enum ArithError: Error, Equatable {
    case divisionByZero
    case overflow(of: String)
}

/// A point, to have a record among the parameters.
struct Point: Equatable, Sendable {
    var x: Int
    var y: Int
}

/// Arithmetic over the wire, the book's example.
///
/// In users' code the attributes in the margin are macros' and markers':
/// `@Service(errors: ArithError.self, version: 2) protocol Arith: Sendable`.
protocol Arith: Sendable {
    /// The number after `number`.
    // As a macro: @Idempotent @ReadOnly @GET("/succ/{number}")
    func succ(_ number: Int) async throws -> Int

    /// The sum of two numbers.
    // As a macro: @GET("/plus")
    func plus(_ left: Int, _ right: Int) async throws -> Int

    /// The quotient; ``ArithError/divisionByZero`` when `divisor` is 0.
    func quotient(of dividend: Int, by divisor: Int) async throws -> Int

    /// `base` raised to `exponent`, its square when none is given.
    // As a macro: @Default("exponent", 2)
    func power(_ base: Int, exponent: Int) async throws -> Int

    /// Whether two points are the same.
    // As a macro: @Wire("eq")
    func areEqual(_ left: Point, _ right: Point) async throws -> Bool

    /// The sum of many numbers.
    // As a macro: @Wire("sum.v1") @Until(2)
    func sum(_ numbers: [Int]) async throws -> Int

    /// The sum of many numbers, starting from `initial`.
    // As a macro: @Wire("sum.v2") @POST("/sum")
    func sum(_ numbers: [Int], from initial: Int?) async throws -> Int

    /// Adds to the total, without an answer.
    // As a macro: @OneWay
    func note(_ amount: Int) async throws

    /// What ``note(_:)`` and ``deposit(_:)`` have added up to.
    // As a macro: @ReadOnly @GET("/total")
    func total() async throws -> Int

    /// Adds to the total once, however often the call is repeated.
    // As a macro: @Durable
    func deposit(_ amount: Int) async throws -> Int

    /// Computes for long, away from the link's loop.
    // As a macro: @Offload
    func collatz(_ start: Int) async throws -> Int

    /// Sends the numbers from 0 up to `limit` into a channel of the caller.
    // As a macro: @GET("/count/{limit}")
    func count(to limit: Int, into numbers: Sender<Int>) async throws

    /// Receives numbers from a channel of the caller until it closes, and answers their sum.
    func drain(_ numbers: Receiver<Int>) async throws -> Int

    /// A new counter, living at the callee while anybody holds it.
    func counter(from start: Int) async throws -> CounterClient

    /// Asks a counter, whoever hosts it.
    func read(_ counter: CounterClient) async throws -> Int
}

/// A number that can be raised; passed by reference.
// As a macro: @Service
protocol Counter: Sendable {
    /// Raises the counter by `amount` and answers the new value.
    func add(_ amount: Int) async throws -> Int
}
