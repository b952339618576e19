import SkerryMacros
import SkerryWire
import Testing

/// Does the work of ``Arith``.
private actor Calculator: Arith {
    private var noted = 0

    func succ(_ number: Int) async throws -> Int { number + 1 }

    func quotient(of dividend: Int, by divisor: Int) async throws -> Int {
        if divisor == 0 { throw ArithError.divisionByZero }
        return dividend / divisor
    }

    func power(_ base: Int, exponent: Int) async throws -> Int {
        var product = 1
        for _ in 0..<exponent {
            let (next, overflow) = product.multipliedReportingOverflow(by: base)
            if overflow { throw ArithError.overflow(of: "power") }
            product = next
        }
        return product
    }

    func areEqual(_ left: Outer.Point, _ right: Outer.Point) async throws -> Bool { left == right }
    func sum(_ numbers: [Int]) async throws -> Int { numbers.reduce(0, +) }
    func sum(_ numbers: [Int], from initial: Int?) async throws -> Int { numbers.reduce(initial ?? 0, +) }
    func note(_ amount: Int) async throws { noted += amount }
    func total() async throws -> Int { noted }
    func reset() async throws { noted = 0 }

    func search(in text: String, prefix: String?, limit: Int, besides: [String]) async throws -> [String] {
        let words = text.split(separator: " ").map(String.init).filter { $0.hasPrefix(prefix ?? "") && !besides.contains($0) }
        return Array(words.prefix(limit))
    }
}

private struct Echo: Awkward2 {
    func name() async throws -> String { "name" }
    func version(reference: Int, local: String) async throws -> String { "\(reference) \(local)" }
    func methods(call: Int, arguments: Int, implementation: Int) async throws -> Int { call * 100 + arguments * 10 + implementation }
    func `default`(_ in: Int, for index: Int) async throws -> Int { `in` - index }
    func void() async throws {}
}

/// Counts how many are inside at once.
private actor Gate: Turnstile {
    private var inside = 0
    private var most = 0

    func pass() async throws -> Int {
        inside += 1
        most = max(most, inside)
        // Others may enter here, unless they wait outside.
        for _ in 0..<10 { await Task.yield() }
        inside -= 1
        return most
    }
}

private struct Mirror: Namespace.Nested {
    func point(_ point: Namespace.Point?) async throws -> Namespace.Point { point ?? .init(x: -1) }
}

@Suite("Services declared with @Service")
struct ServiceUseTests {
    /// Runs `body` with a client in this process, and with one at the other end of a session over a link in memory.
    private func withClients<Client: ServiceClient>(
        _ type: Client.Type, of reference: Reference, _ body: (Client) async throws -> Void
    ) async throws {
        try await body(Client(reference))
        let listener = MemoryListener()
        let server = SessionServer(root: reference)
        try await listener.start { server.accept($0) }
        let session = try await Session.open(to: listener.connector)
        try await body(Client(session.rootReference))
        await session.close()
        await server.close()
    }

    @Test("Y-04: a plain type that implements the protocol is a service, called alike in this process and from afar")
    func calls() async throws {
        try await withClients(ArithClient.self, of: ArithService.reference(to: Calculator())) { arith in
            #expect(try await arith.succ(3) == 4)
            #expect(try await arith.quotient(of: 7, by: 2) == 3)
            #expect(try await arith.areEqual(.init(x: 1, y: 2), .init(x: 1, y: 2)))
            #expect(try await arith.sum([1, 2]) == 3)
            try await arith.note(5)
            #expect(try await arith.total() == 5)
            try await arith.reset()
            #expect(try await arith.total() == 0)
        }
    }

    @Test("Y-04: arguments at the end that may be missing can be left out, one after the other")
    func arities() async throws {
        // A function, for 6.3.1 refuses expectations about members of a macro's extension inside a closure.
        func check(_ arith: ArithClient) async throws {
            #expect(try await arith.power(3) == 9)
            #expect(try await arith.power(2, exponent: 5) == 32)
            #expect(try await arith.sum([1, 2], from: nil) == 3)
            let text = "ann and bob also ate"
            #expect(try await arith.search(in: text, prefix: "a", limit: 9, besides: ["and"]) == ["ann", "also", "ate"])
            #expect(try await arith.search(in: text, prefix: "a", limit: 2) == ["ann", "and"])
            #expect(try await arith.search(in: text, prefix: "a") == ["ann", "and", "also"])
            #expect(try await arith.search(in: text) == ["ann", "and", "bob"])
        }
        try await withClients(ArithClient.self, of: ArithService.reference(to: Calculator()), check)
        // Implementations have the shorter forms too.
        #expect(try await Calculator().power(4) == 16)
    }

