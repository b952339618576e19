import SkerryCSP
import SkerryCodec
import SkerryRPC

// What `@Service(errors: ArithError.self, version: 2)` emits for `Arith`, line by line.

/// Describes ``Arith``: its methods, its errors, and how to call it.
enum ArithService: ServiceDescription {
    typealias Client = ArithClient

    static let name = "Arith"
    static let documentation = "Arithmetic over the wire, the book's example."
    static let version = 2
    static let errors: [DeclaredError] = [DeclaredError(ArithError.self)]
    static let methods: [MethodDescriptor] = [
        succ.descriptor, plus.descriptor, quotient.descriptor, power.descriptor, areEqual.descriptor, sum_v1.descriptor, sum_v2.descriptor,
        note.descriptor, total.descriptor, deposit.descriptor, collatz.descriptor, count.descriptor, drain.descriptor, counter.descriptor,
        read.descriptor,
    ]

    static let succ = ServiceMethod<SuccArguments, Int>(
        ArithService.self, 0, "succ", swiftName: "succ(_:)", documentation: "The number after `number`.",
        options: [.idempotent, .readOnly], route: MethodRoute(.get, "/succ/{number}"))
    static let plus = ServiceMethod<PlusArguments, Int>(
        ArithService.self, 1, "plus", swiftName: "plus(_:_:)", documentation: "The sum of two numbers.",
        route: MethodRoute(.get, "/plus"))
    static let quotient = ServiceMethod<QuotientArguments, Int>(
        ArithService.self, 2, "quotient", swiftName: "quotient(of:by:)",
        documentation: "The quotient; ``ArithError/divisionByZero`` when `divisor` is 0.")
    static let power = ServiceMethod<PowerArguments, Int>(
        ArithService.self, 3, "power", swiftName: "power(_:exponent:)",
        documentation: "`base` raised to `exponent`, its square when none is given.")
    static let areEqual = ServiceMethod<AreEqualArguments, Bool>(
        ArithService.self, 4, "eq", swiftName: "areEqual(_:_:)", documentation: "Whether two points are the same.")
    static let sum_v1 = ServiceMethod<Sum_v1Arguments, Int>(
        ArithService.self, 5, "sum.v1", swiftName: "sum(_:)", documentation: "The sum of many numbers.", until: 2)
    static let sum_v2 = ServiceMethod<Sum_v2Arguments, Int>(
        ArithService.self, 6, "sum.v2", swiftName: "sum(_:from:)",
        documentation: "The sum of many numbers, starting from `initial`.", route: MethodRoute(.post, "/sum"))
    static let note = ServiceMethod<NoteArguments, NoValue>(
        ArithService.self, 7, "note", swiftName: "note(_:)", documentation: "Adds to the total, without an answer.",
        options: [.oneWay])
    static let total = ServiceMethod<NoValue, Int>(
        ArithService.self, 8, "total", swiftName: "total()", documentation: "What ``note(_:)`` and ``deposit(_:)`` have added up to.",
        options: [.readOnly], route: MethodRoute(.get, "/total"))
    static let deposit = ServiceMethod<DepositArguments, Int>(
        ArithService.self, 9, "deposit", swiftName: "deposit(_:)",
        documentation: "Adds to the total once, however often the call is repeated.", options: [.durable])
    static let collatz = ServiceMethod<CollatzArguments, Int>(
        ArithService.self, 10, "collatz", swiftName: "collatz(_:)", documentation: "Computes for long, away from the link's loop.",
        options: [.offload])
    static let count = ServiceMethod<CountArguments, NoValue>(
        ArithService.self, 11, "count", swiftName: "count(to:into:)",
        documentation: "Sends the numbers from 0 up to `limit` into a channel of the caller.", route: MethodRoute(.get, "/count/{limit}"))
    static let drain = ServiceMethod<DrainArguments, Int>(
        ArithService.self, 12, "drain", swiftName: "drain(_:)",
        documentation: "Receives numbers from a channel of the caller until it closes, and answers their sum.")
    static let counter = ServiceMethod<CounterArguments, CounterClient>(
        ArithService.self, 13, "counter", swiftName: "counter(from:)",
        documentation: "A new counter, living at the callee while anybody holds it.")
    static let read = ServiceMethod<ReadArguments, Int>(
        ArithService.self, 14, "read", swiftName: "read(_:)", documentation: "Asks a counter, whoever hosts it.")

