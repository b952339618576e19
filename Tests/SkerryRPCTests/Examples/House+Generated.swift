// Printed by skerry-generate from House.swift: change that and run it again.
// swift-format-ignore-file

import SkerryCSP
import SkerryCodec
import SkerryRPC

extension HouseError: SkerryCodec.Shaped {
    static let cases = SkerryCodec.Cases(
        "HouseError",
        [
            .init("noSuchDoor", String.self),
        ], doc: "Why a house has no door of a name.")

    static var shape: SkerryCodec.Shape { .variant(cases) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        switch self {
        case .noSuchDoor(let value): try writer.variant(0, of: Self.cases, value)
        }
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var variant = try reader.beginVariant(cases)
        let value: Self
        switch variant.index {
        default: value = try .noSuchDoor(reader.payload(String.self, in: variant))
        }
        try reader.endVariant(&variant)
        return value
    }
}

/// Describes ``House``: its methods, its errors, and how to call it.
enum HouseService: SkerryRPC.ServiceDescription {
    typealias Client = HouseClient

    static let name = "House"
    static let documentation = "A house with doors."
    static let errors: [SkerryRPC.DeclaredError] = [.init(HouseError.self)]

    static let methods: [SkerryRPC.MethodDescriptor] = [door.descriptor, echo.descriptor, state.descriptor]
    static let door = SkerryRPC.ServiceMethod<DoorArguments, DoorClient>(
        HouseService.self, 0, "door", swiftName: "door(_:)",
        documentation: "The door of that name; ``HouseError/noSuchDoor(_:)`` when there is none.")
    static let echo = SkerryRPC.ServiceMethod<EchoArguments, Reference>(
        HouseService.self, 1, "echo", swiftName: "echo(_:)", documentation: "Whatever it was given.")
    static let state = SkerryRPC.ServiceMethod<StateArguments, String>(
        HouseService.self, 2, "state", swiftName: "state(of:)", documentation: "The state of a lock, whoever hosts it.")

    /// A reference to an implementation in this process.
    static func reference(to implementation: some House) -> SkerryRPC.Reference {
        SkerryRPC.Reference(HouseDispatcher(implementation))
    }

    struct DoorArguments: SkerryCodec.Shaped {
        var name: String

        static let fields = SkerryCodec.Fields("DoorArguments", [.init("name", String.self, default: "front")])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(name, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var name: String?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&name, in: record)
                }
            }
            return Self(name: name ?? "front")
        }
    }

    struct EchoArguments: SkerryCodec.Shaped {
        var reference: Reference

        static let fields = SkerryCodec.Fields("EchoArguments", [.init("reference", Reference.self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(reference, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
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

    struct StateArguments: SkerryCodec.Shaped {
        var lock: LockClient

        static let fields = SkerryCodec.Fields("StateArguments", [.init("lock", LockClient.self)])

        static var shape: SkerryCodec.Shape { .record(fields) }

        func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(lock, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var lock: LockClient?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&lock, in: record)
                }
            }
            return try Self(lock: record.require(lock, 0))
        }
    }
}

/// Calls ``House`` behind a reference, in this process or another.
struct HouseClient: House, SkerryRPC.ServiceClient {
    typealias Service = HouseService

    let reference: SkerryRPC.Reference
    private let local: (any House)?

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
        local = reference.implementation as? any House
    }

    func door(_ name: String) async throws -> DoorClient {
        if let local { return try await local.door(name) }
        return try await reference.call(HouseService.door, .init(name: name))
    }

    func echo(_ reference_: Reference) async throws -> Reference {
        if let local { return try await local.echo(reference_) }
        return try await reference.call(HouseService.echo, .init(reference: reference_))
    }

    func state(of lock: LockClient) async throws -> String {
        if let local { return try await local.state(of: lock) }
        return try await reference.call(HouseService.state, .init(lock: lock))
    }

    /// The methods that return references, for using these before they are there.
    var promise: HousePromise { HousePromise(reference) }
}

/// Calls methods of ``House`` and gives at once what they will return: calls through that follow without waiting.
struct HousePromise: Sendable {
    private let reference: SkerryRPC.Reference

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
    }

    /// What ``House/door(_:)`` will return.
    func door(_ name: String) -> DoorClient {
        reference.promise(HouseService.door, .init(name: name))
    }

    /// What ``House/echo(_:)`` will return.
    func echo(_ reference_: Reference) -> Reference {
        reference.promise(HouseService.echo, .init(reference: reference_))
    }

    /// ``door(_:)`` without `name`.
    func door() -> DoorClient {
        door("front")
    }
}

