internal import SkerryCRDT

/// Serves one peer that wants some documents: tells it what there is of them, sends what it lacks, and goes on with what changes. Takes what the peer has
/// and this side lacks.
///
/// A value: events in, actions out. It keeps a place in the store's own commits and what is under way, nothing for each document.
public struct DocumentSource: Sendable {
    /// Names the store's log of commits.
    public let log: UInt64
    private var end: UInt64
    private var lane: ExchangeLane?
    public private(set) var interest = DocumentInterest.none
    private var cursor = ExchangeCursor.start(.none)
    /// Offers that were sent, of these the last that was answered.
    private var serial: UInt64 = 0
    private var answered: UInt64 = 0
    private var toldOffset: UInt64 = 0
    /// Whether the store was asked for documents, and whether for ones that a query named.
    private var isSearching = false
    private var query: [String] = []
    private var isLooking = false
    /// Answers that are still to come to what an earlier conversation asked of the store.
    private var lateSearches = 0
    private var lateLooks = 0

    /// - Parameters:
    ///   - log: the store's origin: another after each restore.
    ///   - end: its last commit.
    public init(log: UInt64, end: UInt64) {
        self.log = log
        self.end = end
    }

    /// Whether a peer is being served.
    public var isServing: Bool { lane.map { !$0.isBroken } ?? false }

    // MARK: - Messages

