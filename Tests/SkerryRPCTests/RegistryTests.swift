import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("Registry", .timeLimit(.minutes(1)))
struct RegistryTests {
    /// A service that hears when it is no longer listed.
    actor Observed: Counter, RemovalObserving {
        private(set) var removed: [String] = []

        func add(_ amount: Int) -> Int { amount }
        func removedFromRoot(_ name: String) { removed.append(name) }
    }

    @Test("Y-06: a root lists itself and what was added, in order")
    func list() async throws {
        let registry = Registry()
        try registry.add("wombat2", CounterService.reference(to: Tally(0)))
        let pair = try await SessionPair(root: registry.facet)
        #expect(try await pair.client.root.list() == ["root", "wombat2"])
        #expect(try await pair.client.root.name() == "root")
        await pair.close()
    }

    @Test("Y-04, Y-06: a service that was added is found by name and answers")
    func get() async throws {
        let registry = Registry(name: "shop")
        try registry.add("arith", ArithService.reference(to: Calculator()))
        let pair = try await SessionPair(root: registry.facet)
        let arith = try await pair.client.root.get(ArithService.self, "arith")
        #expect(try await arith.succ(41) == 42)
        #expect(try await arith.plus(41, 2) == 43)
        #expect(try await pair.client.root.name() == "shop")
        await pair.close()
    }

    @Test("Y-06: a missing service is an error with its name", arguments: [true, false])
    func missing(isRemote: Bool) async throws {
        let registry = Registry()
        let pair = try await SessionPair(root: registry.facet)
        let root = isRemote ? pair.client.root : registry.local
        let error = await #expect(throws: CallError.self) { try await root.get("wombat") }
        #expect(error?.code == .noSuchService)
        #expect(error?.message.contains("wombat") == true)
        await pair.close()
    }

    @Test("Y-07: peers find public services only; who holds the registry finds private ones too")
    func visibility() async throws {
        let registry = Registry()
        try registry.add("open", CounterService.reference(to: Tally(1)))
        try registry.add("hidden", CounterService.reference(to: Tally(2)), visibility: .private)
        let pair = try await SessionPair(root: registry.facet)
        #expect(try await pair.client.root.list() == ["open", "root"])
        #expect(try await registry.local.list() == ["hidden", "open", "root"])
        for attempt in [pair.client.root.get, { try await pair.client.root.locate($0) }] {
            let error = await #expect(throws: CallError.self) { try await attempt("hidden") }
            #expect(error?.code == .noSuchService)
        }
        #expect(try await registry.local.get(CounterService.self, "hidden").add(1) == 3)
        await pair.close()
    }

