import SkerryCodec
import SkerryRPC

// What `@Service` emits for `Counter`.

/// Describes ``Counter``: its methods, its errors, and how to call it.
enum CounterService: ServiceDescription {
    typealias Client = CounterClient

    static let name = "Counter"
    static let documentation = "A number that can be raised; passed by reference."
    static let methods: [MethodDescriptor] = [add.descriptor]

    static let add = ServiceMethod<AddArguments, Int>(
        CounterService.self, 0, "add", swiftName: "add(_:)", documentation: "Raises the counter by `amount` and answers the new value.")

    /// A reference to a ``Counter`` in this process.
    static func reference(to implementation: some Counter) -> Reference { Reference(CounterDispatcher(implementation)) }
}

/// Calls a ``Counter`` behind a reference, in this process or another.
struct CounterClient: Counter, ServiceClient {
    typealias Service = CounterService

    let reference: Reference
    private let local: (any Counter)?

    init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any Counter
    }

    func add(_ amount: Int) async throws -> Int {
        if let local { return try await local.add(amount) }
        return try await reference.call(CounterService.add, .init(amount: amount))
    }
}

/// Answers calls with a ``Counter``.
struct CounterDispatcher<Implementation: Counter>: ServiceDispatcher {
    typealias Service = CounterService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: CounterService.add)
            return try await call.reply(to: CounterService.add, implementation.add(arguments.amount))
        default:
            throw call.unknownMethod
        }
    }
}

// MARK: - Parameters, each with what `@Shape` emits

extension CounterService {
    struct AddArguments: Shaped {
        var amount: Int

        static let fields = Fields("AddArguments", [Field("amount", Int.self)])

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
}
