public import SkerryMacros

// A service as users declare it, with every feature of `@Service`.

/// Why an arithmetic method declined.
@Shape enum ArithError: Error, Equatable, Sendable {
    case divisionByZero
    case overflow(of: String)
}

/// Arithmetic over the wire.
@Service(errors: ArithError.self, version: 2)
protocol Arith: Sendable {
    /// The number after `number`.
    ///
    /// - Parameter number: any but the largest.
    /// - Returns: one more.
    @Idempotent @ReadOnly @GET("/succ/{number}")
    func succ(_ number: Int) async throws -> Int

    /// The quotient.
    func quotient(of dividend: Int, by divisor: Int) async throws -> Int

    /// `base` raised to `exponent`, its square when none is given.
    @Default("exponent", 2)
    func power(_ base: Int, exponent: Int) async throws -> Int

    /// Whether two points are the same.
    @Wire("eq") func areEqual(_ left: Outer.Point, _ right: Outer.Point) async throws -> Bool

    /// The sum of many numbers.
    @Wire("sum.v1") @Until(2) func sum(_ numbers: [Int]) async throws -> Int

    /// The sum of many numbers, starting from `initial`.
    @Wire("sum.v2") @POST("/sum") func sum(_ numbers: [Int], from initial: Int?) async throws -> Int

    /// Adds to the total, without an answer.
    @OneWay func note(_ amount: Int) async throws

    /// What the notes have added up to.
    @GET("/total") func total() async throws -> Int

    /// Forgets the total.
    @DELETE("/total") func reset() async throws

    /// Words in a text that begin with a prefix.
    @Default("limit", 3) @Default("besides", [])
    func search(in text: String, prefix: String?, limit: Int, besides: [String]) async throws -> [String]
}

/// Names that the expansion uses itself, and parameters whose names it must avoid.
@Service("awkward.names") public protocol Awkward2: Sendable {
    func name() async throws -> String
    func version(reference: Int, local: String) async throws -> String
    func methods(call: Int, arguments: Int, implementation: Int) async throws -> Int
    func `default`(_ `in`: Int, `for` index: Int) async throws -> Int
    func void() async throws
}

/// Answers one caller after the other.
@Serial @Service protocol Turnstile: Sendable {
    /// Passes, and answers how many were inside at once at most.
    func pass() async throws -> Int
}

enum Namespace {
    /// A protocol inside a type.
    @Service protocol Nested: Sendable {
        func point(_ point: Point?) async throws -> Point
    }

    @Shape("Namespace.Point") struct Point: Equatable, Sendable {
        var x: Int
    }
}

/// Returns services, so that its client makes promises.
@Service public protocol Directory: Sendable {
    /// The turnstile of a gate.
    @Default("gate", "main") func gate(_ reference: String, `for` gate: String) async throws -> Turnstile2Client
    func any(_ name: String?) async throws -> Reference
    func list() async throws -> [Turnstile2Client]
    func maybe() async throws -> Turnstile2Client?
}

/// What a directory returns.
@Service public protocol Turnstile2: Sendable {
    func pass() async throws -> Int
}
