@testable import SkerrySession

/// The application on one side of a session: it does at random what an interface allows, and checks what it is told against the ledger.
final class Actor {
    private struct Asked {
        var serial: Int
        var keepsAnswer: Bool
        var isSettled = false
    }

    private struct Consumer {
        var untaken: [Int] = []
        var isStuck = false
        var isRendezvous = false
        var isClosed = false
    }

    let side: Side
    let world: World
    let ledger: Ledger
    let limits: SessionConfiguration
    private let isInitiator: Bool
    /// Gives the line a chance to send what an operation queued.
    var touched: () -> Void = {}
    /// Passes a call on to another session, if there is one; the reply comes through the closure.
    var relay: ((_ text: String, _ reply: @escaping (Bool) -> Void) -> Void)?

    private var questions: [QuestionID: Asked] = [:]
    private var order: [QuestionID] = []
    private var open: [AnswerID: Int] = [:]
    private var exports: [ReferenceID: SessionReference] = [:]
    private var exportOrder: [ReferenceID] = []
    private var imports: [ReferenceID: (reference: SessionReference, count: Int)] = [:]
    private var importOrder: [ReferenceID] = []
    private var closedProducers: Set<ReferenceID> = []
    private var consumers: [ReferenceID: Consumer] = [:]
    private var relays: [QuestionID: (Bool) -> Void] = [:]
    /// Ends of which the other side said that it closed them.
    private var closedThere: Set<ReferenceID> = []
    /// A call may be answered while its cancellation is among the events that are being handled.
    private var lastAnswered: [AnswerID: Moment] = [:]
    private(set) var isOver = false
    private(set) var isWinding = false
    private(set) var executed = 0

    init(_ side: Side, isInitiator: Bool, limits: SessionConfiguration, ledger: Ledger) {
        self.side = side
        self.isInitiator = isInitiator
        self.limits = limits
        self.ledger = ledger
        world = ledger.world
    }

    // MARK: Operations

    /// Does one thing at random.
    func step() {
        guard !isOver else { return }
        switch world.below(20) {
        case 0..<7: ask()
        case 7: askOneWay()
        case 8: cancelSomething()
        case 9: probeOrFinish()
        case 10: releaseSomething()
        case 11..<17: sendSomething()
        case 17: closeSomething()
        case 18: takeBack()
        default: for _ in 0..<3 { ask() }
        }
        touched()
    }

    private func payload(_ serial: Int) -> [UInt8] {
        let pad = String(repeating: "x", count: world.chance(0.05) ? world.below(5_000) : world.below(40))
        return Array("\"\(serial)|\(pad)\"".utf8)
    }

    private var format: PayloadFormat { side.core.isText ? .json : .cbor }

    /// A target, with the path by which order is promised.
    private func target() -> (CallTarget, String) {
        let choice = world.below(4)
        if choice == 0, let question = order.last(where: { questions[$0]?.keepsAnswer == true }) {
            let index = world.below(2)
            return (.promise(question, index: index), "p\(isInitiator)-\(question.rawValue)-\(index)")
        }
        let services = importOrder.filter { imports[$0]?.reference.kind == .service }
        if choice == 1, !services.isEmpty {
            let id = services[world.below(services.count)]
            return (.reference(id), "r\(id.rawValue)")
        }
        return (.root, "root\(isInitiator)")
    }

    private func ask() {
        let (target, path) = target()
        let serial = ledger.asked(path, isOneWay: false)
        var options: CallOptions = []
        if world.chance(0.2) { options.insert(.keepsAnswer) }
        if world.chance(0.1) { options.insert(.acknowledged) }
        let deadline: Duration? = world.chance(0.3) ? .milliseconds(1 + world.below(400)) : world.chance(0.5) ? .seconds(30) : nil
        let references = someReferences()
        let bytes = payload(serial)
        do throws(SessionError) {
            let method = try side.core.method("method\(world.below(5))", digest: 1)
            let id = try bytes.withUnsafeBufferPointer { (buffer) throws(SessionError) in
                try side.core.call(
                    target, method: method, payload: UnsafeRawBufferPointer(buffer), format: format, references: references,
                    deadline: deadline,
                    options: options, now: world.now)
            }
            world.note("ask", id.rawValue, UInt64(serial))
            questions[id] = Asked(serial: serial, keepsAnswer: options.contains(.keepsAnswer))
            order.append(id)
        } catch {
            ledger.forgetLast()
            refused(error, "call")
        }
    }