    @Test("Y-04: a peer that sends fewer arguments means the defaults")
    func defaults() throws {
        let arguments = try JSON.decode(ArithService.PowerArguments.self, from: Array(#"{"base":5}"#.utf8))
        #expect(arguments.base == 5)
        #expect(arguments.exponent == 2)
        #expect(try JSON.decode(ArithService.Sum_v2Arguments.self, from: Array(#"{"numbers":[1]}"#.utf8)).initial == nil)
        #expect(try JSON.decode(ArithService.SearchArguments.self, from: Array(#"{"text":""}"#.utf8)).limit == 3)
    }

    @Test("Methods and parameters may have the names that the expansion uses")
    func awkward() async throws {
        try await withClients(Awkward2Client.self, of: Awkward2Service.reference(to: Echo())) { client in
            #expect(try await client.name() == "name")
            #expect(try await client.version(reference: 1, local: "l") == "1 l")
            #expect(try await client.methods(call: 1, arguments: 2, implementation: 3) == 123)
            #expect(try await client.default(5, for: 3) == 2)
            try await client.void()
        }
        #expect(Awkward2Service.name == "awkward.names")
        #expect(Awkward2Service.methods.map(\.name) == ["name", "version", "methods", "default", "void"])
    }

    @Test("Errors that the service declares are thrown again as themselves, all others as text")
    func errors() async throws {
        try await withClients(ArithClient.self, of: ArithService.reference(to: Calculator())) { arith in
            await #expect(throws: ArithError.divisionByZero) { try await arith.quotient(of: 1, by: 0) }
            await #expect(throws: ArithError.overflow(of: "power")) { try await arith.power(.max) }
        }
    }

    @Test("Calls to a serial service run one after the other")
    func serial() async throws {
        try await withClients(TurnstileClient.self, of: TurnstileService.reference(to: Gate())) { turnstile in
            let most = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await turnstile.pass() } }
                return try await group.reduce(0, max)
            }
            #expect(most == 1)
        }
    }

    @Test("A service may be asked for by its description, and says what it can do")
    func registry() async throws {
        let reference = ArithService.reference(to: Calculator())
        let commands = try await reference.commands()
        #expect(commands["quotient"]?.contains("The quotient.") == true)
        #expect(Set(ArithService.methods.map(\.name)).isSubset(of: commands.keys))
    }

    @Test("A protocol inside a type is a service like any other")
    func nested() async throws {
        func check(_ client: Namespace.NestedClient) async throws {
            #expect(try await client.point(.init(x: 3)) == .init(x: 3))
            #expect(try await client.point() == .init(x: -1))
        }
        try await withClients(Namespace.NestedClient.self, of: Namespace.NestedService.reference(to: Mirror()), check)
    }

    @Test("Y-05: the description holds names, documentation, options and versions")
    func description() throws {
        #expect(ArithService.name == "Arith")
        #expect(ArithService.documentation == "Arithmetic over the wire.")
        #expect(ArithService.version == 2)
        #expect(ArithService.errors.map(\.name) == ["ArithError"])
        let methods = ArithService.methods
        #expect(methods.map(\.index) == Array(0..<methods.count))
        #expect(methods.map(\.name).prefix(6) == ["succ", "quotient", "power", "eq", "sum.v1", "sum.v2"])
        #expect(methods[1].swiftName == "quotient(of:by:)")
        #expect(methods[0].documentation == "The number after `number`.\n\nReturns: one more.")
        #expect(methods[0].options == [.idempotent, .readOnly])
        #expect(methods[4].until == 2)
        #expect(methods[6].options == [.oneWay])
        #expect(ArithService.SuccArguments.fields[0].documentation == "any but the largest.")
        #expect(ArithService.QuotientArguments.fields.list.map(\.key) == ["dividend", "divisor"])
        #expect(ArithService.AreEqualArguments.fields.name == "EqArguments")
    }

    @Test("Y-34: routes are part of the description")
    func routes() {
        let routes = ArithService.methods.compactMap { method in method.route.map { "\(method.name) \($0.verb.rawValue) \($0.path)" } }
        #expect(routes == ["succ GET /succ/{number}", "sum.v2 POST /sum", "total GET /total", "reset DELETE /total"])
    }
}