    /// A reference to an ``Arith`` in this process.
    static func reference(to implementation: some Arith) -> Reference { Reference(ArithDispatcher(implementation)) }
}

/// Calls an ``Arith`` behind a reference, in this process or another.
struct ArithClient: Arith, ServiceClient {
    typealias Service = ArithService

    let reference: Reference
    private let local: (any Arith)?

    init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any Arith
    }

    func succ(_ number: Int) async throws -> Int {
        if let local { return try await local.succ(number) }
        return try await reference.call(ArithService.succ, .init(number: number))
    }

    func plus(_ left: Int, _ right: Int) async throws -> Int {
        if let local { return try await local.plus(left, right) }
        return try await reference.call(ArithService.plus, .init(left: left, right: right))
    }

    func quotient(of dividend: Int, by divisor: Int) async throws -> Int {
        if let local { return try await local.quotient(of: dividend, by: divisor) }
        return try await reference.call(ArithService.quotient, .init(dividend: dividend, divisor: divisor))
    }

    func power(_ base: Int, exponent: Int) async throws -> Int {
        if let local { return try await local.power(base, exponent: exponent) }
        return try await reference.call(ArithService.power, .init(base: base, exponent: exponent))
    }

    func areEqual(_ left: Point, _ right: Point) async throws -> Bool {
        if let local { return try await local.areEqual(left, right) }
        return try await reference.call(ArithService.areEqual, .init(left: left, right: right))
    }

    func sum(_ numbers: [Int]) async throws -> Int {
        if let local { return try await local.sum(numbers) }
        return try await reference.call(ArithService.sum_v1, .init(numbers: numbers))
    }

    func sum(_ numbers: [Int], from initial: Int?) async throws -> Int {
        if let local { return try await local.sum(numbers, from: initial) }
        return try await reference.call(ArithService.sum_v2, .init(numbers: numbers, initial: initial))
    }

    func note(_ amount: Int) async throws {
        if let local { return try await local.note(amount) }
        try await reference.send(ArithService.note, .init(amount: amount))
    }

    func total() async throws -> Int {
        if let local { return try await local.total() }
        return try await reference.call(ArithService.total, .init())
    }

    func deposit(_ amount: Int) async throws -> Int {
        if let local { return try await local.deposit(amount) }
        return try await reference.call(ArithService.deposit, .init(amount: amount))
    }

    func collatz(_ start: Int) async throws -> Int {
        if let local { return try await local.collatz(start) }
        return try await reference.call(ArithService.collatz, .init(start: start))
    }

    func count(to limit: Int, into numbers: Sender<Int>) async throws {
        if let local { return try await local.count(to: limit, into: numbers) }
        try await reference.call(ArithService.count, .init(limit: limit, numbers: numbers))
    }

    func drain(_ numbers: Receiver<Int>) async throws -> Int {
        if let local { return try await local.drain(numbers) }
        return try await reference.call(ArithService.drain, .init(numbers: numbers))
    }

    func counter(from start: Int) async throws -> CounterClient {
        if let local { return try await local.counter(from: start) }
        return try await reference.call(ArithService.counter, .init(start: start))
    }

    func read(_ counter: CounterClient) async throws -> Int {
        if let local { return try await local.read(counter) }
        return try await reference.call(ArithService.read, .init(counter: counter))
    }
}

