internal import SkerryCRDT

/// What both sides of an exchange keep of a conversation: numbers that find what was lost, updates on their way out and in, and credit for both.
struct ExchangeLane: Sendable {
    struct Wish: Sendable {
        var name: String
        var since: CausalContext
    }

    private struct Partial: Sendable {
        var part: ExchangePart
        var bytes: [UInt8]
    }

    let tag: UInt32
    private(set) var sent: UInt64 = 0
    private(set) var received: UInt64 = 0
    /// Whether a message was lost, or the other side broke the rules: nothing more is heard or said under the tag.
    private(set) var isBroken = false

    // Out.
    private(set) var wishes: [Wish] = []
    private var isReading = false
    private var outgoing: (name: String, material: DocumentMaterial, offset: Int)?
    private var position: UInt64 = 0
    private var granted: UInt64
    /// Updates that were sent whole.
    private(set) var givenCount: UInt64 = 0
    /// Of these, durable there.
    private(set) var givenDurably: UInt64 = 0

    // In.
    private var partial: Partial?
    private var charged: UInt64 = 0
    private(set) var permitted = UInt64(DocumentLimits.giveWindow)
    /// Charges of what came whole and is not durable, oldest first.
    private var untaken: [UInt64] = []
    private var partialCharge: UInt64 = 0
    private(set) var takenCount: UInt64 = 0

    // Answers that are still to come to what the conversations before asked of the store.
    private var lateReads = 0
    private var lateTakes = 0

    /// - Parameter former: the conversation that this one follows on the same link.
    init(tag: UInt32, granted: UInt64, after former: ExchangeLane? = nil) {
        if let former {
            lateReads = former.lateReads + (former.isReading ? 1 : 0)
            lateTakes = former.lateTakes + former.untaken.count
        }
        self.tag = tag
        self.granted = min(granted, UInt64(DocumentLimits.giveWindow))
    }

    // MARK: - Messages

    mutating func send(_ body: DocumentMessage.Body, into actions: inout [DocumentExchangeAction]) {
        guard !isBroken else { return }
        sent += 1
        actions.append(.send(DocumentMessage(tag: tag, number: sent, body: body).encoded))
    }

    /// Whether a message is the next one; one that came before is not heard again, one behind a gap breaks the lane.
    mutating func accepts(_ message: DocumentMessage) -> Bool {
        guard !isBroken, message.tag == tag, message.number > received else { return false }
        guard message.number == received + 1 else {
            isBroken = true
            return false
        }
        received += 1
        return true
    }

    mutating func close() { isBroken = true }

    mutating func sendStatus(wantsAnswer: Bool, into actions: inout [DocumentExchangeAction]) {
        grantMore()
        send(.status(ExchangeStatus(wantsAnswer: wantsAnswer, granted: permitted, taken: takenCount)), into: &actions)
    }

    /// What the other side says of our updates.
    mutating func take(_ status: ExchangeStatus, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        guard status.taken <= givenCount else { throw DocumentFeedError(.mismatch, "more was taken than was given") }
        givenDurably = max(givenDurably, status.taken)
        // Whatever the other side would take: what is under way is kept here until it is sent.
        granted = max(granted, min(status.granted, position + UInt64(DocumentLimits.giveWindow)))
        pump(into: &actions)
    }

    // MARK: - Out

    mutating func give(_ wish: Wish, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        guard wishes.count < DocumentLimits.givesMaximum else {
            throw DocumentFeedError(.limitExceeded, "\(wishes.count) documents wait to be sent")
        }
        wishes.append(wish)
        pump(into: &actions)
    }

    /// How many updates will have been sent whole when the last one that waits now has.
    var givenWithWishes: UInt64 { givenCount + UInt64(wishes.count) + (outgoing == nil ? 0 : 1) }

    /// The answer to the one read that is under way.
    mutating func supply(_ material: DocumentMaterial, into actions: inout [DocumentExchangeAction]) {
        if lateReads > 0 {
            lateReads -= 1
            return
        }
        guard isReading, !wishes.isEmpty else { return }
        isReading = false
        outgoing = (wishes.removeFirst().name, material, 0)
        pump(into: &actions)
    }