    private func refused(_ error: SessionError, _ what: String) {
        let isExpected =
            error.code == .mustWait || error.code == .closed || error.code == .goingAway || error.code == .tooMany
            || error.code == .unknownReference
        world.check(isExpected, "\(what) was refused: \(error)")
    }

    private func askOneWay() {
        let (target, path) = target()
        let serial = ledger.asked(path, isOneWay: true)
        let bytes = payload(serial)
        do throws(SessionError) {
            let method = try side.core.method("notice", digest: 1)
            try bytes.withUnsafeBufferPointer { (buffer) throws(SessionError) in
                try side.core.callOneWay(
                    target, method: method, payload: UnsafeRawBufferPointer(buffer), format: format, deadline: nil, now: world.now)
            }
            world.note("tell", UInt64(serial))
        } catch {
            ledger.forgetLast()
            refused(error, "one-way call")
        }
    }

    /// Asks the far end of a second session, for a call that came over a first one.
    func ask(relayed text: String, _ reply: @escaping (Bool) -> Void) {
        let serial = ledger.asked("root\(isInitiator)", isOneWay: false)
        guard !isOver, let method = try? side.core.method("relayed", digest: 2) else { return reply(false) }
        let bytes = payload(serial)
        let id = bytes.withUnsafeBytes {
            try? side.core.call(.root, method: method, payload: $0, format: format, deadline: .seconds(20), now: world.now)
        }
        guard let id else {
            ledger.forgetLast()
            return reply(false)
        }
        questions[id] = Asked(serial: serial, keepsAnswer: false)
        order.append(id)
        relays[id] = reply
        touched()
    }

    private func cancelSomething() {
        let open = order.filter { questions[$0]?.isSettled == false && relays[$0] == nil }
        guard !open.isEmpty else { return }
        cancel(open[world.below(open.count)])
    }

    private func cancel(_ id: QuestionID) {
        guard let asked = questions[id], let maybeExecuted = side.core.cancel(id) else {
            return world.problem("\(id) is open and cannot be called off")
        }
        world.note("cancel", id.rawValue)
        ledger.cancelled(asked.serial, maybeExecuted: maybeExecuted)
        forget(id)
    }

    private func forget(_ id: QuestionID) {
        questions[id] = nil
        order.removeAll { $0 == id }
    }

    private func probeOrFinish() {
        guard !order.isEmpty else { return }
        let id = order[world.below(order.count)]
        if questions[id]?.isSettled == true {
            side.core.finish(id)
            forget(id)
        } else {
            side.core.probe(id)
        }
    }

    private func someReferences() -> [SessionReference] {
        guard world.chance(0.15) else { return [] }
        return (0..<1 + world.below(3)).compactMap { _ in
            switch world.below(6) {
            case 0: return .null
            case 1: return importOrder.isEmpty ? nil : imports[importOrder[world.below(importOrder.count)]]?.reference
            case 2: return exportOrder.isEmpty ? nil : exports[exportOrder[world.below(exportOrder.count)]]
            case 3: return export(.sender)
            case 4: return export(.receiver)
            default: return export(.service)
            }
        }
    }

    private func export(_ kind: SessionReference.Kind) -> SessionReference? {
        guard exports.count < 40 else { return nil }
        let isRendezvous = kind != .service && world.chance(0.2)
        guard let id = try? side.core.export(kind, isRendezvous: isRendezvous) else { return nil }
        let reference: SessionReference =
            switch kind {
            case .sender: .sender(id, isRendezvous: isRendezvous)
            case .receiver: .receiver(id, isRendezvous: isRendezvous)
            default: .service(id)
            }
        exports[id] = reference
        exportOrder.append(id)
        if kind == .sender { consumers[id] = Consumer(isStuck: world.chance(0.2), isRendezvous: isRendezvous) }
        if kind != .service { ledger.flows[id] = Ledger.Flow() }
        return reference
    }

