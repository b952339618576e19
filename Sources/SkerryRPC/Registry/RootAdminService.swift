public import SkerryCodec

// What `@Service` emits for `RootAdmin`.

/// Describes ``RootAdmin``: its methods, its errors, and how to call it.
public enum RootAdminService: ServiceDescription {
    public typealias Client = RootAdminClient

    public static let name = "RootAdmin"
    public static let documentation = "What changes a registry."
    public static let methods: [MethodDescriptor] = [add.descriptor, remove.descriptor]

    public static let add = ServiceMethod<AddArguments, NoValue>(
        RootAdminService.self, 0, "add", swiftName: "add(_:_:isPublic:)",
        documentation: "Lists `service` under `name`; a service that had the name is displaced and told so.")
    public static let remove = ServiceMethod<RemoveArguments, Bool>(
        RootAdminService.self, 1, "remove", swiftName: "remove(_:)",
        documentation: "Takes a name back; the service is told so. Answers whether there was one.")

    /// A reference to a ``RootAdmin`` in this process.
    public static func reference(to implementation: some RootAdmin) -> Reference { Reference(RootAdminDispatcher(implementation)) }
}

/// Calls a ``RootAdmin`` behind a reference, in this process or another.
public struct RootAdminClient: RootAdmin, ServiceClient {
    public typealias Service = RootAdminService

    public let reference: Reference
    private let local: (any RootAdmin)?

    public init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any RootAdmin
    }

    public func add(_ name: String, _ service: Reference, isPublic: Bool) async throws {
        if let local { return try await local.add(name, service, isPublic: isPublic) }
        try await reference.call(RootAdminService.add, .init(name: name, service: service, isPublic: isPublic))
    }

    public func remove(_ name: String) async throws -> Bool {
        if let local { return try await local.remove(name) }
        return try await reference.call(RootAdminService.remove, .init(name: name))
    }
}

/// Answers calls with a ``RootAdmin``.
public struct RootAdminDispatcher<Implementation: RootAdmin>: ServiceDispatcher {
    public typealias Service = RootAdminService

    public let implementation: Implementation

    public init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    public func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: RootAdminService.add)
            try await implementation.add(arguments.name, arguments.service, isPublic: arguments.isPublic)
            return try call.reply(to: RootAdminService.add, NoValue())
        case 1:
            let arguments = try call.arguments(of: RootAdminService.remove)
            return try await call.reply(to: RootAdminService.remove, implementation.remove(arguments.name))
        default:
            throw call.unknownMethod
        }
    }
}

// MARK: - Parameters, each with what `@Shape` emits

extension RootAdminService {
    public struct AddArguments: Shaped {
        public var name: String
        public var service: Reference
        public var isPublic: Bool

        public init(name: String, service: Reference, isPublic: Bool) {
            self.name = name
            self.service = service
            self.isPublic = isPublic
        }

        public static let fields = Fields(
            "AddArguments", [Field("name", String.self), Field("service", Reference.self), Field("isPublic", Bool.self)])

        public static var shape: Shape { .record(fields) }

        public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(name, 0, in: &record)
            try writer.field(service, 1, in: &record)
            try writer.field(isPublic, 2, in: &record)
            try writer.endRecord(&record)
        }

        public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var name: String?
            var service: Reference?
            var isPublic: Bool?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&name, in: record)
                case 1: try reader.field(&service, in: record)
                default: try reader.field(&isPublic, in: record)
                }
            }
            return try Self(name: record.require(name, 0), service: record.require(service, 1), isPublic: record.require(isPublic, 2))
        }
    }

    public struct RemoveArguments: Shaped {
        public var name: String

        public init(name: String) {
            self.name = name
        }

        public static let fields = Fields("RemoveArguments", [Field("name", String.self)])

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
}
