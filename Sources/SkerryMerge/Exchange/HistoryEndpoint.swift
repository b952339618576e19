/// A history at one end of a link: carries out what an ``ExchangeSession`` asks for and hands out the messages to send.
///
/// It knows no link. Whoever has one gives each message that arrives to ``receive(_:)`` and sends what comes back, in order:
///
/// ```swift
/// var here = HistoryEndpoint(history, peer: "hull"), there = HistoryEndpoint(other, peer: "bow")
/// try HistoryEndpoint.converse(&here, &there) { here, _ throws(HistoryError) in try here.pull("main", policy: .marking) }
/// ```
public struct HistoryEndpoint<Store: HistoryStore>: Sendable {
    /// What came of wishes, in order, until it is taken.
    public enum Outcome: Sendable, Hashable {
        /// The peer's names are here as remote names, and its tags as ours where we had none of the name.
        case fetched([HistoryName: ObjectID])
        case pushed(branch: String, refusal: HistoryError.Code?)
        /// The pulled branch.
        case pulled(branch: String, MergeOutcome)
        /// A push of the peer moved one of our branches.
        case accepted(NameChange)
        /// The peer's names changed: a live object fetches now.
        case heard([HistoryName: ObjectID])
    }

    public private(set) var history: History<Store>
    /// What the peer is called in remote names.
    public let peer: String
    private var session: ExchangeSession
    private var outcomes: [Outcome] = []
    private var pulls: [(branch: String, policy: MergePolicy)] = []
    private var isClone = false
    private var incoming = IncomingTransfer()
    /// What has crossed the link.
    public private(set) var traffic = Traffic()

    /// Objects and their bytes, since the endpoint was made.
    public struct Traffic: Sendable, Hashable {
        public var objectsReceived = 0
        public var bytesReceived = 0
        public var objectsSent = 0
        public var bytesSent = 0

        public init() {}
    }

    /// - Parameters:
    ///   - peer: what it is called in remote names, the same each time.
    ///   - pushRule: which of our branches it may move.
    public init(_ history: History<Store>, peer: String, pushRule: ExchangeSession.PushRule = .all) {
        self.history = history
        self.peer = peer
        session = ExchangeSession(hash: history.hash.name, graph: history.graph, names: history.names, pushRule: pushRule)
        incoming = IncomingTransfer(goingOnFrom: incomingNames.compactMap { history.names[$0] }.filter { $0 != history.rootID })
    }

    /// What came of wishes since the last call.
    public mutating func takeOutcomes() -> [Outcome] {
        defer { outcomes = [] }
        return outcomes
    }

    /// - Returns: the greeting.
    public mutating func start() throws(HistoryError) -> [ExchangeMessage] { try run(.started) }

    /// - Throws: ``HistoryError``: close the link.
    public mutating func receive(_ message: ExchangeMessage) throws(HistoryError) -> [ExchangeMessage] { try run(.message(message)) }

    /// Gets everything the peer's branches and tags lead to; of a depth that many commits a head, the rest staying behind.
    ///
    /// Goes on where a transfer from this peer broke off: what came then is not sent again.
    public mutating func fetch(depth: Int? = nil) throws(HistoryError) -> [ExchangeMessage] {
        try run(.fetch(depth: depth, held: try heldObjects()))
    }

    /// Gets commits behind the boundary of a shallow clone: of each of the peer's heads so many in all, or all there are. Of a history without a
    /// boundary this is ``fetch(depth:)``.
    public mutating func deepen(to depth: Int? = nil) throws(HistoryError) -> [ExchangeMessage] {
        try run(.fetch(depth: depth, deepens: true, held: try heldObjects()))
    }

    /// The link ended: notes under names of this peer what came of a fetch that is not complete, so that the next one goes on from there.
    ///
    /// Without this call, or when it throws, as after a crash, up to 16 MiB of objects are sent again.
    public mutating func linkEnded() throws(HistoryError) { if incoming.isWorthKeeping { try keepIncoming() } }

    /// Makes this empty history a copy of the peer's, or of its last `depth` commits.
    ///
    /// - Throws: ``HistoryError`` with `notEmpty`.
    public mutating func clone(depth: Int? = nil) throws(HistoryError) -> [ExchangeMessage] {
        var mayClone = history.isEmpty
        #if DEBUG
        if HistoryDefects.has(.cloneOverwrites) { mayClone = true }
        #endif
        guard mayClone else { throw HistoryError(.notEmpty, "only an empty history can become a clone") }
        isClone = true
        return try fetch(depth: depth)
    }

    /// Fetches, then merges the peer's branch of this name into ours.
    public mutating func pull(_ branch: String, policy: MergePolicy = .refusing) throws(HistoryError) -> [ExchangeMessage] {
        pulls.append((branch, policy))
        return try fetch()
    }

