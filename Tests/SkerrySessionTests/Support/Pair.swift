@testable import SkerrySession

/// An event together with the packet that its payloads are pieces of.
struct Received {
    var event: SessionEvent
    var packet: [UInt8]

    func bytes(_ payload: Payload) -> [UInt8] { packet.withUnsafeBytes { payload.copy(from: $0) } }
    func text(_ payload: Payload) -> String { String(decoding: bytes(payload), as: UTF8.self) }

    func elements(_ block: ElementBlock) -> [String] {
        var all: [String] = []
        packet.withUnsafeBytes { packet in block.forEach(in: packet) { all.append(String(decoding: $0, as: UTF8.self)) } }
        return all
    }
}

/// One side of a session in a test, with what was reported to it and not yet looked at.
final class Side {
    var core: SessionCore
    var events: [Received] = []

    init(_ core: consuming SessionCore) { self.core = core }

    var isFinished: Bool { core.isFinished }

    func receive(_ packet: [UInt8], now: Moment) {
        var fresh: [SessionEvent] = []
        packet.withUnsafeBytes { core.receive($0, now: now, into: &fresh) }
        events.append(contentsOf: fresh.map { Received(event: $0, packet: packet) })
    }

    func advance(to now: Moment) {
        var fresh: [SessionEvent] = []
        core.advance(to: now, into: &fresh)
        events.append(contentsOf: fresh.map { Received(event: $0, packet: []) })
    }

    func detach(now: Moment) {
        var fresh: [SessionEvent] = []
        core.detach(now: now, into: &fresh)
        events.append(contentsOf: fresh.map { Received(event: $0, packet: []) })
    }

    func close(_ reason: CloseReason = .finished, now: Moment) {
        var fresh: [SessionEvent] = []
        core.close(reason, now: now, into: &fresh)
        events.append(contentsOf: fresh.map { Received(event: $0, packet: []) })
    }

    func packet(now: Moment) -> [UInt8]? {
        var packet: [UInt8] = []
        return core.nextPacket(into: &packet, now: now) ? packet : nil
    }

    /// All packets that are to be sent now.
    func packets(now: Moment) -> [[UInt8]] {
        var all: [[UInt8]] = []
        while let packet = packet(now: now) { all.append(packet) }
        return all
    }

    /// Takes the events out.
    func take() -> [Received] {
        defer { events = [] }
        return events
    }

    // MARK: Shorthand

    /// A text as a value of the session's format.
    private func encoded(_ text: String) -> [UInt8] { core.isText ? Array("\"\(text)\"".utf8) : Array(text.utf8) }
    private var format: PayloadFormat { core.isText ? .json : .cbor }

    func call(
        _ name: String, _ text: String = "", on target: CallTarget = .root, references: [SessionReference] = [], deadline: Duration? = nil,
        options: CallOptions = [], request: RequestID? = nil, now: Moment = .zero
    ) throws(SessionError) -> QuestionID {
        let method = try core.method(name, digest: 7)
        let bytes = encoded(text)
        return try bytes.withUnsafeBufferPointer { (buffer) throws(SessionError) in
            try core.call(
                target, method: method, payload: UnsafeRawBufferPointer(buffer), format: format, references: references, deadline: deadline,
                options: options, request: request, now: now)
        }
    }

    func callOneWay(_ name: String, _ text: String = "", on target: CallTarget = .root, deadline: Duration? = nil, now: Moment = .zero)
        throws(SessionError)
    {
        let method = try core.method(name, digest: 7)
        let bytes = encoded(text)
        try bytes.withUnsafeBufferPointer { (buffer) throws(SessionError) in
            try core.callOneWay(
                target, method: method, payload: UnsafeRawBufferPointer(buffer), format: format, deadline: deadline, now: now)
        }
    }

    func answer(_ id: AnswerID, _ text: String = "", references: [SessionReference] = [], confirmsDigest: Bool = false) {
        encoded(text).withUnsafeBytes {
            core.answer(id, value: $0, format: format, references: references, confirmsDigest: confirmsDigest)
        }
    }

    func withdraw(_ id: ReferenceID) -> Bool { core.withdraw(id) }

    func send(_ channel: ReferenceID, _ text: String, references: [SessionReference] = []) throws(SessionError) -> Bool {
        let bytes = encoded(text)
        return try bytes.withUnsafeBufferPointer { (buffer) throws(SessionError) in
            try core.send(channel, element: UnsafeRawBufferPointer(buffer), references: references)
        }
    }
}

/// Two sides and a clock, with a link between them that loses nothing.
final class Pair {
    let initiator: Side
    let acceptor: Side
    var now = Moment(nanoseconds: 1_000_000_000)
    let traits: LinkTraits

    init(
        _ traits: LinkTraits = .stream, initiator: SessionConfiguration = SessionConfiguration(),
        acceptor: SessionConfiguration = SessionConfiguration(), attached: Bool = true
    ) throws {
        self.traits = traits
        let session = SessionID(high: 1, low: 2)
        var configurations = (initiator, acceptor)
        configurations.0.encoding = traits.encoding
        configurations.1.encoding = traits.encoding
        self.initiator = Side(
            SessionCore(role: .initiator, configuration: configurations.0, identity: SessionIdentity(session: session, epoch: 11), now: now)
        )
        self.acceptor = Side(
            SessionCore(role: .acceptor, configuration: configurations.1, identity: SessionIdentity(session: session, epoch: 22), now: now))
        if attached {
            try attach()
            exchange()
        }
    }

    func attach() throws {
        try initiator.core.attach(traits, now: now)
        try acceptor.core.attach(traits, now: now)
    }

    func detach() {
        initiator.detach(now: now)
        acceptor.detach(now: now)
    }

    /// Carries packets both ways until both sides are silent.
    func exchange() {
        for _ in 0..<10_000 {
            let there = initiator.packets(now: now)
            for packet in there { acceptor.receive(packet, now: now) }
            let back = acceptor.packets(now: now)
            for packet in back { initiator.receive(packet, now: now) }
            if there.isEmpty, back.isEmpty { return settle() }
        }
    }

    /// Events that had to wait for a time of their own.
    private func settle() {
        if initiator.core.nextDeadline < now { initiator.advance(to: now) }
        if acceptor.core.nextDeadline < now { acceptor.advance(to: now) }
    }

    func pass(_ duration: Duration) {
        now = now + duration
        initiator.advance(to: now)
        acceptor.advance(to: now)
    }
}

extension [Received] {
    /// The only event, as a call.
    var calls: [(Received, IncomingCall)] {
        compactMap { received in if case .call(let call) = received.event { (received, call) } else { nil } }
    }
    var returns: [(Received, QuestionID, Outcome)] {
        compactMap { received in if case .returned(let id, let outcome) = received.event { (received, id, outcome) } else { nil } }
    }
    var failure: SessionError? {
        for received in self { if case .failed(let error) = received.event { return error } }
        return nil
    }
    var blocks: [(ReferenceID, [String])] {
        compactMap { received in
            if case .elements(let id, let block) = received.event { (id, received.elements(block)) } else { nil }
        }
    }
    var closes: [(ReferenceID, CloseReason)] {
        compactMap { received in if case .closed(let id, let reason) = received.event { (id, reason) } else { nil } }
    }
    var released: [ReferenceID] { compactMap { if case .released(let id) = $0.event { id } else { nil } } }
    var cancellations: [(AnswerID, Cancellation)] {
        compactMap { if case .cancelled(let id, let why) = $0.event { (id, why) } else { nil } }
    }
}