    /// A message of the peer. Whatever its bytes are, nothing traps.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, into actions: inout [DocumentExchangeAction]) {
        do throws(DocumentFeedError) {
            let message = try DocumentMessage(bytes)
            if case .want(let want) = message.body, message.number == 1, isLater(message.tag) { begin(want, message.tag) }
            guard lane?.accepts(message) ?? false else { return }
            try handle(message.body, into: &actions)
            work(into: &actions)
        } catch {
            refuse(error, into: &actions)
        }
    }

    /// Tags count up with each conversation of a sink; one that comes late is not heard. Those of another sink may be any.
    private func isLater(_ tag: UInt32) -> Bool {
        guard let lane else { return true }
        return lane.tag &- tag > Self.lateTags
    }

    private static let lateTags: UInt32 = 1_024

    private mutating func begin(_ want: ExchangeWant, _ tag: UInt32) {
        lane = ExchangeLane(tag: tag, granted: want.granted, after: lane)
        lateSearches += isSearching ? 1 : 0
        lateLooks += isLooking ? 1 : 0
        interest = want.interest
        (serial, answered, isSearching, isLooking, query) = (0, 0, false, false, [])
        cursor = want.cursor
        cursor.unlisted = cursor.unlisted.intersection(interest)
        // A log that ends before the peer's place is not the one that it knows.
        if cursor.log != log || cursor.offset > end { restart() }
        toldOffset = cursor.offset
    }

    /// Lists everything, and goes on from where the log ends now.
    private mutating func restart() {
        cursor = ExchangeCursor(log: log, offset: end, unlisted: interest)
    }

    private mutating func handle(_ body: DocumentMessage.Body, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        switch body {
        case .want: break
        case .ask(let ask): try take(ask, into: &actions)
        case .give(let part):
            if let gift = try lane?.receive(part) { actions.append(.take(gift)) }
            if lane?.owesCredit ?? false { lane?.sendStatus(wantsAnswer: false, into: &actions) }
        case .status(let status):
            try lane?.take(status, into: &actions)
            if status.wantsAnswer { lane?.sendStatus(wantsAnswer: false, into: &actions) }
        case .query(let names):
            guard query.isEmpty, !names.isEmpty else { throw DocumentFeedError(.limitExceeded, "a query within another") }
            query = names
        case .refuse(let refusal):
            actions.append(.report(DocumentFeedError(.mismatch, "the peer refused it: code \(refusal.code)", document: refusal.name)))
        case .offer: throw DocumentFeedError(.mismatch, "an offer of a subscriber")
        }
    }

    private mutating func take(_ ask: ExchangeAsk, into actions: inout [DocumentExchangeAction]) throws(DocumentFeedError) {
        guard ask.serial == 0 || (ask.serial > answered && ask.serial <= serial) else {
            throw DocumentFeedError(.mismatch, "offer \(ask.serial) was not made, or was answered")
        }
        for document in ask.documents {
            guard interest.matches(document.name) else {
                throw DocumentFeedError(.mismatch, "a document that is not of the interest", document: document.name)
            }
            try lane?.give(ExchangeLane.Wish(name: document.name, since: document.version), into: &actions)
        }
        if ask.isLast, ask.serial > 0 { answered = ask.serial }
    }

    private mutating func refuse(_ error: DocumentFeedError, into actions: inout [DocumentExchangeAction]) {
        actions.append(.report(error))
        lane?.send(.refuse(ExchangeRefusal(code: error.wireCode, name: error.document ?? "")), into: &actions)
        lane?.close()
    }

    // MARK: - Events

    /// The store has committed something.
    public mutating func logGrew(to end: UInt64, into actions: inout [DocumentExchangeAction]) {
        self.end = max(self.end, end)
        work(into: &actions)
    }

    /// The link is gone.
    public mutating func detach() {
        lane = nil
        (isSearching, isLooking, lateSearches, lateLooks, query) = (false, false, 0, 0, [])
    }

    private mutating func work(into actions: inout [DocumentExchangeAction]) {
        guard isServing else { return }
        if !query.isEmpty, !isLooking {
            isLooking = true
            actions.append(.look(query))
        }
        guard !isSearching, serial - answered < UInt64(DocumentLimits.offerWindow) else { return }
        if !cursor.unlisted.isEmpty {
            isSearching = true
            actions.append(.list(cursor.unlisted, after: cursor.lastName, limit: DocumentLimits.offerDocuments))
        } else if cursor.offset < end {
            isSearching = true
            actions.append(.follow(after: cursor.offset, limit: DocumentLimits.offerDocuments * 4))
        }
    }

    // MARK: - Answers

    /// The store answers a search; whether it is one of this conversation.
    private mutating func endsSearch() -> Bool {
        if lateSearches > 0 {
            lateSearches -= 1
            return false
        }
        guard isSearching else { return false }
        isSearching = false
        return isServing
    }

    /// Documents by name, in the order of their names' bytes; whether there are no more.
    public mutating func supply(listing: [DocumentStanding], isEnd: Bool, into actions: inout [DocumentExchangeAction]) {
        guard endsSearch(), !cursor.unlisted.isEmpty else { return }
        let fitting = Self.fitting(listing[...])
        if let last = fitting.last { cursor.lastName = last.name }
        if isEnd, fitting.count == listing.count {
            cursor.unlisted = .none
            cursor.lastName = ""
        }
        offer(fitting, into: &actions)
        work(into: &actions)
    }

    /// The documents that commits behind the offset changed, each once, ascending by its last commit in what was looked at; `end` is how far that goes.
    public mutating func supply(changes: [DocumentStanding], end: UInt64, into actions: inout [DocumentExchangeAction]) {
        guard endsSearch(), cursor.unlisted.isEmpty else { return }
        let wanted = changes.filter { interest.matches($0.name) }
        let fitting = Self.fitting(wanted[...])
        cursor.offset = fitting.count == wanted.count ? max(cursor.offset, end) : fitting.last?.offset ?? cursor.offset
        // A place that moves by nothing of interest is told now and then, so that the peer need not look at all of it again.
        if !fitting.isEmpty || cursor.offset - toldOffset >= UInt64(DocumentLimits.offerDocuments) { offer(fitting, into: &actions) }
        work(into: &actions)
    }

    /// The log no longer reaches back to the offset.
    public mutating func supplyReset(into actions: inout [DocumentExchangeAction]) {
        guard endsSearch() else { return }
        restart()
        work(into: &actions)
    }

    /// What there is of the documents of a query, an empty version for none.
    public mutating func supply(found: [DocumentStanding], into actions: inout [DocumentExchangeAction]) {
        if lateLooks > 0 {
            lateLooks -= 1
            return
        }
        guard isLooking else { return }
        isLooking = false
        guard isServing, !query.isEmpty else { return }
        let documents = found.prefix(DocumentLimits.offerDocuments).map { ExchangeVersion(name: $0.name, version: $0.version) }
        query = []
        for piece in Self.messages(documents) {
            lane?.send(.offer(ExchangeOffer(serial: 0, cursor: cursor, documents: piece)), into: &actions)
        }
        work(into: &actions)
    }

    public mutating func supply(material: DocumentMaterial, into actions: inout [DocumentExchangeAction]) {
        lane?.supply(material, into: &actions)
        work(into: &actions)
    }

    /// What the peer gave is durable, or was refused for good: in the order of ``DocumentExchangeAction/take(_:)``.
    public mutating func taken(_ refusal: DocumentFeedError? = nil, into actions: inout [DocumentExchangeAction]) {
        let isOfThis = lane?.taken() ?? false
        if let refusal { actions.append(.report(refusal)) }
        guard isOfThis else { return }
        if let refusal {
            lane?.send(.refuse(ExchangeRefusal(code: refusal.wireCode, name: refusal.document ?? "")), into: &actions)
        }
        lane?.sendStatus(wantsAnswer: false, into: &actions)
    }

    private mutating func offer(_ documents: ArraySlice<DocumentStanding>, into actions: inout [DocumentExchangeAction]) {
        serial += 1
        toldOffset = cursor.offset
        let versions = documents.map { ExchangeVersion(name: $0.name, version: $0.version) }
        lane?.send(.offer(ExchangeOffer(serial: serial, cursor: cursor, documents: versions)), into: &actions)
    }

    /// As many as go into one offer, but at least one.
    private static func fitting(_ documents: ArraySlice<DocumentStanding>) -> ArraySlice<DocumentStanding> {
        var room = DocumentLimits.offerSize
        var count = 0
        for document in documents.prefix(DocumentLimits.offerDocuments) {
            room -= ExchangeVersion.size(document.name, document.version)
            guard room >= 0 || count == 0 else { break }
            count += 1
        }
        return documents.prefix(count)
    }

    /// Cuts versions into rows that fit into a message each.
    static func messages(_ documents: [ExchangeVersion]) -> [[ExchangeVersion]] {
        var rows: [[ExchangeVersion]] = [[]]
        var room = DocumentLimits.offerSize
        for document in documents {
            let size = ExchangeVersion.size(document.name, document.version)
            if size > room, !rows[rows.count - 1].isEmpty {
                rows.append([])
                room = DocumentLimits.offerSize
            }
            room -= size
            rows[rows.count - 1].append(document)
        }
        return rows
    }
}

extension ExchangeVersion {
    /// Most bytes that a document takes in a message.
    static func size(_ name: String, _ version: CausalContext) -> Int { 8 + name.utf8.count + version.dots.count * 18 }
}

extension DocumentFeedError {
    var wireCode: UInt8 {
        switch code {
        case .malformed: 1
        case .limitExceeded: 2
        case .newerVersion: 3
        case .invalidName: 4
        case .mismatch: 5
        case .historyCut: 6
        case .diverged: 7
        default: 0
        }
    }
}