/// Answers calls with an ``Arith``.
struct ArithDispatcher<Implementation: Arith>: ServiceDispatcher {
    typealias Service = ArithService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: ArithService.succ)
            return try await call.reply(to: ArithService.succ, implementation.succ(arguments.number))
        case 1:
            let arguments = try call.arguments(of: ArithService.plus)
            return try await call.reply(to: ArithService.plus, implementation.plus(arguments.left, arguments.right))
        case 2:
            let arguments = try call.arguments(of: ArithService.quotient)
            return try await call.reply(
                to: ArithService.quotient, implementation.quotient(of: arguments.dividend, by: arguments.divisor))
        case 3:
            let arguments = try call.arguments(of: ArithService.power)
            return try await call.reply(to: ArithService.power, implementation.power(arguments.base, exponent: arguments.exponent))
        case 4:
            let arguments = try call.arguments(of: ArithService.areEqual)
            return try await call.reply(to: ArithService.areEqual, implementation.areEqual(arguments.left, arguments.right))
        case 5:
            let arguments = try call.arguments(of: ArithService.sum_v1)
            return try await call.reply(to: ArithService.sum_v1, implementation.sum(arguments.numbers))
        case 6:
            let arguments = try call.arguments(of: ArithService.sum_v2)
            return try await call.reply(to: ArithService.sum_v2, implementation.sum(arguments.numbers, from: arguments.initial))
        case 7:
            let arguments = try call.arguments(of: ArithService.note)
            try await implementation.note(arguments.amount)
            return .none
        case 8:
            return try await call.reply(to: ArithService.total, implementation.total())
        case 9:
            let arguments = try call.arguments(of: ArithService.deposit)
            return try await call.reply(to: ArithService.deposit, implementation.deposit(arguments.amount))
        case 10:
            let arguments = try call.arguments(of: ArithService.collatz)
            return try await call.reply(to: ArithService.collatz, implementation.collatz(arguments.start))
        case 11:
            let arguments = try call.arguments(of: ArithService.count)
            try await implementation.count(to: arguments.limit, into: arguments.numbers)
            return try call.reply(to: ArithService.count, NoValue())
        case 12:
            let arguments = try call.arguments(of: ArithService.drain)
            return try await call.reply(to: ArithService.drain, implementation.drain(arguments.numbers))
        case 13:
            let arguments = try call.arguments(of: ArithService.counter)
            return try await call.reply(to: ArithService.counter, implementation.counter(from: arguments.start))
        case 14:
            let arguments = try call.arguments(of: ArithService.read)
            return try await call.reply(to: ArithService.read, implementation.read(arguments.counter))
        default:
            throw call.unknownMethod
        }
    }
}

extension Arith {
    /// ``power(_:exponent:)`` with its defaults.
    func power(_ base: Int) async throws -> Int { try await power(base, exponent: 2) }
}

// MARK: - Parameters, each with what `@Shape` emits

extension ArithService {
    struct SuccArguments: Shaped {
        var number: Int

        static let fields = Fields("SuccArguments", [Field("number", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(number, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var number: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&number, in: record)
                }
            }
            return try Self(number: record.require(number, 0))
        }
    }

    struct PlusArguments: Shaped {
        var left: Int
        var right: Int

        static let fields = Fields("PlusArguments", [Field("left", Int.self), Field("right", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(left, 0, in: &record)
            try writer.field(right, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var left: Int?
            var right: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&left, in: record)
                default: try reader.field(&right, in: record)
                }
            }
            return try Self(left: record.require(left, 0), right: record.require(right, 1))
        }
    }

    struct QuotientArguments: Shaped {
        var dividend: Int
        var divisor: Int

        static let fields = Fields("QuotientArguments", [Field("dividend", Int.self), Field("divisor", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(dividend, 0, in: &record)
            try writer.field(divisor, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var dividend: Int?
            var divisor: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&dividend, in: record)
                default: try reader.field(&divisor, in: record)
                }
            }
            return try Self(dividend: record.require(dividend, 0), divisor: record.require(divisor, 1))
        }
    }

