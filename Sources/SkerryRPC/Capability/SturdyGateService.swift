public import SkerryCodec

// What `@Service` emits for `SturdyGate`.

/// Describes ``SturdyGate``: its methods, its errors, and how to call it.
public enum SturdyGateService: ServiceDescription {
    public typealias Client = SturdyGateClient

    public static let name = "SturdyGate"
    public static let documentation = "Gives objects to those who know the secret of a sturdy reference."
    public static let methods: [MethodDescriptor] = [enter.descriptor]

    public static let enter = ServiceMethod<EnterArguments, Reference>(
        SturdyGateService.self, 0, "enter", swiftName: "enter(_:)", documentation: "The object that the secret stands for.",
        options: [.idempotent])

    /// A reference to a ``SturdyGate`` in this process.
    public static func reference(to implementation: some SturdyGate) -> Reference { Reference(SturdyGateDispatcher(implementation)) }
}

/// Calls a ``SturdyGate`` behind a reference, in this process or another.
public struct SturdyGateClient: SturdyGate, ServiceClient {
    public typealias Service = SturdyGateService

    public let reference: Reference
    private let local: (any SturdyGate)?

    public init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any SturdyGate
    }

    public func enter(_ secret: [UInt8]) async throws -> Reference {
        if let local { return try await local.enter(secret) }
        return try await reference.call(SturdyGateService.enter, .init(secret: secret))
    }
}

/// Answers calls with a ``SturdyGate``.
public struct SturdyGateDispatcher<Implementation: SturdyGate>: ServiceDispatcher {
    public typealias Service = SturdyGateService

    public let implementation: Implementation

    public init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    public func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: SturdyGateService.enter)
            return try await call.reply(to: SturdyGateService.enter, implementation.enter(arguments.secret))
        default:
            throw call.unknownMethod
        }
    }
}

// MARK: - Parameters, each with what `@Shape` emits

extension SturdyGateService {
    public struct EnterArguments: Shaped {
        public var secret: [UInt8]

        public init(secret: [UInt8]) {
            self.secret = secret
        }

        public static let fields = Fields("EnterArguments", [Field("secret", [UInt8].self)])

        public static var shape: Shape { .record(fields) }

        public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(secret, 0, in: &record)
            try writer.endRecord(&record)
        }

        public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var secret: [UInt8]?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&secret, in: record)
                }
            }
            return try Self(secret: record.require(secret, 0))
        }
    }
}
