import SkerryCSP
import SkerryCodec
import SkerryRPC

// A fourth service of the tests: keeps channel ends.

protocol Ends: Sendable {
    func keep(_ sender: Sender<Int>, _ receiver: Receiver<Int>) async throws
    func heldSender() async throws -> Sender<Int>
    func heldReceiver() async throws -> Receiver<Int>
    /// Adds up what the counters that come down the channel say.
    func ask(_ counters: Receiver<CounterClient>) async throws -> Int
}

actor EndKeeper: Ends {
    struct Nothing: Error {}

    private(set) var sender: Sender<Int>?
    private(set) var receiver: Receiver<Int>?

    func keep(_ sender: Sender<Int>, _ receiver: Receiver<Int>) {
        self.sender = sender
        self.receiver = receiver
    }

    func forget() {
        sender = nil
        receiver = nil
    }

    func heldSender() throws -> Sender<Int> {
        guard let sender else { throw Nothing() }
        return sender
    }

    func heldReceiver() throws -> Receiver<Int> {
        guard let receiver else { throw Nothing() }
        return receiver
    }

    func ask(_ counters: Receiver<CounterClient>) async throws -> Int {
        var sum = 0
        while let counter = try await counters.receive() { sum += try await counter.add(0) }
        return sum
    }
}

enum EndsService: ServiceDescription {
    typealias Client = EndsClient

    static let name = "Ends"
    static let methods: [MethodDescriptor] = [keep.descriptor, heldSender.descriptor, heldReceiver.descriptor, ask.descriptor]

    static let keep = ServiceMethod<KeepArguments, NoValue>(EndsService.self, 0, "keep", swiftName: "keep(_:_:)")
    static let heldSender = ServiceMethod<NoValue, Sender<Int>>(EndsService.self, 1, "sender", swiftName: "heldSender()")
    static let heldReceiver = ServiceMethod<NoValue, Receiver<Int>>(EndsService.self, 2, "receiver", swiftName: "heldReceiver()")
    static let ask = ServiceMethod<AskArguments, Int>(EndsService.self, 3, "ask", swiftName: "ask(_:)")

    static func reference(to implementation: some Ends) -> Reference { Reference(EndsDispatcher(implementation)) }
}

struct EndsClient: Ends, ServiceClient {
    typealias Service = EndsService

    let reference: Reference
    private let local: (any Ends)?

    init(_ reference: Reference) {
        self.reference = reference
        local = reference.implementation as? any Ends
    }

    func keep(_ sender: Sender<Int>, _ receiver: Receiver<Int>) async throws {
        if let local { return try await local.keep(sender, receiver) }
        try await reference.call(EndsService.keep, .init(sender: sender, receiver: receiver))
    }

    func heldSender() async throws -> Sender<Int> {
        if let local { return try await local.heldSender() }
        return try await reference.call(EndsService.heldSender, .init())
    }

    func heldReceiver() async throws -> Receiver<Int> {
        if let local { return try await local.heldReceiver() }
        return try await reference.call(EndsService.heldReceiver, .init())
    }

    func ask(_ counters: Receiver<CounterClient>) async throws -> Int {
        if let local { return try await local.ask(counters) }
        return try await reference.call(EndsService.ask, .init(counters: counters))
    }
}

struct EndsDispatcher<Implementation: Ends>: ServiceDispatcher {
    typealias Service = EndsService

    let implementation: Implementation

    init(_ implementation: Implementation) {
        self.implementation = implementation
    }

    func dispatch(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            let arguments = try call.arguments(of: EndsService.keep)
            try await implementation.keep(arguments.sender, arguments.receiver)
            return try call.reply(to: EndsService.keep, NoValue())
        case 1:
            return try await call.reply(to: EndsService.heldSender, implementation.heldSender())
        case 2:
            return try await call.reply(to: EndsService.heldReceiver, implementation.heldReceiver())
        case 3:
            let arguments = try call.arguments(of: EndsService.ask)
            return try await call.reply(to: EndsService.ask, implementation.ask(arguments.counters))
        default:
            throw call.unknownMethod
        }
    }
}

extension EndsService {
    struct KeepArguments: Shaped {
        var sender: Sender<Int>
        var receiver: Receiver<Int>

        static let fields = Fields("KeepArguments", [Field("sender", Sender<Int>.self), Field("receiver", Receiver<Int>.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(sender, 0, in: &record)
            try writer.field(receiver, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var sender: Sender<Int>?
            var receiver: Receiver<Int>?
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&sender, in: record)
                default: try reader.field(&receiver, in: record)
                }
            }
            return try Self(sender: record.require(sender, 0), receiver: record.require(receiver, 1))
        }
    }

    struct AskArguments: Shaped {
        var counters: Receiver<CounterClient>

        static let fields = Fields("AskArguments", [Field("counters", Receiver<CounterClient>.self)])

        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(counters, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
            var record = try reader.beginRecord(fields)
            var counters: Receiver<CounterClient>?
            while let index = try reader.nextField(&record) {
                switch index {
                default: try reader.field(&counters, in: record)
                }
            }
            return try Self(counters: record.require(counters, 0))
        }
    }
}

/// The parameters of `keep` with the ends in each other's place.
struct Swapped: Shaped {
    var sender: Receiver<Int>
    var receiver: Sender<String>

    static let fields = Fields("Swapped", [Field("sender", Receiver<Int>.self), Field("receiver", Sender<String>.self)])

    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(sender, 0, in: &record)
        try writer.field(receiver, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var sender: Receiver<Int>?
        var receiver: Sender<String>?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&sender, in: record)
            default: try reader.field(&receiver, in: record)
            }
        }
        return try Self(sender: record.require(sender, 0), receiver: record.require(receiver, 1))
    }
}
