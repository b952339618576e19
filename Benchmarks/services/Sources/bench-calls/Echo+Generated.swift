// Printed by skerry-generate from Echo.swift: change that and run it again.
// swift-format-ignore-file

import SkerryCSP
import SkerryCodec
import SkerryRPC

/// Describes ``Echo``: its methods, its errors, and how to call it.
enum EchoService: SkerryRPC.ServiceDescription {
    typealias Client = EchoClient

    static let name = "Echo"
    static let documentation = "What is measured."

    static let methods: [SkerryRPC.MethodDescriptor] = [echo.descriptor, sleep.descriptor, pour.descriptor]
    static let echo = SkerryRPC.ServiceMethod<EchoArguments, [UInt8]>(
        EchoService.self, 0, "echo", swiftName: "echo(_:)", documentation: "The same bytes.")
    static let sleep = SkerryRPC.ServiceMethod<SkerryRPC.NoValue, SkerryRPC.NoValue>(
        EchoService.self, 1, "sleep", swiftName: "sleep()", documentation: "Does not answer.")
    static let pour = SkerryRPC.ServiceMethod<PourArguments, SkerryRPC.NoValue>(
        EchoService.self, 2, "pour", swiftName: "pour(_:of:into:)",
        documentation: "Sends so many elements of a size into a channel of the caller, and closes it.")

    /// A reference to an implementation in this process.
    static func reference(to implementation: some Echo) -> SkerryRPC.Reference {
        SkerryRPC.Reference(EchoDispatcher(implementation))
    }

    struct EchoArguments: SkerryCodec.Shaped {
        var bytes: [UInt8]

        static let fields = SkerryCodec.Fields("EchoArguments", [.init("bytes", [UInt8].self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(bytes, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var bytes: [UInt8]?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&bytes, in: record)
                }
            }
            return try Self(bytes: record.require(bytes, 0))
        }
    }

    struct PourArguments: SkerryCodec.Shaped {
        var count: Int
        var size: Int
        var elements: Sender<[UInt8]>

        static let fields = SkerryCodec.Fields(
            "PourArguments",
            [
                .init("count", Int.self),
                .init("size", Int.self),
                .init("elements", Sender<[UInt8]>.self),
            ])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(count, 0, in: &record)
            try writer.field(size, 1, in: &record)
            try writer.field(elements, 2, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var count: Int?
            var size: Int?
            var elements: Sender<[UInt8]>?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&count, in: record)
                case 1: try reader.field(&size, in: record)
                default: try reader.field(&elements, in: record)
                }
            }
            return try Self(count: record.require(count, 0), size: record.require(size, 1), elements: record.require(elements, 2))
        }
    }
}

/// Calls ``Echo`` behind a reference, in this process or another.
struct EchoClient: Echo, SkerryRPC.ServiceClient {
    typealias Service = EchoService

    let reference: SkerryRPC.Reference
    private let local: (any Echo)?

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
        local = reference.implementation as? any Echo
    }

    func echo(_ bytes: [UInt8]) async throws -> [UInt8] {
        if let local { return try await local.echo(bytes) }
        return try await reference.call(EchoService.echo, .init(bytes: bytes))
    }

    func sleep() async throws {
        if let local { return try await local.sleep() }
        try await reference.call(EchoService.sleep, .init())
    }

    func pour(_ count: Int, of size: Int, into elements: Sender<[UInt8]>) async throws {
        if let local { return try await local.pour(count, of: size, into: elements) }
        try await reference.call(EchoService.pour, .init(count: count, size: size, elements: elements))
    }
}

/// Answers calls with an implementation of ``Echo``.
struct EchoDispatcher<Implementation: Echo>: SkerryRPC.ServiceDispatcher {
    typealias Service = EchoService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: EchoService.echo)
            return try await call.reply(to: EchoService.echo, implementation.echo(arguments.bytes))
        case 1:
            try await implementation.sleep()
            return try call.reply(to: EchoService.sleep, SkerryRPC.NoValue())
        case 2:
            let arguments = try call.arguments(of: EchoService.pour)
            try await implementation.pour(arguments.count, of: arguments.size, into: arguments.elements)
            return try call.reply(to: EchoService.pour, SkerryRPC.NoValue())
        default:
            throw call.unknownMethod
        }
    }
}