    /// Moves the peer's branch to where ours stands, if it stands somewhere ours came from.
    public mutating func push(_ branch: String) throws(HistoryError) -> [ExchangeMessage] { try run(.push(branch: branch)) }

    /// Changes the history; the peer hears of names that moved.
    public mutating func change(_ body: (inout History<Store>) throws(HistoryError) -> Void) throws(HistoryError) -> [ExchangeMessage] {
        try body(&history)
        return try run(.namesChanged(history.names, history.graph))
    }

    // MARK: The shell

    private mutating func run(_ event: ExchangeSession.Event) throws(HistoryError) -> [ExchangeMessage] {
        var messages: [ExchangeMessage] = []
        var events = [event]
        while !events.isEmpty {
            for action in try session.handle(events.removeFirst()) {
                if let answer = try carryOut(action, &messages) { events.append(answer) }
            }
        }
        return messages
    }

    private mutating func carryOut(
        _ action: ExchangeSession.Action, _ messages: inout [ExchangeMessage]
    ) throws(HistoryError) -> ExchangeSession.Event? {
        switch action {
        case .send(let message):
            if case .objects(let objects) = message {
                traffic.objectsSent += objects.count
                traffic.bytesSent += objects.reduce(0) { $0 + $1.count }
            }
            messages.append(message)
            return nil
        case .list(let commit, let against): return .listed(try history.objects(of: commit, against: against))
        case .read(let ids):
            var objects: [[UInt8]] = []
            for id in ids { objects.append(try history.object(id)) }
            return .read(objects)
        case .store(let objects, let boundary):
            do throws(HistoryError) { try store(objects, boundary) } catch {
                guard error.code == .badName else { throw error }
                return .notStored(error)
            }
            return .stored(history.graph)
        case .move(let change):
            do throws(HistoryError) { try history.move([change]) } catch { return .moved(change.name, refusal: error.code) }
            outcomes.append(.accepted(change))
            return .moved(change.name, refusal: nil)
        case .fetched(let names, let boundary): return try fetched(names, boundary)
        case .pushed(let branch, let refusal):
            outcomes.append(.pushed(branch: branch, refusal: refusal))
            if refusal == nil, let head = history.names[.branch(branch)] { return try note([.remote(peer, branch: branch): head]) }
            return nil
        case .heard(let names):
            outcomes.append(.heard(names))
            return nil
        }
    }

    /// Notes where the peer's names lead, and merges what a pull waits for.
    private mutating func fetched(
        _ names: [HistoryName: ObjectID], _ boundary: Set<ObjectID>
    ) throws(HistoryError) -> ExchangeSession.Event? {
        var noted: [HistoryName: ObjectID] = [:]
        for (name, id) in names {
            switch name {
            case .branch(let branch):
                noted[.remote(peer, branch: branch)] = id
                if isClone { noted[name] = id }
            case .tag: if history.names[name] == nil || movesTags { noted[name] = id }
            case .remote: break
            }
        }
        isClone = false
        try complete(noted)
        outcomes.append(.fetched(names))
        let waiting = pulls
        pulls = []
        for (branch, policy) in waiting {
            guard let theirs = names[.branch(branch)] else { throw HistoryError(.notFound, "the peer has no branch \(branch)") }
            let outcome: MergeOutcome
            if history.names[.branch(branch)] == nil {
                try history.createBranch(branch, at: theirs)
                outcome = .fastForward(theirs)
            } else {
                outcome = try history.merge(theirs, into: branch, policy: policy)
            }
            outcomes.append(.pulled(branch: branch, outcome))
        }
        return .namesChanged(history.names, history.graph)
    }

    private var movesTags: Bool {
        #if DEBUG
        return HistoryDefects.has(.tagsMove)
        #else
        return false
        #endif
    }

    private mutating func note(_ names: [HistoryName: ObjectID]) throws(HistoryError) -> ExchangeSession.Event? {
        try history.move(changes(names))
        return .namesChanged(history.names, history.graph)
    }

    private func changes(_ names: [HistoryName: ObjectID]) -> [NameChange] {
        names.sorted { $0.key < $1.key }.map { NameChange($0.key, from: history.names[$0.key], to: $0.value) }.filter { $0.from != $0.to }
    }
}

// MARK: - Transfers that break off

extension HistoryEndpoint {
    /// Stores objects, and from time to time a name for the newest commits among them: without one the next fetch would not know of them.
    private mutating func store(_ objects: [[UInt8]], _ boundary: Set<ObjectID>) throws(HistoryError) {
        try history.accept(objects, boundary: boundary)
        traffic.objectsReceived += objects.count
        traffic.bytesReceived += objects.reduce(0) { $0 + $1.count }
        incoming.add(objects, history.hash)
        if incoming.isDue { try keepIncoming() }
    }