    private func releaseSomething() {
        guard !importOrder.isEmpty else { return }
        let id = importOrder[world.below(importOrder.count)]
        release(id, 1 + world.below(imports[id]!.count))
    }

    private func release(_ id: ReferenceID, _ count: Int) {
        guard let (reference, held) = imports[id] else { return }
        world.note("release", id.rawValue, UInt64(count))
        side.core.release(id, introductions: count)
        ledger.held[id]! -= count
        if held == count {
            imports[id] = nil
            importOrder.removeAll { $0 == id }
            if reference.kind == .receiver { cutShort(id) }
            consumers[id] = nil
        } else {
            imports[id] = (reference, held - count)
        }
    }

    private func cutShort(_ id: ReferenceID) { ledger.flows[id, default: Ledger.Flow()].isCutShort = true }

    private func sendSomething() {
        let producers =
            exportOrder.filter { exports[$0]?.kind == .receiver && !closedProducers.contains($0) }
            + importOrder.filter { imports[$0]?.reference.kind == .sender && !closedProducers.contains($0) }
        guard !producers.isEmpty else { return }
        let id = producers[world.below(producers.count)]
        for _ in 0..<1 + world.below(30) {
            guard send(id) else { break }
        }
    }

    private func send(_ id: ReferenceID) -> Bool {
        let number = ledger.flows[id, default: Ledger.Flow()].sent
        let pad = String(repeating: "e", count: world.chance(0.02) ? world.below(90_000) : world.below(100))
        let bytes = Array("\"\(number)|\(pad)\"".utf8)
        let references = world.chance(0.05) ? someReferences() : []
        do throws(SessionError) {
            let isSent = try bytes.withUnsafeBufferPointer { (buffer) throws(SessionError) in
                try side.core.send(id, element: UnsafeRawBufferPointer(buffer), references: references)
            }
            if isSent { ledger.flows[id, default: Ledger.Flow()].sent += 1 }
            return isSent
        } catch {
            refused(error, "element on \(id)")
            return false
        }
    }

    private func closeSomething() {
        let ends = exportOrder + importOrder.filter { imports[$0]?.reference.kind != .service }
        guard !ends.isEmpty else { return }
        close(ends[world.below(ends.count)])
    }

    private func close(_ id: ReferenceID) {
        world.note("close", id.rawValue)
        side.core.close(id, reason: CloseReason(code: UInt16(world.below(3)), "closed"))
        if imports[id] != nil, !closedThere.contains(id), !closedProducers.contains(id), consumers[id]?.isClosed != true {
            ledger.closedByImporter.insert(id)
        }
        if consumers[id] != nil {
            consumers[id]?.isClosed = true
            cutShort(id)
        } else {
            closedProducers.insert(id)
        }
    }

    /// Exports that never crossed.
    private func takeBack() {
        for id in exportOrder where side.core.withdraw(id) {
            cutShort(id)
            forgetExport(id)
            break
        }
    }

    private func forgetExport(_ id: ReferenceID) {
        exports[id] = nil
        exportOrder.removeAll { $0 == id }
        consumers[id] = nil
    }

    // MARK: Events

    func handle(_ received: Received) {
        switch received.event {
        case .call(let call): begin(call, received)
        case .cancelled(let id, let why):
            world.note("cancelled", id.rawValue, UInt64(why.rawValue))
            world.check(open[id] != nil || lastAnswered[id] == world.now, "\(id) is called off and not open")
            if open[id] != nil, why != .session { answer(id) }
        case .returned(let id, let outcome): settle(id, outcome, received)
        case .elements(let id, let block): take(id, block, received)
        case .closed(let id, _):
            world.note("closed", id.rawValue)
            closedThere.insert(id)
            if consumers[id] == nil, exports[id]?.kind != .service, imports[id]?.reference.kind != .service {
                closedProducers.insert(id)
                cutShort(id)
            }
        case .released(let id):
            world.note("released", id.rawValue)
            world.check(exports[id] != nil, "\(id) was released twice or never exported")
            world.check(ledger.held[id, default: 0] == 0, "\(id) is gone while the peer holds it \(ledger.held[id, default: 0]) times")
            world.check(
                !ledger.closedByImporter.contains(id) || closedThere.contains(id),
                "\(id) was closed by the peer, and this side was never told")
            if exports[id]?.kind == .receiver { cutShort(id) }
            forgetExport(id)
        case .failed(let error):
            world.note("failed")
            world.check(error.violation == nil, "\(error)")
            fail()
        default: break
        }
    }

