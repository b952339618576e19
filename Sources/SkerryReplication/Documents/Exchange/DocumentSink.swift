public import SkerryCRDT
internal import SkerryDocuments

/// The side that wants some documents: asks for what it lacks of them, keeps its place with what it took, and goes on from there after any pause. Gives
/// what it has and the peer lacks, its own changes above all.
///
/// A value: events in, actions out. Messages may be lost: numbers and silence show it, and the sink begins anew at the last place that it kept.
public struct DocumentSink: Sendable {
    private struct Offer: Sendable {
        var offer: ExchangeOffer
        /// Asked for and not durable yet.
        var awaited = NameTable<Int>()
        var isAsked = false
        /// Durable with the peer when so many of our updates are.
        var pushed: UInt64 = 0
    }

    public private(set) var interest: DocumentInterest
    /// How far the peer's documents were taken.
    public private(set) var cursor: ExchangeCursor
    /// Own commits up to this one are with the peer.
    public private(set) var pushed: UInt64
    private var lane: ExchangeLane?
    private var tag: UInt32
    private var serial: UInt64 = 0
    private var offers: [Offer] = []
    /// The gifts that are being taken, oldest first.
    private var taking: [String] = []
    /// Answers that are still to come to what the conversations before asked of the store.
    private var lateVersions = 0
    private var lateChanges = 0
    // Own changes.
    private var ownEnd: UInt64 = 0
    private var isFollowing = false
    /// Names of the query under way whose versions have not come, and the own commit that it leads to.
    private var queried = NameTable<Bool>()
    private var queryEnd: UInt64 = 0
    private var isQuerying = false
    /// How much the peer has of some documents, so that what came from it is not told to it; the oldest go first.
    private var known = NameTable<CausalContext>()
    private var knownNames: [String] = []
    // Time.
    private var heardAt: UInt64 = 0
    private var statusAt: UInt64 = 0

    /// - Parameters:
    ///   - cursor: kept from before with the interest, or ``ExchangeCursor/start(_:)``.
    ///   - pushed: kept from before, or 0.
    ///   - session: drawn anew for each sink.
    public init(_ interest: DocumentInterest, cursor: ExchangeCursor, pushed: UInt64 = 0, session: UInt32) {
        self.interest = interest
        self.cursor = cursor
        self.pushed = pushed
        tag = session
    }

    /// Whether all that the peer has offered is here, and it has all that changed here.
    public var isCaughtUp: Bool { offers.isEmpty && cursor.unlisted.isEmpty && cursor.log != 0 && !isQuerying && pushed >= ownEnd }

    /// Messages of the conversation that were heard.
    var heardCount: UInt64 { lane?.received ?? 0 }

    // MARK: - Events

    /// A link is there, or something went wrong: begins a conversation at the place that was kept.
    ///
    /// - Parameter ownEnd: the last commit here.
    public mutating func subscribe(ownEnd: UInt64, now: UInt64, into actions: inout [DocumentExchangeAction]) {
        tag &+= 1
        self.ownEnd = max(self.ownEnd, ownEnd)
        var lane = ExchangeLane(tag: tag, granted: UInt64(DocumentLimits.giveWindow), after: lane)
        lateVersions += offers.count { !$0.isAsked }
        lateChanges += isFollowing ? 1 : 0
        (serial, offers, taking, queried, isQuerying, isFollowing) = (0, [], [], NameTable(), false, false)
        (known, knownNames) = (NameTable(), [])
        (heardAt, statusAt) = (now, now)
        lane.send(.want(ExchangeWant(interest: interest, cursor: cursor, granted: lane.permitted)), into: &actions)
        self.lane = lane
        followOwn(into: &actions)
    }

    /// Wants other documents from here on. What is no longer wanted stays as it is and is not kept up.
    ///
    /// - Throws: ``DocumentFeedError``; nothing has changed then.
    public mutating func change(
        to interest: DocumentInterest, now: UInt64, into actions: inout [DocumentExchangeAction]
    ) throws(DocumentFeedError) {
        cursor = try cursor.moved(from: self.interest, to: interest)
        self.interest = interest
        actions.append(.keep(cursor, interest))
        if lane != nil { subscribe(ownEnd: ownEnd, now: now, into: &actions) }
    }

    /// The link is gone.
    public mutating func detach() {
        lane = nil
        (offers, taking, queried, isQuerying, isFollowing) = ([], [], NameTable(), false, false)
        (lateVersions, lateChanges) = (0, 0)
    }

