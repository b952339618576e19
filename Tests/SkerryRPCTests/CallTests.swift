import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

@Suite("Calls", .timeLimit(.minutes(1)))
struct CallTests {
    @Test("N-21, N-22: a client stub packs arguments and waits, the dispatcher unpacks them, calls and answers")
    func stubAndDispatcher() async throws {
        let pair = try await SessionPair.withArith()
        #expect(try await pair.arith.succ(41) == 42)
        #expect(try await pair.arith.plus(40, 2) == 42)
        await pair.close()
    }

    @Test("N-21: a client of an object of this process calls it directly, without the codec")
    func localCallsAreDirect() async throws {
        struct Unencodable: Arith {
            func succ(_ number: Int) -> Int { number + 1 }
            func plus(_ left: Int, _ right: Int) -> Int { 0 }
            func quotient(of dividend: Int, by divisor: Int) -> Int { 0 }
            func power(_ base: Int, exponent: Int) -> Int { 0 }
            func areEqual(_ left: Point, _ right: Point) -> Bool { false }
            func sum(_ numbers: [Int]) -> Int { 0 }
            func sum(_ numbers: [Int], from initial: Int?) -> Int { 0 }
            func note(_ amount: Int) {}
            func total() -> Int { 0 }
            func deposit(_ amount: Int) -> Int { 0 }
            func collatz(_ start: Int) -> Int { 0 }
            // Throwing itself: an error no interface declares passes untouched only when nothing encodes it.
            func count(to limit: Int, into numbers: Sender<Int>) throws { throw Untouched(value: limit) }
            func drain(_ numbers: Receiver<Int>) -> Int { 0 }
            func counter(from start: Int) throws -> CounterClient { throw Untouched(value: start) }
            func read(_ counter: CounterClient) -> Int { 0 }
        }
        struct Untouched: Error, Equatable { let value: Int }
        let client = ArithClient(ArithService.reference(to: Unencodable()))
        #expect(try await client.succ(1) == 2)
        await #expect(throws: Untouched(value: 7)) { try await client.counter(from: 7) }
    }

    @Test("N-23: records, lists, options and their absence cross as arguments")
    func complexArguments() async throws {
        let pair = try await SessionPair.withArith()
        #expect(try await pair.arith.areEqual(Point(x: 1, y: -2), Point(x: 1, y: -2)))
        #expect(try await !pair.arith.areEqual(Point(x: 1, y: -2), Point(x: 1, y: 2)))
        #expect(try await pair.arith.sum(Array(1...1_000), from: nil) == 500_500)
        #expect(try await pair.arith.sum([1, 2, 3], from: 100) == 106)
        await pair.close()
    }

    @Test("default arguments are the caller's, and a parameter that an older caller does not send reads as its default")
    func defaults() async throws {
        let pair = try await SessionPair.withArith()
        #expect(try await pair.arith.power(7) == 49)
        #expect(try await pair.arith.power(2, exponent: 10) == 1_024)
        #expect(try await pair.client.rootReference.invoke("power", .object(["base": 9])) == 81)
        await pair.close()
    }

    @Test("a wire name and a method that ends with a version answer under their names")
    func wireNames() async throws {
        let pair = try await SessionPair.withArith()
        let root = pair.client.rootReference
        #expect(try await root.invoke("sum.v1", .object(["numbers": [1, 2]])) == 3)
        #expect(try await root.invoke("sum.v2", .object(["numbers": [1, 2], "initial": 10])) == 13)
        await #expect(throws: CallError.self) { try await root.invoke("areEqual", .object([:])) }
        await pair.close()
    }

