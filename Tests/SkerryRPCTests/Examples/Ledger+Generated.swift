// Printed by skerry-generate from Ledger.swift: change that and run it again.
// swift-format-ignore-file

import SkerryCSP
import SkerryCodec
import SkerryRPC

extension LedgerError: SkerryCodec.Shaped {
    static let cases = SkerryCodec.Cases("LedgerError", [.init("negative", Int.self)], doc: "Why an amount is not added.")

    static var shape: SkerryCodec.Shape { .variant(cases) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        switch self {
        case .negative(let value): try writer.variant(0, of: Self.cases, value)
        }
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var variant = try reader.beginVariant(cases)
        let value: Self
        switch variant.index {
        default: value = try .negative(reader.payload(Int.self, in: variant))
        }
        try reader.endVariant(&variant)
        return value
    }
}

/// Describes ``Ledger``: its methods, its errors, and how to call it.
enum LedgerService: SkerryRPC.ServiceDescription {
    typealias Client = LedgerClient

    static let name = "Ledger"
    static let documentation = "A sum."
    static let errors: [SkerryRPC.DeclaredError] = [.init(LedgerError.self)]

    static let methods: [SkerryRPC.MethodDescriptor] = [add.descriptor, read.descriptor, report.descriptor]
    static let add = SkerryRPC.ServiceMethod<AddArguments, Int>(
        LedgerService.self, 0, "add", swiftName: "add(_:)", documentation: "Adds to the sum, and answers the sum.")
    static let read = SkerryRPC.ServiceMethod<SkerryRPC.NoValue, Int>(
        LedgerService.self, 1, "read", swiftName: "read()", documentation: "The sum.", options: [.idempotent])
    static let report = SkerryRPC.ServiceMethod<ReportArguments, SkerryRPC.NoValue>(
        LedgerService.self, 2, "report", swiftName: "report(into:)",
        documentation: "Sends the sum into a channel of the caller.", options: [.idempotent])

    /// A reference to an implementation in this process.
    static func reference(to implementation: some Ledger) -> SkerryRPC.Reference {
        SkerryRPC.Reference(LedgerDispatcher(implementation))
    }

    struct AddArguments: SkerryCodec.Shaped {
        var amount: Int

        static let fields = SkerryCodec.Fields("AddArguments", [.init("amount", Int.self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(amount, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
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

    struct ReportArguments: SkerryCodec.Shaped {
        var sums: Sender<Int>

        static let fields = SkerryCodec.Fields("ReportArguments", [.init("sums", Sender<Int>.self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(sums, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var sums: Sender<Int>?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&sums, in: record)
                }
            }
            return try Self(sums: record.require(sums, 0))
        }
    }
}

/// Calls ``Ledger`` behind a reference, in this process or another.
struct LedgerClient: Ledger, SkerryRPC.ServiceClient {
    typealias Service = LedgerService

    let reference: SkerryRPC.Reference
    private let local: (any Ledger)?

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
        local = reference.implementation as? any Ledger
    }

    func add(_ amount: Int) async throws -> Int {
        if let local { return try await local.add(amount) }
        return try await reference.call(LedgerService.add, .init(amount: amount))
    }

    func read() async throws -> Int {
        if let local { return try await local.read() }
        return try await reference.call(LedgerService.read, .init())
    }

    func report(into sums: Sender<Int>) async throws {
        if let local { return try await local.report(into: sums) }
        try await reference.call(LedgerService.report, .init(sums: sums))
    }
}

/// Answers calls with an implementation of ``Ledger``.
struct LedgerDispatcher<Implementation: Ledger>: SkerryRPC.ServiceDispatcher {
    typealias Service = LedgerService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: LedgerService.add)
            return try await call.reply(to: LedgerService.add, implementation.add(arguments.amount))
        case 1:
            return try await call.reply(to: LedgerService.read, implementation.read())
        case 2:
            let arguments = try call.arguments(of: LedgerService.report)
            try await implementation.report(into: arguments.sums)
            return try call.reply(to: LedgerService.report, SkerryRPC.NoValue())
        default:
            throw call.unknownMethod
        }
    }
}