    @Test("Y-08: a peer cannot add or remove, whatever it sends to the root", arguments: ["add", "remove"])
    func remoteChangeIsRefused(command: String) async throws {
        let registry = Registry()
        try registry.add("kept", CounterService.reference(to: Tally(1)))
        let pair = try await SessionPair(root: registry.facet)
        let error = await #expect(throws: CallError.self) {
            try await pair.client.rootReference.invoke(command, .object(["name": "kept"]))
        }
        #expect(error?.code == .denied)
        #expect(error?.maybeExecuted == false)
        #expect(try await pair.client.root.list() == ["kept", "root"])
        // Not through the root's own entry either.
        let own = try await pair.client.root.get("root")
        await #expect(throws: CallError.self) { try await own.invoke(command, .object(["name": "kept"])) }
        await pair.close()
    }

    @Test("Y-08: who was given the admin facet may change the registry, from anywhere")
    func adminFacet() async throws {
        let registry = Registry()
        let pair = try await SessionPair(root: registry.admin)
        let admin = RootAdminClient(pair.client.rootReference)
        try await admin.add("mine", CounterService.reference(to: Tally(7)), isPublic: true)
        #expect(try await pair.client.root.list() == ["mine", "root"])
        #expect(try await registry.local.get(CounterService.self, "mine").add(1) == 8)
        #expect(try await admin.remove("mine"))
        #expect(try await !admin.remove("mine"))
        await pair.close()
    }

    @Test("a displaced service, and a removed one, is told `removed_from_root`, here and elsewhere", arguments: [true, false])
    func displaced(isRemote: Bool) async throws {
        let observed = Observed()
        let registry = Registry()
        let pair = try await SessionPair(root: registry.admin)
        if isRemote {
            try await RootAdminClient(pair.client.rootReference).add("name", CounterService.reference(to: observed), isPublic: true)
        } else {
            try registry.add("name", CounterService.reference(to: observed))
        }
        try registry.add("name", CounterService.reference(to: Tally(0)))
        try await eventually { await observed.removed == ["name"] }
        try registry.add("other", CounterService.reference(to: observed))
        registry.remove("other")
        try await eventually { await observed.removed == ["name", "other"] }
        await pair.close()
    }

    @Test("Y-09: what a root does not have it looks for at its delegate, and the delegate at its own")
    func delegates() async throws {
        let third = Registry(name: "third")
        try third.add("deep", CounterService.reference(to: Tally(3)))
        third.addHandler("get-72") { _ in 72 }
        let second = Registry(name: "second", delegate: third.facet)
        let first = Registry(name: "first", delegate: second.facet)
        let pair = try await SessionPair(root: first.facet)
        #expect(try await pair.client.root.locate(CounterService.self, "deep").add(1) == 4)
        await #expect(throws: CallError.self) { try await pair.client.root.get("deep") }
        #expect(try await pair.client.rootReference.invoke("get-72", .object([:])) == 72)
        await pair.close()
    }

    @Test("Y-09: a circle of delegates ends")
    func circle() async throws {
        let first = Registry(name: "first")
        let second = Registry(name: "second", delegate: first.facet)
        first.delegate = second.facet
        let error = await #expect(throws: CallError.self) { try await RootClient(first.facet).locate("nowhere") }
        #expect(error?.code == .noSuchService)
        await #expect(throws: CallError.self) { try await first.facet.invoke("no-command", .object([:])) }
        first.delegate = nil
    }

    @Test("Y-10: a command can be added; it may answer later, and other calls go on meanwhile")
    func handlers() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("late") { arguments in
            await gate.wait()
            return arguments["echo"] ?? .null
        }
        let pair = try await SessionPair(root: registry.facet)
        let root = pair.client.rootReference
        let late = Task { try await root.invoke("late", .object(["echo": "hello"])) }
        try await eventually { gate.waiting == 1 }
        #expect(try await pair.client.root.list() == ["root"])
        gate.open()
        #expect(try await late.value == "hello")
        registry.removeHandler("late")
        await #expect(throws: CallError.self) { try await root.invoke("late", .object([:])) }
        await pair.close()
    }

    @Test("Y-05: the root describes its own commands")
    func commands() async throws {
        let pair = try await SessionPair(root: Registry().facet)
        let commands = try await pair.client.rootReference.commands()
        #expect(commands.keys.sorted() == ["get", "list", "locate", "name"])
        #expect(commands["list"]?.hasPrefix("list() -> [string]\n") == true)
        await pair.close()
    }

    @Test("Y-16: several roots stand side by side in one process, each with its own services")
    func severalRoots() async throws {
        let left = Registry(name: "left")
        let right = Registry(name: "right")
        try left.add("one", CounterService.reference(to: Tally(1)))
        try right.add("two", CounterService.reference(to: Tally(2)))
        let first = try await SessionPair(root: left.facet)
        let second = try await SessionPair(root: right.facet)
        #expect(try await first.client.root.list() == ["one", "root"])
        #expect(try await second.client.root.list() == ["root", "two"])
        await first.close()
        await second.close()
    }

    @Test(
        "the script: two roots over one session; inc, get, list, a delegate's command, get-service, get-42; then no proxy is left but the roots"
    )
    func script() async throws {
        let beyond = Registry(name: "beyond")
        beyond.addHandler("get-72") { _ in 72 }
        let server = Registry(name: "server", delegate: beyond.facet)
        let total = Locked(0)
        server.addHandler("inc") { _ in
            total.withLock { $0 += 1 }
            return .int(Int64(total.withLock { $0 }))
        }
        try server.add("42", CounterService.reference(to: Tally(42)))
        let client = Registry(name: "client")
        let pair = try await SessionPair(root: server.facet, clientRoot: client.facet)
        let root = pair.client.root

        let (inc, names, delegated, service) = try await gofor {
            Binding("inc") { try await root.reference.invoke("inc", .object([:])) }
            Binding("names") { try await root.list() }
            Binding("delegated") { try await root.reference.invoke("get-72", .object([:])) }
            Binding("service") { try await root.get(CounterService.self, "42") }
        }
        let answer = try await gofor { Binding("answer") { try await service.add(0) } }
        #expect(inc == 1)
        #expect(names == ["42", "root"])
        #expect(delegated == 72)
        #expect(answer == 42)
        // Both sides are equals: the server finds the client's root in the same session.
        #expect(try await pair.server.root.name() == "client")

        _ = consume service
        try await eventually("the proxy is given back") {
            pair.client.statistics.servicesImported == 0 && pair.server.statistics.servicesExported == 0
        }
        await pair.close()
    }

    @Test("N-25: a server is located by name, over the delegates of a naming service")
    func locate() async throws {
        // A naming service that knows a server which has its own session.
        let far = Registry(name: "far")
        try far.add("arith", ArithService.reference(to: Calculator()))
        let toFar = try await SessionPair(root: far.facet)
        let names = Registry(name: "names", delegate: toFar.client.rootReference)
        let pair = try await SessionPair(root: names.facet)
        let arith = try await pair.client.root.locate(ArithService.self, "arith")
        #expect(try await arith.succ(41) == 42)
        await #expect(throws: ArithError.divisionByZero) { try await arith.quotient(of: 1, by: 0) }
        await pair.close()
        await toFar.close()
    }
}