    struct PowerArguments: Shaped {
        var base: Int
        var exponent: Int

        static let fields = Fields("PowerArguments", [Field("base", Int.self), Field("exponent", Int.self, default: 2)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(base, 0, in: &record)
            try writer.field(exponent, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var base: Int?
            var exponent: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&base, in: record)
                default: try reader.field(&exponent, in: record)
                }
            }
            return try Self(base: record.require(base, 0), exponent: exponent ?? 2)
        }
    }

    struct AreEqualArguments: Shaped {
        var left: Point
        var right: Point

        static let fields = Fields("AreEqualArguments", [Field("left", Point.self), Field("right", Point.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(left, 0, in: &record)
            try writer.field(right, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var left: Point?
            var right: Point?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&left, in: record)
                default: try reader.field(&right, in: record)
                }
            }
            return try Self(left: record.require(left, 0), right: record.require(right, 1))
        }
    }

    struct Sum_v1Arguments: Shaped {
        var numbers: [Int]

        static let fields = Fields("Sum_v1Arguments", [Field("numbers", [Int].self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(numbers, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var numbers: [Int]?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&numbers, in: record)
                }
            }
            return try Self(numbers: record.require(numbers, 0))
        }
    }

    struct Sum_v2Arguments: Shaped {
        var numbers: [Int]
        var initial: Int?

        static let fields = Fields("Sum_v2Arguments", [Field("numbers", [Int].self), Field("initial", Int?.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(numbers, 0, in: &record)
            try writer.field(initial, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var numbers: [Int]?
            var initial: Int??
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&numbers, in: record)
                default: try reader.field(&initial, in: record)
                }
            }
            return try Self(numbers: record.require(numbers, 0), initial: record.require(initial, 1))
        }
    }

    struct NoteArguments: Shaped {
        var amount: Int

        static let fields = Fields("NoteArguments", [Field("amount", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(amount, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var amount: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&amount, in: record)
                }
            }
            return try Self(amount: record.require(amount, 0))
        }
    }

    struct DepositArguments: Shaped {
        var amount: Int

        static let fields = Fields("DepositArguments", [Field("amount", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(amount, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var amount: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&amount, in: record)
                }
            }
            return try Self(amount: record.require(amount, 0))
        }
    }

    struct CollatzArguments: Shaped {
        var start: Int

        static let fields = Fields("CollatzArguments", [Field("start", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(start, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var start: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&start, in: record)
                }
            }
            return try Self(start: record.require(start, 0))
        }
    }

    struct CountArguments: Shaped {
        var limit: Int
        var numbers: Sender<Int>

        static let fields = Fields("CountArguments", [Field("limit", Int.self), Field("numbers", Sender<Int>.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(limit, 0, in: &record)
            try writer.field(numbers, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var limit: Int?
            var numbers: Sender<Int>?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&limit, in: record)
                default: try reader.field(&numbers, in: record)
                }
            }
            return try Self(limit: record.require(limit, 0), numbers: record.require(numbers, 1))
        }
    }

    struct DrainArguments: Shaped {
        var numbers: Receiver<Int>

        static let fields = Fields("DrainArguments", [Field("numbers", Receiver<Int>.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(numbers, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var numbers: Receiver<Int>?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&numbers, in: record)
                }
            }
            return try Self(numbers: record.require(numbers, 0))
        }
    }

    struct CounterArguments: Shaped {
        var start: Int

        static let fields = Fields("CounterArguments", [Field("start", Int.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(start, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var start: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&start, in: record)
                }
            }
            return try Self(start: record.require(start, 0))
        }
    }

    struct ReadArguments: Shaped {
        var counter: CounterClient

        static let fields = Fields("ReadArguments", [Field("counter", CounterClient.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(counter, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var counter: CounterClient?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&counter, in: record)
                }
            }
            return try Self(counter: record.require(counter, 0))
        }
    }
}
