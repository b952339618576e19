// Printed by skerry-generate from Committed.swift: change that and run it again.
// swift-format-ignore-file

package import SkerryCodec
package import SkerryRPC

extension JournalEntry: SkerryCodec.Shaped {
    package static let fields = SkerryCodec.Fields(
        "JournalEntry",
        [
            .init("seq", UInt64.self, name: "sequence", doc: "Counts from 0."),
            .init("text", String.self),
            .init("marks", [Mark].self, default: []),
        ], doc: "One entry of a journal.")

    package static var shape: SkerryCodec.Shape { .record(fields) }

    package func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(sequence, 0, in: &record)
        try writer.field(text, 1, in: &record)
        try writer.field(marks, 2, in: &record)
        try writer.endRecord(&record)
    }

    package static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var sequence: UInt64?
        var text: String?
        var marks: [Mark]?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&sequence, in: record)
            case 1: try reader.field(&text, in: record)
            default: try reader.field(&marks, in: record)
            }
        }
        return try Self(sequence: record.require(sequence, 0), text: record.require(text, 1), marks: marks ?? [])
    }
}

extension JournalEntry.Mark: SkerryCodec.Shaped {
    package static var shape: SkerryCodec.Shape {
        .alias(.init(name: "Mark", carrier: String.shape, values: [.string("read"), .string("kept")]))
    }
}

/// Describes ``Journal``: its methods, its errors, and how to call it.
package enum JournalService: SkerryRPC.ServiceDescription {
    package typealias Client = JournalClient

    package static let name = "Journal"
    package static let documentation = "Keeps entries."

    package static let methods: [SkerryRPC.MethodDescriptor] = [add.descriptor, newest.descriptor]
    static let add = SkerryRPC.ServiceMethod<AddArguments, Int>(
        JournalService.self, 0, "add.v1", swiftName: "add(_:)", documentation: "Adds an entry and answers how many there are.")
    static let newest = SkerryRPC.ServiceMethod<NewestArguments, [JournalEntry]>(
        JournalService.self, 1, "newest", swiftName: "newest(limit:)", documentation: "The newest entries.",
        options: [.readOnly], route: .init(.get, "/journal"))

    /// A reference to an implementation in this process.
    package static func reference(to implementation: some Journal) -> SkerryRPC.Reference {
        SkerryRPC.Reference(JournalDispatcher(implementation))
    }

    struct AddArguments: SkerryCodec.Shaped {
        var entry: JournalEntry

        static let fields = SkerryCodec.Fields("Add_v1Arguments", [.init("entry", JournalEntry.self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(entry, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var entry: JournalEntry?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&entry, in: record)
                }
            }
            return try Self(entry: record.require(entry, 0))
        }
    }

    struct NewestArguments: SkerryCodec.Shaped {
        var limit: Int?

        static let fields = SkerryCodec.Fields("NewestArguments", [.init("limit", Int?.self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(limit, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var limit: Int??
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&limit, in: record)
                }
            }
            return try Self(limit: record.require(limit, 0))
        }
    }
}

/// Calls ``Journal`` behind a reference, in this process or another.
package struct JournalClient: Journal, SkerryRPC.ServiceClient {
    package typealias Service = JournalService

    package let reference: SkerryRPC.Reference
    private let local: (any Journal)?

    package init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
        local = reference.implementation as? any Journal
    }

    package func add(_ entry: JournalEntry) async throws -> Int {
        if let local { return try await local.add(entry) }
        return try await reference.call(JournalService.add, .init(entry: entry))
    }

    package func newest(limit: Int?) async throws -> [JournalEntry] {
        if let local { return try await local.newest(limit: limit) }
        return try await reference.call(JournalService.newest, .init(limit: limit))
    }
}

/// Answers calls with an implementation of ``Journal``.
package struct JournalDispatcher<Implementation: Journal>: SkerryRPC.ServiceDispatcher {
    package typealias Service = JournalService

    package let implementation: Implementation

    package init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    package func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: JournalService.add)
            return try await call.reply(to: JournalService.add, implementation.add(arguments.entry))
        case 1:
            let arguments = try call.arguments(of: JournalService.newest)
            return try await call.reply(to: JournalService.newest, implementation.newest(limit: arguments.limit))
        default:
            throw call.unknownMethod
        }
    }
}

extension Journal {
    /// ``newest(limit:)`` without `limit`.
    package func newest() async throws -> [JournalEntry] {
        try await newest(limit: nil)
    }
}
