import SkerryCodec
import SkerryRPC

// A third service of the tests: keeps a reference for others.

/// Keeps a reference and gives it out.
protocol Keep: Sendable {
    /// Keeps a reference in place of the one before.
    func keep(_ reference: Reference) async throws

    /// The reference kept.
    func given() async throws -> Reference
}

actor Keeper: Keep {
    private(set) var kept: Reference?

    func keep(_ reference: Reference) { kept = reference }

    func set(_ reference: Reference?) { kept = reference }

    func given() throws -> Reference {
        guard let kept else { throw CallError(.noSuchReference, "nothing is kept") }
        return kept
    }
}

enum KeeperService: ServiceDescription {
    typealias Client = KeeperClient

    static let name = "Keep"
    static let methods: [MethodDescriptor] = [keep.descriptor, given.descriptor]

    static let keep = ServiceMethod<KeepArguments, NoValue>(KeeperService.self, 0, "keep", swiftName: "keep(_:)")
    static let given = ServiceMethod<NoValue, Reference>(KeeperService.self, 1, "given", swiftName: "given()")

    static func reference(to implementation: some Keep) -> Reference { Reference(KeeperDispatcher(implementation)) }
}

struct KeeperClient: Keep, ServiceClient {
    typealias Service = KeeperService

    let reference: Reference
    private let local: (any Keep)?

    init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any Keep
    }

    func keep(_ reference: Reference) async throws {
        if let local { return try await local.keep(reference) }
        try await self.reference.call(KeeperService.keep, .init(reference: reference))
    }

    func given() async throws -> Reference {
        if let local { return try await local.given() }
        return try await reference.call(KeeperService.given, .init())
    }
}

struct KeeperDispatcher<Implementation: Keep>: ServiceDispatcher {
    typealias Service = KeeperService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: KeeperService.keep)
            try await implementation.keep(arguments.reference)
            return try call.reply(to: KeeperService.keep, NoValue())
        case 1:
            return try await call.reply(to: KeeperService.given, implementation.given())
        default:
            throw call.unknownMethod
        }
    }
}

extension KeeperService {
    struct KeepArguments: Shaped {
        var reference: Reference

        static let fields = Fields("KeepArguments", [Field("reference", Reference.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(reference, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var reference: Reference?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&reference, in: record)
                }
            }
            return try Self(reference: record.require(reference, 0))
        }
    }
}
