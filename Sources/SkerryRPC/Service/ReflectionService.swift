package import SkerryCodec

/// The methods that every reference answers beside those of its service.
///
/// Their wire names begin with `_`, which names of services may not, but for the notice a registry gives.
package enum ReflectionService: ServiceDescription {
    package typealias Client = ReflectionClient

    package static let name = "Reflection"
    package static let documentation = "What every reference answers."
    package static let methods: [MethodDescriptor] = [ping.descriptor, schema.descriptor, commands.descriptor, removedFromRoot.descriptor]

    package static let ping = ServiceMethod<NoValue, NoValue>(
        ReflectionService.self, 0, "_ping", swiftName: "ping()", documentation: "Answers, and does nothing.",
        options: [.idempotent, .readOnly])
    package static let schema = ServiceMethod<NoValue, ServiceSchema>(
        ReflectionService.self, 1, "_schema", swiftName: "schema()", documentation: "Describes the service for tools.",
        options: [.idempotent, .readOnly])
    package static let commands = ServiceMethod<NoValue, [String: String]>(
        ReflectionService.self, 2, "_commands", swiftName: "commands()", documentation: "Describes the service for people.",
        options: [.idempotent, .readOnly])
    package static let removedFromRoot = ServiceMethod<RemovedFromRoot, NoValue>(
        ReflectionService.self, 3, "removed_from_root", swiftName: "removedFromRoot(_:)",
        documentation: "Says that a registry no longer lists the service under this name.", options: [.oneWay])

    /// The parameters of `removed_from_root`.
    package struct RemovedFromRoot: Shaped {
        package var name: String

        private static let fields = Fields("RemovedFromRoot", [Field("name", String.self)])

        package static var shape: Shape { .record(fields) }

        package func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(name, 0, in: &record)
            try writer.endRecord(&record)
        }

        package static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var name: String?
            while try reader.nextField(&record) != nil { try reader.field(&name, in: record) }
            return try Self(name: record.require(name, 0))
        }
    }
}

/// A client of what every reference answers.
package struct ReflectionClient: ServiceClient {
    package typealias Service = ReflectionService

    package let reference: Reference

    package init(_ reference: Reference) {
        self.reference = reference
    }
}

/// Implemented by services that want to know when a registry stops listing them.
public protocol RemovalObserving: Sendable {
    /// Another service took the name, or it was removed.
    func removedFromRoot(_ name: String) async
}