    private func begin(_ call: IncomingCall, _ received: Received) {
        world.note("call", call.id.rawValue)
        guard let serial = Actor.number(received.text(call.payload)) else { return world.problem("a call without a serial") }
        world.check(open[call.id] == nil, "\(call.id) comes twice")
        world.check(open.count < limits.callsInFlight + SessionLimits.oneWayCalls, "more calls than permitted")
        ledger.begun(serial)
        executed += 1
        open[call.id] = serial
        claim(call.references)
        if let relay, !call.id.isOneWay, world.chance(0.3) {
            return relay("\(serial)") { [weak self] isDone in
                self?.reply(call.id, fails: !isDone)
            }
        }
        let delay: Duration = world.chance(0.1) ? .milliseconds(world.below(3_000)) : world.milliseconds(60)
        world.after(delay) { [weak self] in self?.answer(call.id) }
    }

    private func answer(_ id: AnswerID) { reply(id, fails: world.chance(0.1)) }

    private func reply(_ id: AnswerID, fails: Bool) {
        guard !isOver, let serial = open.removeValue(forKey: id) else { return }
        world.note("answer", id.rawValue)
        if !lastAnswered.values.contains(world.now) { lastAnswered = [:] }
        lastAnswered[id] = world.now
        if fails, !id.isOneWay {
            side.core.answer(id, failure: CallFailure(.remote, "no"))
        } else {
            let references =
                id.isOneWay || !world.chance(0.5) ? [] : [export(.service), export(.service)].compactMap { $0 } + someReferences()
            payload(serial).withUnsafeBytes {
                side.core.answer(id, value: $0, format: format, references: references, confirmsDigest: true)
            }
        }
        touched()
    }

    private func settle(_ id: QuestionID, _ outcome: Outcome, _ received: Received) {
        world.note("returned", id.rawValue)
        guard let asked = questions[id], !asked.isSettled else { return world.problem("\(id) was answered and is not open") }
        ledger.returned(asked.serial, outcome.failure)
        if outcome.failure == nil {
            world.check(Actor.number(received.text(outcome.payload)) == asked.serial, "\(id) was answered with another call's value")
        }
        relays.removeValue(forKey: id)?(outcome.failure == nil)
        claim(outcome.references)
        if asked.keepsAnswer, outcome.failure?.code != .timeout, outcome.failure?.code != .peerLost {
            questions[id]?.isSettled = true
        } else {
            forget(id)
        }
    }

    private func take(_ id: ReferenceID, _ block: ElementBlock, _ received: Received) {
        world.note("elements", id.rawValue, UInt64(block.count))
        claim(block.references)
        guard consumers[id] != nil, consumers[id]?.isClosed == false else {
            return world.problem("elements for \(id), which is closed or unknown")
        }
        received.packet.withUnsafeBytes { packet in
            block.forEach(in: packet) { element in
                guard let number = Actor.number(String(decoding: element, as: UTF8.self)) else {
                    return world.problem("an element without a number")
                }
                ledger.received(id, number, dropped: side.core.counters.elementsDropped)
                consumers[id]?.untaken.append(element.count)
            }
        }
        let untaken = consumers[id]!.untaken
        world.check(
            consumers[id]!.isRendezvous || untaken.count <= max(limits.channelElements, limits.channelElementsMaximum),
            "\(untaken.count) elements wait on \(id)")
        world.check(
            untaken.reduce(0, +) <= max(limits.channelBytes, limits.channelBytesMaximum) + SessionLimits.elementMaximum,
            "\(untaken.reduce(0, +)) bytes wait on \(id)")
        guard consumers[id]?.isStuck == false || isWinding else { return }
        world.after(world.milliseconds(80)) { [weak self] in self?.consume(id) }
    }