    @Test("N-28: calls are asynchronous: many are under way at once, and their answers find their callers")
    func asynchronous() async throws {
        let pair = try await SessionPair.withArith()
        let arith = pair.arith
        let results = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for number in 0..<500 { group.addTask { (number, try await arith.succ(number)) } }
            return try await group.reduce(into: [Int: Int]()) { $0[$1.0] = $1.1 }
        }
        #expect(results.count == 500)
        #expect(results.allSatisfy { $0.value == $0.key + 1 })
        await pair.close()
    }

    @Test("one-way calls are done in order and answer nothing")
    func oneWay() async throws {
        let pair = try await SessionPair.withArith()
        for amount in 1...100 { try await pair.arith.note(amount) }
        #expect(try await pair.arith.total() == 5_050)
        try await eventually { pair.server.statistics.core.answers == 0 }
        await pair.close()
    }

    @Test("B-38..40: the smallest service: one method, a number to a string, three calls")
    func toStringRPC() async throws {
        // Served without an interface, as a command; its caller names it by its wire name alone.
        let registry = Registry()
        registry.addHandler("to_string") { arguments in
            guard case .int(let number)? = arguments["number"] else { throw CallError(.badArgument(position: 0), "number") }
            return .string("\(number)")
        }
        let pair = try await SessionPair(root: registry.facet)
        for number in [0, 42, -7] {
            #expect(
                try await pair.client.rootReference.invoke("to_string", .object(["number": .int(Int64(number))])) == .string("\(number)"))
        }
        await pair.close()
    }

    @Test("B-41..43, M1: six arithmetic calls, sent without waiting, are answered in order")
    func sixPipelined() async throws {
        let pair = try await SessionPair.withArith()
        let arith = pair.arith
        let journal = Journal<String>()
        // Each task runs up to its call before the next begins, so the calls leave in this order.
        let tasks = [
            Task.immediate { journal.add("succ \(try await arith.succ(1))") },
            Task.immediate { journal.add("minus \(try await arith.plus(2, -7))") },
            Task.immediate { journal.add("plus \(try await arith.plus(2, 3))") },
            Task.immediate { journal.add("quotient \(try await arith.quotient(of: 9, by: 2))") },
            Task.immediate { journal.add("power \(try await arith.power(3, exponent: 3))") },
            Task.immediate { journal.add("eq \(try await arith.areEqual(Point(x: 0, y: 0), Point(x: 0, y: 0)))") },
        ]
        for task in tasks { try await task.value }
        #expect(Set(journal.entries) == ["succ 2", "minus -5", "plus 5", "quotient 4", "power 27", "eq true"])
        await pair.close()
    }

    @Test("M2: an unknown method is an error at once, and the call was not executed")
    func unknownMethod() async throws {
        let pair = try await SessionPair.withArith()
        let error = await #expect(throws: CallError.self) { try await pair.client.rootReference.invoke("divide", .object([:])) }
        #expect(error?.code == .noSuchMethod)
        #expect(error?.maybeExecuted == false)
        #expect(error?.method == "divide")
        await pair.close()
    }

    @Test("M2: a method of another version, with other parameters, is an error that names the argument")
    func wrongVersion() async throws {
        let pair = try await SessionPair.withArith()
        let error = await #expect(throws: CallError.self) {
            try await pair.client.rootReference.invoke("eq", .object(["left": .object(["x": 1, "y": "two"])]))
        }
        #expect(error?.code == .badArgument(position: 0))
        #expect(error?.path == "left.y")
        #expect(error?.service == "Arith")
        await pair.close()
    }

    @Test("a missing argument is named by position and path")
    func missingArgument() async throws {
        let pair = try await SessionPair.withArith()
        let error = await #expect(throws: CallError.self) {
            try await pair.client.rootReference.invoke("plus", .object(["left": 1]))
        }
        #expect(error?.code.argumentPosition != nil)
        #expect(error?.message.contains("right") == true)
        await pair.close()
    }

    @Test("declared errors are thrown as themselves on the other side, with their values")
    func declaredErrors() async throws {
        let pair = try await SessionPair.withArith()
        await #expect(throws: ArithError.divisionByZero) { try await pair.arith.quotient(of: 1, by: 0) }
        await #expect(throws: ArithError.overflow(of: "succ")) { try await pair.arith.succ(.max) }
        await pair.close()
    }

    @Test("other errors become `remote` with their text, and say that the call may have been executed")
    func undeclaredErrors() async throws {
        struct Secret: Error, CustomStringConvertible { var description: String { "disk 7 is on fire" } }
        let registry = Registry()
        registry.addHandler("burn") { _ in throw Secret() }
        let pair = try await SessionPair(root: registry.facet)
        let error = await #expect(throws: CallError.self) { try await pair.client.rootReference.invoke("burn", .object([:])) }
        #expect(error?.code == .remote)
        #expect(error?.message == "disk 7 is on fire")
        #expect(error?.maybeExecuted == true)
        await pair.close()
    }

    @Test("after its first answer a method is called in the binary format, because both sides have the same shape")
    func binaryAfterConfirmation() async throws {
        let pair = try await SessionPair.withArith()
        let reference = pair.client.rootReference
        let method = ArithService.plus.descriptor
        #expect(reference.target.format(for: method) == .cbor)
        _ = try await pair.arith.plus(1, 2)
        #expect(reference.target.format(for: method) == .bin)
        #expect(try await pair.arith.plus(3, 4) == 7)
        await pair.close()
    }

    @Test("binary arguments that meet an object of another version are sent again in a format that describes itself")
    func digestMismatch() async throws {
        let other = ArithService.reference(to: Calculator())
        let invocation = Invocation(
            method: "plus", digest: 1, options: [], payload: try ServicePayload(ArithService.PlusArguments(left: 1, right: 2), .bin))
        let error = await #expect(throws: CallError.self) { try await other.target.perform(invocation) }
        #expect(error?.code == .digestMismatch)
        #expect(error?.maybeExecuted == false)
    }

    @Test("calls on one reference start in the order they were sent")
    func startOrder() async throws {
        let journal = Journal<Int>()
        let registry = Registry()
        registry.addHandler("mark") { arguments in
            if case .int(let number)? = arguments["number"] { journal.add(Int(number)) }
            await Task.yield()
            return .null
        }
        let pair = try await SessionPair(root: registry.facet)
        let root = pair.client.rootReference
        let tasks = (0..<300).map { number in
            Task.immediate { _ = try await root.invoke("mark", .object(["number": .int(Int64(number))])) }
        }
        for task in tasks { try await task.value }
        #expect(journal.entries == Array(0..<300))
        await pair.close()
    }

    @Test("a method marked to run elsewhere does not hold up the link's loop")
    func offload() async throws {
        let pair = try await SessionPair.withArith()
        #expect(try await pair.arith.collatz(27) == 111)
        await pair.close()
    }

    @Test("_ping, _schema and _commands answer on every reference", arguments: [true, false])
    func reflection(isRemote: Bool) async throws {
        let pair = try await SessionPair.withArith()
        let reference = isRemote ? pair.client.rootReference : ArithService.reference(to: Calculator())
        try await reference.ping()
        let schema = try await reference.schema()
        #expect(schema.name == "Arith" && schema.version == 2)
        #expect(schema.methods.map(\.name).starts(with: ["succ", "plus", "quotient", "power", "eq", "sum.v1", "sum.v2", "note"]))
        let succ = try #require(schema.methods.first)
        #expect(succ.parameters.map(\.name) == ["number"] && succ.parameters[0].type.name == "int64" && succ.result.name == "int64")
        #expect(succ.isIdempotent && succ.isReadOnly && !succ.isOneWay && succ.route == "GET /succ/{number}")
        #expect(succ.digest == ArithService.succ.descriptor.digest.description)
        #expect(schema.methods.first { $0.name == "sum.v1" }?.until == 2)
        #expect(schema.errors.map(\.name) == ["ArithError"])
        let commands = try await reference.commands()
        #expect(commands["succ"] == "succ(number: int64) -> int64\nThe number after `number`.")
        #expect(commands["note"]?.hasPrefix("note(amount: int64), one way") == true)
        #expect(commands["count"]?.contains("numbers: Sender<int64>") == true)
        await pair.close()
    }

    @Test("B-32..37, M1: six requests, as binary records or as S-expressions, go down a channel and their answers come back in order")
    func requestsOverChannels() async throws {
        let requests: [ArithRequest] = [.succ(1), .neg(2), .plus(1, 2), .sub(9, 4), .times(6, 7), .eq(3, 3)]
        let answers: [ArithAnswer] = [.int(2), .int(-2), .int(3), .int(5), .int(42), .bool(true)]
        // As records, each request an element of its own type.
        let pair = try await SessionPair(root: RelayService.reference(to: ArithRelay()))
        let (requestSender, requestReceiver) = Channel<ArithRequest>(.buffer(8)).halves
        let (answerSender, answerReceiver) = Channel<ArithAnswer>(.buffer(8)).halves
        let relay = RelayClient(pair.client.rootReference)
        async let done: Void = relay.records(requestReceiver, answerSender)
        for request in requests { try await requestSender.send(request) }
        requestSender.close()
        var got: [ArithAnswer] = []
        while let answer = try await answerReceiver.receive() { got.append(answer) }
        try await done
        #expect(got == answers)
        // As text, each request an S-expression.
        let (textSender, textReceiver) = Channel<String>(.buffer(8)).halves
        let (replySender, replyReceiver) = Channel<String>(.buffer(8)).halves
        async let doneText: Void = relay.texts(textReceiver, replySender)
        for request in requests { try await textSender.send(String(decoding: try SExpression.encode(request), as: UTF8.self)) }
        textSender.close()
        var texts: [ArithAnswer] = []
        while let text = try await replyReceiver.receive() { texts.append(try SExpression.decode(ArithAnswer.self, from: text)) }
        try await doneText
        #expect(texts == answers)
        await pair.close()
    }

    @Test("A link is told of callers that had their reply, until they call again or it has waited for them once")
    func expectedCallers() async throws {
        let listener = MemoryListener()
        let server = SessionServer(root: ArithService.reference(to: Calculator()))
        try await listener.start { server.accept($0) }
        let connector = SpyConnector(listener.connector)
        let pair = try await SessionPair(connector: connector, acceptor: server)
        let driver = try #require(connector.driver)
        // An expectation that fails describes what it is about, and a driver holds values that cannot be copied for that.
        func isGathering() -> Bool { driver.isGathering }
        let arith = pair.arith
        #expect(!isGathering())
        #expect(try await arith.succ(1) == 2)
        #expect(isGathering())
        driver.endGathering()
        #expect(!isGathering())
        #expect(try await arith.succ(2) == 3)
        #expect(isGathering())
        let numbers = Channel<Int>(.buffer(1))
        async let count = arith.drain(numbers.receiver)
        try await eventually("the caller has called again") { !isGathering() }
        numbers.sender.close()
        #expect(try await count == 0)
        #expect(isGathering())
        await pair.close()
        await listener.shutdown(within: .zero)
    }
}
