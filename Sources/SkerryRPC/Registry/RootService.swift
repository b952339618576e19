public import SkerryCodec

// What `@Service` emits for `Root`.

/// Describes ``Root``: its methods, its errors, and how to call it.
public enum RootService: ServiceDescription {
    public typealias Client = RootClient

    public static let name = "Root"
    public static let documentation = "The services of a node, by name: what a session finds first."
    public static let methods: [MethodDescriptor] = [
        rootName.descriptor, list.descriptor, get.descriptor, locate.descriptor,
    ]

    public static let rootName = ServiceMethod<NoValue, String>(
        RootService.self, 0, "name", swiftName: "name()", documentation: "The name of the root.", options: [.idempotent, .readOnly])
    public static let list = ServiceMethod<NoValue, [String]>(
        RootService.self, 1, "list", swiftName: "list()", documentation: "The names of the services, in ascending order.",
        options: [.idempotent, .readOnly])
    public static let get = ServiceMethod<GetArguments, Reference>(
        RootService.self, 2, "get", swiftName: "get(_:)", documentation: "The service of that name here.",
        options: [.idempotent, .readOnly])
    public static let locate = ServiceMethod<LocateArguments, Reference>(
        RootService.self, 3, "locate", swiftName: "locate(_:hops:)",
        documentation: "The service of that name here, or else at the delegate, its delegate and so on.", options: [.idempotent, .readOnly])

    /// A reference to a ``Root`` in this process.
    public static func reference(to implementation: some Root) -> Reference { Reference(RootDispatcher(implementation)) }
}

/// Calls a ``Root`` behind a reference, in this process or another.
public struct RootClient: Root, ServiceClient {
    public typealias Service = RootService

    public let reference: Reference
    private let local: (any Root)?

    public init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any Root
    }

    public func name() async throws -> String {
        if let local { return try await local.name() }
        return try await reference.call(RootService.rootName, .init())
    }

    public func list() async throws -> [String] {
        if let local { return try await local.list() }
        return try await reference.call(RootService.list, .init())
    }

    public func get(_ name: String) async throws -> Reference {
        if let local { return try await local.get(name) }
        return try await reference.call(RootService.get, .init(name: name))
    }

    public func locate(_ name: String, hops: Int) async throws -> Reference {
        if let local { return try await local.locate(name, hops: hops) }
        return try await reference.call(RootService.locate, .init(name: name, hops: hops))
    }
}

/// Answers calls with a ``Root``.
public struct RootDispatcher<Implementation: Root>: ServiceDispatcher {
    public typealias Service = RootService

    public let implementation: Implementation

    public init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    public func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            return try await call.reply(to: RootService.rootName, implementation.name())
        case 1:
            return try await call.reply(to: RootService.list, implementation.list())
        case 2:
            let arguments = try call.arguments(of: RootService.get)
            return try await call.reply(to: RootService.get, implementation.get(arguments.name))
        case 3:
            let arguments = try call.arguments(of: RootService.locate)
            return try await call.reply(to: RootService.locate, implementation.locate(arguments.name, hops: arguments.hops))
        default:
            throw call.unknownMethod
        }
    }
}

// MARK: - Parameters, each with what `@Shape` emits

extension RootService {
    public struct GetArguments: Shaped {
        public var name: String

        public init(name: String) {
            self.name = name
        }

        public static let fields = Fields("GetArguments", [Field("name", String.self)])

        public static var shape: Shape { .record(fields) }

        public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(name, 0, in: &record)
            try writer.endRecord(&record)
        }

        public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var name: String?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&name, in: record)
                }
            }
            return try Self(name: record.require(name, 0))
        }
    }

    public struct LocateArguments: Shaped {
        public var name: String
        public var hops: Int

        public init(name: String, hops: Int) {
            self.name = name
            self.hops = hops
        }

        public static let fields = Fields("LocateArguments", [Field("name", String.self), Field("hops", Int.self, default: 8)])

        public static var shape: Shape { .record(fields) }

        public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(name, 0, in: &record)
            try writer.field(hops, 1, in: &record)
            try writer.endRecord(&record)
        }

        public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var name: String?
            var hops: Int?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&name, in: record)
                default: try reader.field(&hops, in: record)
                }
            }
            return try Self(name: record.require(name, 0), hops: hops ?? 8)
        }
    }
}
