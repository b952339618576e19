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

    public init(_ history: History<Store>, peer: String) {
        self.history = history
        self.peer = peer
        session = ExchangeSession(hash: history.hash.name, graph: history.graph, names: history.names)
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
    public mutating func fetch(depth: Int? = nil) throws(HistoryError) -> [ExchangeMessage] { try run(.fetch(depth: depth)) }

    /// Makes this empty history a copy of the peer's, or of its last `depth` commits.
    ///
    /// - Throws: ``HistoryError`` with `notEmpty`.
    public mutating func clone(depth: Int? = nil) throws(HistoryError) -> [ExchangeMessage] {
        guard history.isEmpty else { throw HistoryError(.notEmpty, "only an empty history can become a clone") }
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
            messages.append(message)
            return nil
        case .list(let commit, let against): return .listed(try history.objects(of: commit, against: against))
        case .read(let ids):
            var objects: [[UInt8]] = []
            for id in ids { objects.append(try history.object(id)) }
            return .read(objects)
        case .store(let objects, let boundary):
            try history.accept(objects, boundary: boundary)
            return .stored(history.graph)
        case .move(let change):
            do throws(HistoryError) { try history.move([change]) } catch { return .moved(change.name, refusal: error.code) }
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
            case .tag: if history.names[name] == nil { noted[name] = id }
            case .remote: break
            }
        }
        isClone = false
        _ = try note(noted, boundary: boundary.isEmpty ? nil : history.graph.boundary)
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

    private mutating func note(
        _ names: [HistoryName: ObjectID], boundary: Set<ObjectID>? = nil
    ) throws(HistoryError) -> ExchangeSession.Event? {
        let changes = names.sorted { $0.key < $1.key }.map { NameChange($0.key, from: history.names[$0.key], to: $0.value) }
        try history.move(changes.filter { $0.from != $0.to }, boundary: boundary)
        return .namesChanged(history.names, history.graph)
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