    private mutating func pump(into actions: inout [DocumentExchangeAction]) {
        while let (name, material, offset) = outgoing {
            guard position < granted else { return }
            sendPart(name, material, from: offset, into: &actions)
        }
        guard !isReading, let wish = wishes.first, !isBroken else { return }
        isReading = true
        actions.append(.read(wish.name, since: wish.since))
    }

    private mutating func sendPart(
        _ name: String, _ material: DocumentMaterial, from offset: Int, into actions: inout [DocumentExchangeAction]
    ) {
        var (form, whole) = Self.parts(of: material)
        if whole.count > DocumentLimits.giveMaximum {
            actions.append(.report(DocumentFeedError(.limitExceeded, "an update of \(whole.count) bytes", document: name)))
            (form, whole) = (.nothing, [])
        }
        let end = min(whole.count, offset + DocumentLimits.partSize)
        // The version goes with the first part alone; it may be long.
        let version = offset == 0 ? material.version : CausalContext()
        send(
            .give(
                ExchangePart(
                    form: form, name: name, version: version, offset: offset, total: whole.count, bytes: Array(whole[offset..<end]))),
            into: &actions)
        position += UInt64(end - offset + DocumentLimits.giveOverhead)
        if end == whole.count {
            outgoing = nil
            givenCount += 1
        } else {
            outgoing = (name, material, end)
        }
    }

    private static func parts(of material: DocumentMaterial) -> (ExchangePart.Form, [UInt8]) {
        switch material.content {
        case .nothing: (.nothing, [])
        case .history(let bytes): (bytes.isEmpty ? .nothing : .history, bytes)
        case .snapshot(let bytes): (.snapshot, bytes)
        case .diverged: (.diverged, [])
        }
    }

    // MARK: - In

    /// Takes a part; the whole when it was the last one.
    mutating func receive(_ part: ExchangePart) throws(DocumentFeedError) -> DocumentGift? {
        charged += UInt64(part.bytes.count + DocumentLimits.giveOverhead)
        // Whoever has some credit may send one part with it.
        guard charged <= permitted + UInt64(DocumentLimits.messageMaximum) else {
            throw DocumentFeedError(.limitExceeded, "more came than was granted", document: part.name)
        }
        partialCharge += UInt64(part.bytes.count + DocumentLimits.giveOverhead)
        if part.offset == 0 {
            guard partial == nil else { throw DocumentFeedError(.malformed, "an update within another", document: part.name) }
            partial = Partial(part: part, bytes: part.bytes)
        } else {
            guard let first = partial?.part, first.name == part.name, first.form == part.form, first.total == part.total,
                partial?.bytes.count == part.offset
            else { throw DocumentFeedError(.malformed, "a part that does not follow the one before", document: part.name) }
            partial?.bytes += part.bytes
        }
        guard let whole = partial, whole.bytes.count == whole.part.total else { return nil }
        partial = nil
        untaken.append(partialCharge)
        partialCharge = 0
        return DocumentGift(name: whole.part.name, material: Self.material(whole.part, whole.bytes))
    }

    private static func material(_ part: ExchangePart, _ bytes: [UInt8]) -> DocumentMaterial {
        switch part.form {
        case .nothing: DocumentMaterial(.nothing, version: part.version)
        case .history: DocumentMaterial(.history(bytes), version: part.version)
        case .snapshot: DocumentMaterial(.snapshot(bytes), version: part.version)
        case .diverged: DocumentMaterial(.diverged, version: part.version)
        }
    }

    /// The oldest update that came whole is durable, or was refused; whether it came in this conversation.
    mutating func taken() -> Bool {
        if lateTakes > 0 {
            lateTakes -= 1
            return false
        }
        guard !untaken.isEmpty else { return false }
        untaken.removeFirst()
        takenCount += 1
        return true
    }

    /// The update that came whole last is not going to be taken.
    mutating func disown() { untaken.removeLast() }

    /// Whether the other side should hear that it may send more.
    var owesCredit: Bool { permitted < charged + (UInt64(DocumentLimits.giveWindow) / 2) && grantable > permitted }

    private var grantable: UInt64 {
        charged + UInt64(DocumentLimits.giveWindow) - min(UInt64(DocumentLimits.giveWindow), untaken.reduce(0, +))
    }

    private mutating func grantMore() { permitted = max(permitted, grantable) }
}
