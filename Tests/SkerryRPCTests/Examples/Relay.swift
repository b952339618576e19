import SkerryCSP
import SkerryCodec
import SkerryRPC

// A second service of the tests: arithmetic requests that travel as elements of channels, as in the book's first programs.

/// A request of the book.
enum ArithRequest: Equatable, Sendable {
    case succ(Int), neg(Int)
    case plus(Int, Int), sub(Int, Int), times(Int, Int), eq(Int, Int)
}

/// An answer of the book.
enum ArithAnswer: Equatable, Sendable {
    case int(Int), bool(Bool)
}

/// Answers requests in the order in which they come, until the channel closes.
protocol Relay: Sendable {
    /// Requests and answers as records.
    func records(_ requests: Receiver<ArithRequest>, _ answers: Sender<ArithAnswer>) async throws

    /// Requests and answers as S-expressions.
    func texts(_ requests: Receiver<String>, _ answers: Sender<String>) async throws
}

struct ArithRelay: Relay {
    func records(_ requests: Receiver<ArithRequest>, _ answers: Sender<ArithAnswer>) async throws {
        while let request = try await requests.receive() { try await answers.send(Self.answer(request)) }
        answers.close()
    }

    func texts(_ requests: Receiver<String>, _ answers: Sender<String>) async throws {
        while let text = try await requests.receive() {
            let answer = Self.answer(try SExpression.decode(ArithRequest.self, from: text))
            try await answers.send(String(decoding: try SExpression.encode(answer), as: UTF8.self))
        }
        answers.close()
    }

    private static func answer(_ request: ArithRequest) -> ArithAnswer {
        switch request {
        case .succ(let number): .int(number + 1)
        case .neg(let number): .int(-number)
        case .plus(let left, let right): .int(left + right)
        case .sub(let left, let right): .int(left - right)
        case .times(let left, let right): .int(left * right)
        case .eq(let left, let right): .bool(left == right)
        }
    }
}

// MARK: - What `@Shape` and `@Service` emit

extension ArithRequest: Shaped {
    static let cases = Cases(
        "ArithRequest",
        [
            Case("succ", Int.self), Case("neg", Int.self), Case("plus", [Int].self), Case("sub", [Int].self), Case("times", [Int].self),
            Case("eq", [Int].self),
        ])

    static var shape: Shape { .variant(cases) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        switch self {
        case .succ(let number): try writer.variant(0, of: Self.cases, number)
        case .neg(let number): try writer.variant(1, of: Self.cases, number)
        case .plus(let left, let right): try writer.variant(2, of: Self.cases, [left, right])
        case .sub(let left, let right): try writer.variant(3, of: Self.cases, [left, right])
        case .times(let left, let right): try writer.variant(4, of: Self.cases, [left, right])
        case .eq(let left, let right): try writer.variant(5, of: Self.cases, [left, right])
        }
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var variant = try reader.beginVariant(cases)
        let value: Self
        if variant.index < 2 {
            let number = try reader.payload(Int.self, in: variant)
            value = variant.index == 0 ? .succ(number) : .neg(number)
        } else {
            let pair = try reader.payload([Int].self, in: variant)
            guard pair.count == 2 else { throw ShapeError(.outOfRange, "a pair has two numbers") }
            switch variant.index {
            case 2: value = .plus(pair[0], pair[1])
            case 3: value = .sub(pair[0], pair[1])
            case 4: value = .times(pair[0], pair[1])
            default: value = .eq(pair[0], pair[1])
            }
        }
        try reader.endVariant(&variant)
        return value
    }
}

extension ArithAnswer: Shaped {
    static let cases = Cases("ArithAnswer", [Case("int", Int.self), Case("bool", Bool.self)])

    static var shape: Shape { .variant(cases) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        switch self {
        case .int(let number): try writer.variant(0, of: Self.cases, number)
        case .bool(let flag): try writer.variant(1, of: Self.cases, flag)
        }
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var variant = try reader.beginVariant(cases)
        let value: Self =
            variant.index == 0 ? .int(try reader.payload(Int.self, in: variant)) : .bool(try reader.payload(Bool.self, in: variant))
        try reader.endVariant(&variant)
        return value
    }
}

enum RelayService: ServiceDescription {
    typealias Client = RelayClient

    static let name = "Relay"
    static let methods: [MethodDescriptor] = [records.descriptor, texts.descriptor]

    static let records = ServiceMethod<RecordsArguments, NoValue>(RelayService.self, 0, "records", swiftName: "records(_:_:)")
    static let texts = ServiceMethod<TextsArguments, NoValue>(RelayService.self, 1, "texts", swiftName: "texts(_:_:)")

    static func reference(to implementation: some Relay) -> Reference { Reference(RelayDispatcher(implementation)) }
}

struct RelayClient: Relay, ServiceClient {
    typealias Service = RelayService

    let reference: Reference
    private let local: (any Relay)?

    init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any Relay
    }

    func records(_ requests: Receiver<ArithRequest>, _ answers: Sender<ArithAnswer>) async throws {
        if let local { return try await local.records(requests, answers) }
        try await reference.call(RelayService.records, .init(requests: requests, answers: answers))
    }

    func texts(_ requests: Receiver<String>, _ answers: Sender<String>) async throws {
        if let local { return try await local.texts(requests, answers) }
        try await reference.call(RelayService.texts, .init(requests: requests, answers: answers))
    }
}

struct RelayDispatcher<Implementation: Relay>: ServiceDispatcher {
    typealias Service = RelayService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: RelayService.records)
            try await implementation.records(arguments.requests, arguments.answers)
            return try call.reply(to: RelayService.records, NoValue())
        case 1:
            let arguments = try call.arguments(of: RelayService.texts)
            try await implementation.texts(arguments.requests, arguments.answers)
            return try call.reply(to: RelayService.texts, NoValue())
        default:
            throw call.unknownMethod
        }
    }
}

extension RelayService {
    struct RecordsArguments: Shaped {
        var requests: Receiver<ArithRequest>
        var answers: Sender<ArithAnswer>

        static let fields = Fields(
            "RecordsArguments", [Field("requests", Receiver<ArithRequest>.self), Field("answers", Sender<ArithAnswer>.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(requests, 0, in: &record)
            try writer.field(answers, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var requests: Receiver<ArithRequest>?
            var answers: Sender<ArithAnswer>?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&requests, in: record)
                default: try reader.field(&answers, in: record)
                }
            }
            return try Self(requests: record.require(requests, 0), answers: record.require(answers, 1))
        }
    }

    struct TextsArguments: Shaped {
        var requests: Receiver<String>
        var answers: Sender<String>

        static let fields = Fields("TextsArguments", [Field("requests", Receiver<String>.self), Field("answers", Sender<String>.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(requests, 0, in: &record)
            try writer.field(answers, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var requests: Receiver<String>?
            var answers: Sender<String>?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&requests, in: record)
                default: try reader.field(&answers, in: record)
                }
            }
            return try Self(requests: record.require(requests, 0), answers: record.require(answers, 1))
        }
    }
}