    private func consume(_ id: ReferenceID) {
        guard !isOver, let consumer = consumers[id], !consumer.untaken.isEmpty else { return }
        let count = 1 + world.below(consumer.untaken.count)
        let bytes = consumer.untaken[..<count].reduce(0, +)
        consumers[id]!.untaken.removeFirst(count)
        side.core.taken(id, elements: count, bytes: bytes, now: world.now)
        if consumer.isRendezvous { side.core.demand(id, elements: 1 + world.below(3)) }
        touched()
        if !consumers[id]!.untaken.isEmpty { world.after(world.milliseconds(40)) { [weak self] in self?.consume(id) } }
    }

    private func claim(_ references: [SessionReference]) {
        for reference in references where reference.kind != .null {
            if exports[reference.id] != nil { continue }
            let isOurs = reference.id.isHosted(by: isInitiator ? .initiator : .acceptor)
            guard !isOurs else {
                world.problem("\(reference.id) came home after it was released")
                continue
            }
            if imports[reference.id] == nil {
                importOrder.append(reference.id)
                if reference.kind == .receiver {
                    consumers[reference.id] = Consumer(isStuck: world.chance(0.2), isRendezvous: reference.isRendezvous)
                    if reference.isRendezvous { side.core.demand(reference.id, elements: 2) }
                }
            }
            imports[reference.id] = (reference, (imports[reference.id]?.count ?? 0) + 1)
            ledger.held[reference.id, default: 0] += 1
        }
    }

    private static func number(_ text: String) -> Int? {
        text.split(separator: "|").first.flatMap { Int($0.filter { $0 != "\"" }) }
    }

    /// The session is over, by itself or because the process died.
    func fail() {
        isOver = true
        ledger.isBroken = true
        for reply in order.compactMap({ relays[$0] }) { reply(false) }
        relays = [:]
        open = [:]
    }

    // MARK: Winding up

    /// Asks for nothing more and lets go of everything, again and again until nothing is left.
    /// No consumer holds elements back any more.
    func takeAll() {
        for id in consumers.keys.sorted() {
            consumers[id]?.isStuck = false
            consume(id)
        }
    }

    /// Channels of this producer that have no credit left although the consumer over there has taken everything.
    func starving(_ peer: Actor) -> [ReferenceID] {
        side.core.channels.filter {
            $0.isProducer && $0.hasCredit && !$0.isRendezvous && !$0.isRefused && $0.finishing == nil && !$0.hasRoom
        }
        .map { ReferenceID(rawValue: $0.id) }
        .filter { id in
            guard let consumer = peer.consumers[id] else { return false }
            return !consumer.isClosed && consumer.untaken.isEmpty && closedThere.isDisjoint(with: [id])
        }
    }

    func windUp() {
        guard !isOver else { return }
        isWinding = true
        for id in order where questions[id]?.isSettled == true {
            side.core.finish(id)
            forget(id)
        }
        for id in open.keys.sorted(by: { $0.rawValue < $1.rawValue }) where relay == nil { answer(id) }
        for id in consumers.keys.sorted() {
            consumers[id]?.isStuck = false
            consume(id)
        }
        for id in exportOrder where exports[id]?.kind != .service && consumers[id] == nil && !closedProducers.contains(id) { close(id) }
        for id in importOrder { release(id, imports[id]!.count) }
        for id in exportOrder where side.core.withdraw(id) {
            cutShort(id)
            forgetExport(id)
        }
        touched()
    }

    /// Whether nothing is left, in the core and here.
    var isEmpty: Bool {
        let statistics = side.core.statistics
        return isOver
            || statistics.questions == 0 && statistics.answers == 0 && statistics.exports == 0 && statistics.imports == 0
                && statistics.channels == 0 && statistics.bytesQueued == 0 && statistics.bytesUntaken == 0 && statistics.bytesRetained == 0
                && questions.isEmpty && open.isEmpty && exports.isEmpty && imports.isEmpty
    }

    var description: String { "\(side.core.statistics), here \(questions.count) \(open.count) \(exports.count) \(imports.count)" }
}