/// Answers calls with an implementation of ``House``.
struct HouseDispatcher<Implementation: House>: SkerryRPC.ServiceDispatcher {
    typealias Service = HouseService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: HouseService.door)
            return try await call.reply(to: HouseService.door, implementation.door(arguments.name))
        case 1:
            let arguments = try call.arguments(of: HouseService.echo)
            return try await call.reply(to: HouseService.echo, implementation.echo(arguments.reference))
        case 2:
            let arguments = try call.arguments(of: HouseService.state)
            return try await call.reply(to: HouseService.state, implementation.state(of: arguments.lock))
        default:
            throw call.unknownMethod
        }
    }
}

extension House {
    /// ``door(_:)`` without `name`.
    func door() async throws -> DoorClient {
        try await door("front")
    }
}

/// Describes ``Door``: its methods, its errors, and how to call it.
enum DoorService: SkerryRPC.ServiceDescription {
    typealias Client = DoorClient

    static let name = "Door"
    static let documentation = "A door with a lock."

    static let methods: [SkerryRPC.MethodDescriptor] = [lock.descriptor]
    static let lock = SkerryRPC.ServiceMethod<SkerryRPC.NoValue, LockClient>(DoorService.self, 0, "lock", swiftName: "lock()")

    /// A reference to an implementation in this process.
    static func reference(to implementation: some Door) -> SkerryRPC.Reference {
        SkerryRPC.Reference(DoorDispatcher(implementation))
    }
}

/// Calls ``Door`` behind a reference, in this process or another.
struct DoorClient: Door, SkerryRPC.ServiceClient {
    typealias Service = DoorService

    let reference: SkerryRPC.Reference
    private let local: (any Door)?

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
        local = reference.implementation as? any Door
    }

    func lock() async throws -> LockClient {
        if let local { return try await local.lock() }
        return try await reference.call(DoorService.lock, .init())
    }

    /// The methods that return references, for using these before they are there.
    var promise: DoorPromise { DoorPromise(reference) }
}

/// Calls methods of ``Door`` and gives at once what they will return: calls through that follow without waiting.
struct DoorPromise: Sendable {
    private let reference: SkerryRPC.Reference

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
    }

    /// What ``Door/lock()`` will return.
    func lock() -> LockClient {
        reference.promise(DoorService.lock, .init())
    }
}

/// Answers calls with an implementation of ``Door``.
struct DoorDispatcher<Implementation: Door>: SkerryRPC.ServiceDispatcher {
    typealias Service = DoorService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply {
        switch call.index {
        case 0:
            return try await call.reply(to: DoorService.lock, implementation.lock())
        default:
            throw call.unknownMethod
        }
    }
}

/// Describes ``Lock``: its methods, its errors, and how to call it.
enum LockService: SkerryRPC.ServiceDescription {
    typealias Client = LockClient

    static let name = "Lock"
    static let documentation = "A lock."

    static let methods: [SkerryRPC.MethodDescriptor] = [turn.descriptor, state.descriptor, nudge.descriptor]
    static let turn = SkerryRPC.ServiceMethod<SkerryRPC.NoValue, String>(LockService.self, 0, "turn", swiftName: "turn()")
    static let state = SkerryRPC.ServiceMethod<SkerryRPC.NoValue, String>(LockService.self, 1, "state", swiftName: "state()")
    static let nudge = SkerryRPC.ServiceMethod<SkerryRPC.NoValue, SkerryRPC.NoValue>(
        LockService.self, 2, "nudge", swiftName: "nudge()", documentation: "Turns, without an answer.", options: [.oneWay])

    /// A reference to an implementation in this process.
    static func reference(to implementation: some Lock) -> SkerryRPC.Reference {
        SkerryRPC.Reference(LockDispatcher(implementation))
    }
}

/// Calls ``Lock`` behind a reference, in this process or another.
struct LockClient: Lock, SkerryRPC.ServiceClient {
    typealias Service = LockService

    let reference: SkerryRPC.Reference
    private let local: (any Lock)?

    init(_ reference: SkerryRPC.Reference) {
        self.reference = reference
        local = reference.implementation as? any Lock
    }

    func turn() async throws -> String {
        if let local { return try await local.turn() }
        return try await reference.call(LockService.turn, .init())
    }

    func state() async throws -> String {
        if let local { return try await local.state() }
        return try await reference.call(LockService.state, .init())
    }

    func nudge() async throws {
        if let local { return try await local.nudge() }
        try await reference.send(LockService.nudge, .init())
    }
}

/// Answers calls with an implementation of ``Lock``.
struct LockDispatcher<Implementation: Lock>: SkerryRPC.ServiceDispatcher {
    typealias Service = LockService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply {
        switch call.index {
        case 0:
            return try await call.reply(to: LockService.turn, implementation.turn())
        case 1:
            return try await call.reply(to: LockService.state, implementation.state())
        case 2:
            try await implementation.nudge()
            return .none
        default:
            throw call.unknownMethod
        }
    }
}