    /// The store here has committed something.
    public mutating func ownLogGrew(to end: UInt64, into actions: inout [DocumentExchangeAction]) {
        ownEnd = max(ownEnd, end)
        followOwn(into: &actions)
    }

    /// Time passes. Call it every ``DocumentLimits/tickInterval``.
    public mutating func tick(now: UInt64, into actions: inout [DocumentExchangeAction]) {
        guard let lane else { return }
        if now >= heardAt + DocumentLimits.silenceMaximum {
            subscribe(ownEnd: ownEnd, now: now, into: &actions)
        } else if !lane.isBroken, now >= statusAt + DocumentLimits.statusInterval {
            statusAt = now
            self.lane?.sendStatus(wantsAnswer: true, into: &actions)
        }
    }

    // MARK: - Messages

    /// A message of the peer. Whatever its bytes are, nothing traps.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, now: UInt64, into actions: inout [DocumentExchangeAction]) {
        do throws(DocumentFeedError) {
            let message = try DocumentMessage(bytes)
            guard let wasBroken = lane?.isBroken, message.tag == tag else { return }
            guard lane?.accepts(message) ?? false else {
                // A gap: what is missing does not come again by itself.
                if !wasBroken, lane?.isBroken ?? false { subscribe(ownEnd: ownEnd, now: now, into: &actions) }
                return
            }
            heardAt = now
            try handle(message.body, into: &actions)
        } catch {
            actions.append(.report(error))
            lane?.send(.refuse(ExchangeRefusal(code: error.wireCode, name: error.document ?? "")), into: &actions)
            // Not at once again: a peer that breaks the rules would do so again.
            lane?.close()
        }
    }

    private mutating func handle(_ body: DocumentMessage.Body, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        switch body {
        case .offer(let offer): try take(offer, into: &actions)
        case .give(let part):
            if let gift = try lane?.receive(part) { try take(gift, into: &actions) }
            if lane?.owesCredit ?? false { lane?.sendStatus(wantsAnswer: false, into: &actions) }
        case .status(let status):
            try lane?.take(status, into: &actions)
            settle(into: &actions)
        case .refuse(let refusal):
            actions.append(.report(DocumentFeedError(.mismatch, "the peer refused it: code \(refusal.code)", document: refusal.name)))
        case .want, .ask, .query: throw DocumentFeedError(.mismatch, "a wish of a source")
        }
    }

    // MARK: - Offers

    private mutating func take(_ offer: ExchangeOffer, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        guard offers.count < DocumentLimits.offersMaximum else { throw DocumentFeedError(.limitExceeded, "\(offers.count) offers wait") }
        if offer.serial == 0 {
            for document in offer.documents where queried.removeValue(forKey: document.name) == nil {
                throw DocumentFeedError(.mismatch, "an answer that was not asked for", document: document.name)
            }
        } else {
            guard offer.serial == serial + 1 else { throw DocumentFeedError(.malformed, "offer \(offer.serial) behind \(serial)") }
            serial += 1
            for document in offer.documents where !interest.matches(document.name) {
                throw DocumentFeedError(.mismatch, "a document that is not of the interest", document: document.name)
            }
        }
        offers.append(Offer(offer: offer))
        for document in offer.documents { note(document.name, document.version) }
        actions.append(.compare(offer: offer.serial, offer.documents.map(\.name)))
    }

    /// The peer has this much of a document.
    private mutating func note(_ name: String, _ version: CausalContext) {
        if known[name] == nil { knownNames.append(name) }
        known[name] = version
        guard knownNames.count > DocumentLimits.knownDocuments else { return }
        for name in knownNames.prefix(knownNames.count / 2) { known[name] = nil }
        knownNames.removeFirst(knownNames.count / 2)
    }

    /// How much there is here of the documents of an offer, in its order.
    public mutating func supply(versions: [CausalContext], of serial: UInt64, into actions: inout [DocumentExchangeAction]) {
        if lateVersions > 0 {
            lateVersions -= 1
            return
        }
        guard let place = offers.firstIndex(where: { $0.offer.serial == serial && !$0.isAsked }),
            offers[place].offer.documents.count == versions.count
        else { return }
        offers[place].isAsked = true
        var asked: [ExchangeVersion] = []
        var pushes: [ExchangeLane.Wish] = []
        for (theirs, ours) in zip(offers[place].offer.documents, versions) {
            if !ours.covers(theirs.version), interest.matches(theirs.name) {
                asked.append(ExchangeVersion(name: theirs.name, version: ours))
                offers[place].awaited[theirs.name, default: 0] += 1
            }
            if !theirs.version.covers(ours) { pushes.append(ExchangeLane.Wish(name: theirs.name, since: theirs.version)) }
        }
        let rows = DocumentSource.messages(asked)
        for (index, row) in rows.enumerated() {
            lane?.send(.ask(ExchangeAsk(serial: serial, isLast: index == rows.count - 1, documents: row)), into: &actions)
        }
        do throws(DocumentFeedError) {
            for wish in pushes { try lane?.give(wish, into: &actions) }
        } catch {
            actions.append(.report(error))
            lane?.close()
            return
        }
        if !pushes.isEmpty { offers[place].pushed = lane?.givenWithWishes ?? 0 }
        settle(into: &actions)
    }

    private mutating func take(_ gift: DocumentGift, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        guard offers.contains(where: { $0.awaited[gift.name] != nil }) else {
            lane?.disown()
            throw DocumentFeedError(.mismatch, "an update that was not asked for", document: gift.name)
        }
        note(gift.name, gift.material.version)
        taking.append(gift.name)
        actions.append(.take(gift))
    }

    /// What the peer gave is durable, or was refused for good: in the order of ``DocumentExchangeAction/take(_:)``.
    public mutating func taken(_ refusal: DocumentFeedError? = nil, into actions: inout [DocumentExchangeAction]) {
        if let refusal { actions.append(.report(refusal)) }
        guard lane?.taken() ?? false, !taking.isEmpty else { return }
        let name = taking.removeFirst()
        if let place = offers.firstIndex(where: { $0.awaited[name] != nil }) {
            let count = offers[place].awaited[name] ?? 0
            offers[place].awaited[name] = count > 1 ? count - 1 : nil
        }
        if lane?.owesCredit ?? false { lane?.sendStatus(wantsAnswer: false, into: &actions) }
        settle(into: &actions)
    }

    /// Keeps the place of each offer that is done, from the oldest on.
    private mutating func settle(into actions: inout [DocumentExchangeAction]) {
        var isMoved = false
        while let first = offers.first, first.isAsked, first.awaited.isEmpty, first.pushed <= lane?.givenDurably ?? 0 {
            offers.removeFirst()
            guard first.offer.serial > 0 else { continue }
            cursor = first.offer.cursor
            isMoved = true
        }
        if isMoved { actions.append(.keep(cursor, interest)) }
        if isQuerying, queried.isEmpty, !offers.contains(where: { $0.offer.serial == 0 }) {
            isQuerying = false
            pushed = queryEnd
            actions.append(.keepPushed(pushed))
        }
        followOwn(into: &actions)
    }

    // MARK: - Own changes

    private mutating func followOwn(into actions: inout [DocumentExchangeAction]) {
        guard let lane, !lane.isBroken, !isFollowing, !isQuerying, pushed < ownEnd else { return }
        isFollowing = true
        actions.append(.followOwn(after: pushed, limit: DocumentLimits.offerDocuments))
    }

    /// The documents that own commits behind ``pushed`` changed, each once, at most ``DocumentLimits/offerDocuments``; `end` is how far that goes.
    public mutating func supply(ownChanges: [DocumentStanding], end: UInt64, into actions: inout [DocumentExchangeAction]) {
        if lateChanges > 0 {
            lateChanges -= 1
            return
        }
        guard lane != nil, isFollowing else { return }
        isFollowing = false
        let names = ownChanges.prefix(DocumentLimits.offerDocuments).filter { !(known[$0.name]?.covers($0.version) ?? false) }.map(\.name)
        queryEnd = max(pushed, end)
        guard !names.isEmpty else {
            guard queryEnd > pushed else { return }
            pushed = queryEnd
            actions.append(.keepPushed(pushed))
            return followOwn(into: &actions)
        }
        isQuerying = true
        queried = NameTable()
        for name in names { queried[name] = true }
        lane?.send(.query(names), into: &actions)
    }

    public mutating func supply(material: DocumentMaterial, into actions: inout [DocumentExchangeAction]) {
        lane?.supply(material, into: &actions)
    }
}