    private mutating func keepIncoming() throws(HistoryError) {
        var names: [HistoryName: ObjectID] = [:]
        // Contents that no commit has reached yet are found by their being there; the name says to look.
        let tips = incoming.tips.isEmpty ? [history.rootID] : incoming.tips
        for (index, tip) in tips.enumerated() { names[incomingName(index)] = tip }
        let stale = incomingNames.filter { names[$0] == nil }.map { NameChange($0, from: history.names[$0], to: nil) }
        try history.move(changes(names) + stale, boundary: history.graph.boundary)
        incoming.noted()
    }

    private func incomingName(_ index: Int) -> HistoryName { .remote(peer, branch: "\(HistoryName.incomingMark)/\(index)") }

    private var incomingNames: [HistoryName] {
        history.names.keys.filter { if case .remote(peer, _) = $0 { $0.isIncoming } else { false } }.sorted()
    }

    private func heldObjects() throws(HistoryError) -> [ObjectID] {
        #if DEBUG
        if HistoryDefects.has(.resumptionForgotten) { return [] }
        #endif
        return incomingNames.isEmpty ? [] : try history.unnamedObjects(maximum: ExchangeSession.heldMaximum)
    }

    /// Names what a fetch was for, and takes the names of its parts away.
    private mutating func complete(_ names: [HistoryName: ObjectID]) throws(HistoryError) {
        let stale = incomingNames.map { NameChange($0, from: history.names[$0], to: nil) }
        incoming = IncomingTransfer()
        var isShallow = !history.graph.boundary.isEmpty
        #if DEBUG
        if HistoryDefects.has(.boundaryForgotten) { isShallow = false }
        #endif
        guard isShallow else { return try history.move(changes(names) + stale) }
        try history.settleBoundary(with: changes(names) + stale)
    }
}

/// What has come of a fetch so far.
private struct IncomingTransfer: Sendable {
    /// Bytes after which the commits that came get names, 16 MiB, which bounds what a crash loses.
    static var noteInterval: Int { 16 << 20 }
    /// Bytes below which a broken transfer is as well begun anew: 64 KiB.
    static var worth: Int { 64 << 10 }
    /// Names of one transfer: 64. Of more branches the later ones come again.
    static var tipMaximum: Int { 64 }

    /// Commits without a child among those that came.
    private(set) var tips: [ObjectID] = []
    private var bytes = 0
    private var unnoted = 0

    /// - Parameter tips: what an earlier transfer left.
    init(goingOnFrom tips: [ObjectID] = []) { self.tips = tips }

    var isDue: Bool { unnoted >= Self.noteInterval }
    var isWorthKeeping: Bool { bytes >= Self.worth && unnoted > 0 }

    mutating func noted() { unnoted = 0 }

    mutating func add(_ objects: [[UInt8]], _ hash: ContentHash) {
        for object in objects {
            bytes += object.count
            unnoted += object.count
            guard object.first == HistoryObject.commitLetter, case .commit(let commit)? = try? HistoryObject(encoded: object) else {
                continue
            }
            tips.removeAll { commit.parents.contains($0) }
            if tips.count < Self.tipMaximum { tips.append(hash(object)) }
        }
    }
}

extension HistoryEndpoint {
    /// Two endpoints in one process: passes messages to and fro until neither has anything to say.
    ///
    /// - Parameter wish: what one of them says first, after the greetings.
    public static func converse<Other: HistoryStore>(
        _ here: inout HistoryEndpoint, _ there: inout HistoryEndpoint<Other>,
        _ wish: (inout HistoryEndpoint, inout HistoryEndpoint<Other>) throws(HistoryError) -> [ExchangeMessage]
    ) throws(HistoryError) {
        var toThere = try here.start(), toHere = try there.start()
        try deliver(&here, &there, &toThere, &toHere)
        toThere = try wish(&here, &there)
        try deliver(&here, &there, &toThere, &toHere)
    }

    private static func deliver<Other: HistoryStore>(
        _ here: inout HistoryEndpoint, _ there: inout HistoryEndpoint<Other>, _ toThere: inout [ExchangeMessage],
        _ toHere: inout [ExchangeMessage]
    ) throws(HistoryError) {
        while !toThere.isEmpty || !toHere.isEmpty {
            let arriving = toThere
            toThere = []
            for message in arriving { toHere += try there.receive(message) }
            let returning = toHere
            toHere = []
            for message in returning { toThere += try here.receive(message) }
        }
    }
}
