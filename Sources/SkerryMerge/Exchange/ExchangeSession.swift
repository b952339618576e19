/// One side of the conversation in which two histories give each other what they lack: a machine without a link and without a store.
///
/// Both sides run the same machine and may ask at the same time. An event goes in, actions come out, to be carried out in order; the answers to
/// ``Action/list(commit:against:)``, ``Action/read(_:)``, ``Action/store(_:boundary:)`` and ``Action/move(_:)`` come back as events.
/// ``HistoryEndpoint`` is the shell around it.
///
/// - Both sides greet with their names. A fetch names the commits it wants and says, newest first and in growing portions, which commits it has,
///   until all paths of its history lead into common ground; then the missing objects flow.
/// - Objects flow parents before children under credit: at most ``window`` messages are on their way, so neither side buffers more. A
///   transfer that breaks off leaves objects no name leads to, and nothing that dangles.
/// - A push sends first and asks for the move last. It is refused here when the branch is known to have commits that are not ours,
///   and there if it moved meanwhile.
public struct ExchangeSession: Sendable {
    /// What happens to a session.
    public enum Event: Sendable {
        /// The link is there.
        case started
        case message(ExchangeMessage)
        /// Objects of a commit, each after those it refers to.
        case listed([ObjectID])
        case read([[UInt8]])
        /// Objects were verified and stored; the graph with the commits among them.
        case stored(CommitGraph)
        /// Objects were not stored, because of what stands in them.
        case notStored(HistoryError)
        /// The answer to a move.
        case moved(HistoryName, refusal: HistoryError.Code?)
        /// Names here are these now, for whatever reason.
        case namesChanged([HistoryName: ObjectID], CommitGraph)
        /// Get everything the peer's branches and tags lead to, or so many commits of it.
        ///
        /// `deepens`: also what lies behind the boundary here, to that depth. `held`: objects no commit here leads to, which need not be sent
        /// again; ``ExchangeSession/heldMaximum`` at most count.
        case fetch(depth: Int?, deepens: Bool = false, held: [ObjectID] = [])
        /// Move the peer's branch of this name to where ours stands.
        case push(branch: String)
    }

    /// What is to be done about it.
    public enum Action: Sendable {
        case send(ExchangeMessage)
        /// List the objects of `commit` that commits `against` lack.
        case list(commit: ObjectID, against: [ObjectID])
        case read([ObjectID])
        /// Verify and store; these commits may lack their parents.
        case store([[UInt8]], boundary: Set<ObjectID>)
        /// Move a name if it still stands where the change says.
        case move(NameChange)
        /// A fetch is complete: the peer's names, all of which lead to commits that are here, and the boundary of what came.
        case fetched([HistoryName: ObjectID], boundary: Set<ObjectID>)
        /// A push is complete or refused.
        case pushed(branch: String, refusal: HistoryError.Code?)
        /// The peer's names are these now.
        case heard([HistoryName: ObjectID])
    }

    /// Which branches a peer may move.
    public enum PushRule: Sendable, Hashable {
        case all
        /// Objects that come ahead of a push are dropped.
        case none
        /// These are somebody's work tree.
        case allExcept(Set<String>)

        func allows(_ branch: String) -> Bool {
            switch self {
            case .all: true
            case .none: false
            case .allExcept(let branches): !branches.contains(branch)
            }
        }
    }

    /// Messages of objects sent and not yet stored by the peer: 8.
    public static var window: Int { 8 }
    /// Bytes of objects sent and not yet stored by the peer: 8 MiB, or one message where a single object is larger.
    public static var windowBytes: Int { 8 << 20 }
    /// Objects of a broken transfer that a peer is told of: 65,536.
    public static var heldMaximum: Int { 1 << 16 }
    /// Messages of a wish before the peer waits for an answer: the wish, what it skips, and the first commits.
    static var postponedMaximum: Int { 2 + heldMaximum / ExchangeMessage.idMaximum }
    /// Commits told to a peer in one fetch before it is taken for a stranger: 16,384.
    public static var haveMaximum: Int { 1 << 14 }

    private let hash: String
    private var graph: CommitGraph
    private var names: [HistoryName: ObjectID]
    private var peer: Peer?
    /// The peer was told names, which may be before it told its own: from then on it hears of every change.
    private var hasGreeted = false
    private var incoming = Incoming.idle
    private var outgoing = Outgoing.idle
    /// Asked for while something of the same kind was under way, or before the peer greeted; each at most once.
    private var waitingFetch: FetchWish?
    private var waitingPushes: [String] = []
    private var storesUnderWay = 0
    private var moveUnderWay: NameChange?
    /// The push the peer has not answered yet; the next one waits for that.
    private var unansweredPush: HistoryName?
    /// The peer's wish that came while a push was being sent: it is answered after that. A wish, what is to be skipped, and the first
    /// commits, after which the peer waits.
    private var postponed: [ExchangeMessage] = []
    /// Why the objects that come ahead of a push are not taken.
    private var pushRefusal: HistoryError.Code?
    /// Commits that names led to in this session: what the peer may ask for.
    private var offered: Set<ObjectID> = []

    private let pushRule: PushRule

    private struct FetchWish: Sendable {
        let depth: Int?
        let deepens: Bool
        let held: [ObjectID]
    }

    private struct Peer: Sendable {
        var names: [HistoryName: ObjectID]
        var boundary: [ObjectID]
    }

    private enum Incoming: Sendable {
        case idle
        case negotiating(Negotiation)
        case receiving(boundary: Set<ObjectID>, isComplete: Bool)
    }

    private struct Negotiation: Sendable {
        /// Commits that both sides have.
        var common: Set<ObjectID>
        var told: Set<ObjectID>
        var portion: Int
    }

    private enum Outgoing: Sendable {
        case idle
        case answering(Wish, common: Set<ObjectID>)
        case sending(Sending)
    }

    private struct Wish: Sendable {
        let heads: [ObjectID]
        let depth: Int?
        let deepens: Bool
        var skipped: Set<ObjectID> = []
    }

    private struct Sending: Sendable {
        var commits: ArraySlice<ObjectID>
        /// All of them: a parent outside is one the receiver has, or lies beyond the boundary.
        let all: Set<ObjectID>
        let boundary: Set<ObjectID>
        let skipped: Set<ObjectID>
        var ids: ArraySlice<ObjectID> = []
        /// The message being filled, and the full ones before it: two at most, as nothing is read while one waits.
        var open: [[UInt8]] = []
        var openSize = 0
        var packed: [(objects: [[UInt8]], size: Int)] = []
        /// Sizes of messages sent and not yet taken.
        var underWay: [Int] = []
        var isWaiting = false
        /// What to ask for at the end, if this is a push.
        let push: NameChange?
        var isEnded = false
        /// Nothing is to be sent and nothing to be heard of it.
        var isOver: Bool { isEnded && underWay.isEmpty }

        /// Whether the receiver has room for a message.
        func mayHave(_ size: Int) -> Bool {
            #if DEBUG
            if HistoryDefects.has(.windowIgnored) { return true }
            #endif
            return underWay.count < ExchangeSession.window
                && (underWay.isEmpty || underWay.reduce(size, +) <= ExchangeSession.windowBytes)
        }

        mutating func pack() {
            guard !open.isEmpty else { return }
            packed.append((open, openSize))
            (open, openSize) = ([], 0)
        }
    }

    /// What the peer's names were when the fetch under way began.
    private var wanted: [HistoryName: ObjectID] = [:]

    /// - Parameters:
    ///   - names: where names lead here; the peer sees branches and tags.
    ///   - pushRule: which branches the peer may move.
    public init(hash: String, graph: CommitGraph, names: [HistoryName: ObjectID], pushRule: PushRule = .all) {
        self.pushRule = pushRule
        self.hash = hash
        self.graph = graph
        self.names = names
    }

    /// What is to be done now.
    ///
    /// - Throws: ``HistoryError`` with `incompatible` or `protocolViolation`: close the link, the session is of no more use.
    public mutating func handle(_ event: Event) throws(HistoryError) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .started:
            hasGreeted = true
            offered.formUnion(shown(names).values)
            actions.append(.send(.greet(hash: hash, names: shown(names), boundary: graph.boundary.sorted())))
        case .message(let message): try receive(message, &actions)
        case .listed(let ids): try listed(ids, &actions)
        case .read(let objects): try read(objects, &actions)
        case .stored(let graph): try stored(graph, &actions)
        case .notStored(let error): try notStored(error, &actions)
        case .moved(let name, let refusal): try moved(name, refusal, &actions)
        case .namesChanged(let names, let graph):
            self.graph = graph
            let before = shown(self.names), now = shown(names)
            self.names = names
            offered.formUnion(now.values)
            if tellsNews, before != now { actions.append(.send(.names(now))) }
        case .fetch(let depth, let deepens, let held):
            waitingFetch = FetchWish(depth: depth, deepens: deepens, held: Array(held.prefix(Self.heldMaximum)))
            try beginFetch(&actions)
        case .push(let branch):
            if !waitingPushes.contains(branch) { waitingPushes.append(branch) }
            beginPush(&actions)
        }
        if !isPushing, !postponed.isEmpty {
            let messages = postponed
            postponed = []
            for message in messages { try receive(message, &actions) }
        }
        // Whatever it was that a push waited for may be over.
        beginPush(&actions)
        return actions
    }

    /// Whether objects are being sent ahead of a push.
    private var isPushing: Bool { if case .sending(let sending) = outgoing { sending.push != nil } else { false } }

    private var tellsNews: Bool {
        #if DEBUG
        if HistoryDefects.has(.newsBeforeGreetingUntold) { return peer != nil }
        #endif
        return hasGreeted
    }

    /// What we heard of third parties is nobody else's business.
    private func shown(_ names: [HistoryName: ObjectID]) -> [HistoryName: ObjectID] {
        names.filter { if case .remote = $0.key { false } else { true } }
    }

    private mutating func receive(_ message: ExchangeMessage, _ actions: inout [Action]) throws(HistoryError) {
        if case .greet(let peerHash, let names, let boundary) = message {
            guard peer == nil else { throw violation("a second greeting") }
            guard peerHash == hash else { throw HistoryError(.incompatible, "the peer names objects by \(peerHash), we by \(hash)") }
            peer = Peer(names: shown(names), boundary: boundary)
            try beginFetch(&actions)
            beginPush(&actions)
            return
        }
        guard peer != nil else { throw violation("no greeting") }
        if isPushing, try postpones(message) { return }
        switch message {
        case .greet: break
        case .names(let names):
            let visible = shown(names)
            peer?.names = visible
            actions.append(.heard(visible))
        case .want(let ids, let depth, let deepens): try asked(Wish(heads: ids, depth: depth, deepens: deepens))
        case .skip(let ids): try asked(toSkip: ids)
        case .have(let ids, let isLast): try had(ids, isLast, &actions)
        case .common(let ids): try common(ids, &actions)
        case .boundary(let ids): try boundary(ids)
        case .objects(let objects): try arrived(objects, &actions)
        case .taken(let count): try taken(count, &actions)
        case .sent: try sent(&actions)
        case .push(let change): try pushAsked(change, &actions)
        case .pushed(let name, let refusal):
            guard case .branch(let branch) = name, name == unansweredPush else { throw violation("an answer about \(name)") }
            unansweredPush = nil
            let head = names[name]
            if refusal == nil { peer?.names[name] = head }
            actions.append(.pushed(branch: branch, refusal: refusal))
            beginPush(&actions)
        }
    }

    private func violation(_ message: String) -> HistoryError { HistoryError(.protocolViolation, message) }
}

// MARK: - Fetching

extension ExchangeSession {
    private mutating func beginFetch(_ actions: inout [Action]) throws(HistoryError) {
        guard let wish = waitingFetch, let peer, case .idle = incoming else { return }
        waitingFetch = nil
        let deepens = wish.deepens && !graph.boundary.isEmpty
        let wants = Set(peer.names.values).filter { deepens || !graph.contains($0) }.sorted()
        guard wants.count <= ExchangeMessage.idMaximum else { throw HistoryError(.tooLarge, "\(wants.count) heads") }
        guard !wants.isEmpty else { return actions.append(.fetched(peer.names, boundary: [])) }
        wanted = peer.names
        // What the peer's names lead to and we have is common ground to begin with.
        let common = Set(peer.names.values).filter { graph.contains($0) }
        incoming = .negotiating(Negotiation(common: common, told: [], portion: 16))
        actions.append(.send(.want(wants, depth: wish.depth, deepens: deepens)))
        for start in stride(from: 0, to: wish.held.count, by: ExchangeMessage.idMaximum) {
            actions.append(.send(.skip(Array(wish.held[start..<min(wish.held.count, start + ExchangeMessage.idMaximum)]))))
        }
        negotiate(&actions, first: common.sorted())
    }

    private mutating func negotiate(_ actions: inout [Action], first: [ObjectID] = []) {
        guard case .negotiating(var negotiation) = incoming else { return }
        let told = negotiation.told
        let open = graph.commits(from: names.values, excluding: negotiation.common).reversed().filter { !told.contains($0) }
        // Heads first and alone: when the peer knows them, as after most pushes and pulls, nothing else needs to be said.
        let heads = Set(names.values).subtracting(first).sorted()
        let next = told.isEmpty ? first + heads : Array(open.prefix(negotiation.portion))
        let portion = Array(next.prefix(ExchangeMessage.idMaximum))
        negotiation.told.formUnion(portion)
        let isLast = open.allSatisfy(negotiation.told.contains) || negotiation.told.count >= Self.haveMaximum
        actions.append(.send(.have(portion, isLast: isLast)))
        negotiation.portion = min(1024, negotiation.portion * 2)
        incoming = isLast ? .receiving(boundary: [], isComplete: false) : .negotiating(negotiation)
    }

    private mutating func common(_ ids: [ObjectID], _ actions: inout [Action]) throws(HistoryError) {
        guard case .negotiating(var negotiation) = incoming, ids.allSatisfy(graph.contains) else {
            throw violation("common ground nobody asked for")
        }
        negotiation.common.formUnion(ids)
        incoming = .negotiating(negotiation)
        negotiate(&actions)
    }

    private mutating func boundary(_ ids: [ObjectID]) throws(HistoryError) {
        guard case .receiving(let boundary, false) = incoming else { throw violation("a boundary nobody asked for") }
        incoming = .receiving(boundary: boundary.union(ids), isComplete: false)
    }

    private mutating func arrived(_ objects: [[UInt8]], _ actions: inout [Action]) throws(HistoryError) {
        // Objects come for a fetch of ours, or ahead of a push of theirs.
        guard storesUnderWay < Self.window else { throw violation("more objects than there was credit for") }
        var boundary: Set<ObjectID> = []
        if case .receiving(let announced, _) = incoming {
            boundary = announced
        } else if pushRule == .none || pushRefusal != nil {
            return actions.append(.send(.taken(1)))
        }
        storesUnderWay += 1
        actions.append(.store(objects, boundary: boundary))
    }

    private mutating func stored(_ graph: CommitGraph, _ actions: inout [Action]) throws(HistoryError) {
        storesUnderWay -= 1
        self.graph = graph
        actions.append(.send(.taken(1)))
        try finishFetch(&actions)
        finishMove(&actions)
    }

    /// Of a fetch it is the end; a push is answered when it is asked for, so that whoever pushes hears why.
    private mutating func notStored(_ error: HistoryError, _ actions: inout [Action]) throws(HistoryError) {
        if case .receiving = incoming { throw error }
        storesUnderWay -= 1
        pushRefusal = error.code
        actions.append(.send(.taken(1)))
        finishMove(&actions)
    }

    private mutating func sent(_ actions: inout [Action]) throws(HistoryError) {
        guard case .receiving(let boundary, false) = incoming else { throw violation("an end nobody asked for") }
        incoming = .receiving(boundary: boundary, isComplete: true)
        try finishFetch(&actions)
    }

    private mutating func finishFetch(_ actions: inout [Action]) throws(HistoryError) {
        guard case .receiving(let boundary, true) = incoming, storesUnderWay == 0 else { return }
        guard wanted.values.allSatisfy(graph.contains) else { throw violation("an end before everything wanted was sent") }
        incoming = .idle
        actions.append(.fetched(wanted, boundary: boundary))
        try beginFetch(&actions)
    }
}

// MARK: - Sending

extension ExchangeSession {
    /// A wish of the peer that crossed a push is kept until the push is sent.
    private mutating func postpones(_ message: ExchangeMessage) throws(HistoryError) -> Bool {
        switch message {
        case .want: guard postponed.isEmpty else { throw violation("a second wish before the first was answered") }
        case .skip, .have: guard !postponed.isEmpty else { throw violation("more about a wish that nobody had") }
        default: return false
        }
        postponed.append(message)
        guard postponed.count <= Self.postponedMaximum else { throw violation("more about a wish than it takes") }
        return true
    }

    private mutating func asked(_ wish: Wish) throws(HistoryError) {
        guard case .idle = outgoing else { throw violation("a second wish before the first was answered") }
        guard wish.heads.allSatisfy({ offered.contains($0) && graph.contains($0) }) else {
            throw violation("a wish for commits that were never offered")
        }
        outgoing = .answering(wish, common: Set((peer?.names.values).map(Array.init) ?? []).filter { graph.contains($0) })
    }

    private mutating func asked(toSkip ids: [ObjectID]) throws(HistoryError) {
        guard case .answering(var wish, let common) = outgoing, wish.skipped.count + ids.count <= Self.heldMaximum else {
            throw violation("objects to skip that nobody wished for")
        }
        wish.skipped.formUnion(ids)
        outgoing = .answering(wish, common: common)
    }

    private mutating func had(_ ids: [ObjectID], _ isLast: Bool, _ actions: inout [Action]) throws(HistoryError) {
        guard case .answering(let wish, var common) = outgoing else { throw violation("commits nobody asked about") }
        let known = ids.filter { graph.contains($0) }
        common.formUnion(known)
        guard isLast else {
            outgoing = .answering(wish, common: common)
            return actions.append(.send(.common(known)))
        }
        begin(wish, common, push: nil, &actions)
    }

    private mutating func begin(_ wish: Wish, _ common: Set<ObjectID>, push: NameChange?, _ actions: inout [Action]) {
        var commits =
            wish.deepens
            ? graph.commits(behind: common, upTo: Set(peer?.boundary ?? []), from: wish.heads)
            : graph.commits(from: wish.heads, excluding: common, behind: Set(peer?.boundary ?? []))
        var boundary = Set(commits).intersection(graph.boundary)
        if let depth = wish.depth {
            let shallow = graph.commits(from: wish.heads, depth: depth)
            let missing = Set(commits), near = Set(shallow.commits)
            commits.removeAll { !near.contains($0) }
            boundary.formUnion(shallow.boundary.filter(missing.contains))
        }
        let all = Set(commits)
        // Where the receiver's history ends from here on.
        let former = (peer?.boundary ?? []).filter { !(graph.parents(of: $0) ?? []).allSatisfy(all.contains) }
        peer?.boundary = Set(former).union(boundary).sorted()
        outgoing = .sending(Sending(commits: commits[...], all: all, boundary: boundary, skipped: wish.skipped, push: push))
        for portion in stride(from: 0, to: boundary.count, by: ExchangeMessage.idMaximum) {
            let sorted = boundary.sorted()
            actions.append(.send(.boundary(Array(sorted[portion..<min(sorted.count, portion + ExchangeMessage.idMaximum)]))))
        }
        pump(&actions)
    }

    /// Sends what is packed, else asks for more to pack, else ends.
    private mutating func pump(_ actions: inout [Action]) {
        guard case .sending(var sending) = outgoing else { return }
        defer { outgoing = sending.isOver ? .idle : .sending(sending) }
        if sending.ids.isEmpty, sending.commits.isEmpty, !sending.isWaiting { sending.pack() }
        while let next = sending.packed.first, sending.mayHave(next.size) {
            actions.append(.send(.objects(next.objects)))
            sending.underWay.append(next.size)
            sending.packed.removeFirst()
        }
        guard sending.packed.isEmpty, !sending.isWaiting else { return }
        if let id = sending.ids.popFirst() {
            // One at a time: nobody knows how large it is.
            actions.append(.read([id]))
            sending.isWaiting = true
        } else if let commit = sending.commits.popFirst() {
            actions.append(.list(commit: commit, against: against(commit, sending)))
            sending.isWaiting = true
        } else if sending.underWay.isEmpty || sending.push == nil {
            // A push waits until everything before it is stored; an end needs not.
            actions.append(.send(sending.push.map { .push($0) } ?? .sent))
            unansweredPush = sending.push?.name ?? unansweredPush
            sending.isEnded = true
        }
    }

    /// Parents whose objects the receiver has by now.
    private func against(_ commit: ObjectID, _ sending: Sending) -> [ObjectID] {
        let parents = graph.parents(of: commit) ?? []
        return sending.boundary.contains(commit) ? parents.filter(sending.all.contains) : parents
    }

    private mutating func listed(_ ids: [ObjectID], _ actions: inout [Action]) throws(HistoryError) {
        guard case .sending(var sending) = outgoing, sending.isWaiting else { throw violation("a list nobody asked for") }
        sending.ids = ids.filter { !sending.skipped.contains($0) }[...]
        sending.isWaiting = false
        outgoing = .sending(sending)
        pump(&actions)
    }

    private mutating func read(_ objects: [[UInt8]], _ actions: inout [Action]) throws(HistoryError) {
        guard case .sending(var sending) = outgoing, sending.isWaiting else { throw violation("objects nobody asked for") }
        for object in objects {
            if sending.openSize + object.count > ExchangeMessage.objectBytesTarget { sending.pack() }
            sending.open.append(object)
            sending.openSize += object.count
        }
        sending.isWaiting = false
        outgoing = .sending(sending)
        pump(&actions)
    }

    private mutating func taken(_ count: Int, _ actions: inout [Action]) throws(HistoryError) {
        guard case .sending(var sending) = outgoing, count <= sending.underWay.count else { throw violation("credit nobody gave") }
        sending.underWay.removeFirst(count)
        outgoing = sending.isOver ? .idle : .sending(sending)
        if case .idle = outgoing { return beginPush(&actions) }
        if !sending.isEnded { pump(&actions) }
    }
}

// MARK: - Pushing

extension ExchangeSession {
    private mutating func beginPush(_ actions: inout [Action]) {
        // A wish that waited for the last push comes before the next one.
        guard let peer, case .idle = outgoing, postponed.isEmpty, unansweredPush == nil, !waitingPushes.isEmpty else { return }
        let branch = waitingPushes.removeFirst()
        let name = HistoryName.branch(branch)
        guard let head = names[name] else {
            actions.append(.pushed(branch: branch, refusal: .notFound))
            return beginPush(&actions)
        }
        let theirs = peer.names[name]
        if theirs == head {
            actions.append(.pushed(branch: branch, refusal: nil))
            return beginPush(&actions)
        }
        if let theirs, !graph.isAncestor(theirs, of: head) {
            actions.append(.pushed(branch: branch, refusal: .notFastForward))
            return beginPush(&actions)
        }
        let common = Set(peer.names.values).filter { graph.contains($0) }
        begin(
            Wish(heads: [head], depth: nil, deepens: false), common, push: NameChange(name, from: theirs, to: head), &actions)
    }

    private mutating func pushAsked(_ change: NameChange, _ actions: inout [Action]) throws(HistoryError) {
        guard case .branch(let branch) = change.name, change.to != nil, moveUnderWay == nil else {
            throw violation("a push of \(change.name)")
        }
        guard pushRule.allows(branch) else { return answer(change.name, .refused, &actions) }
        moveUnderWay = change
        finishMove(&actions)
    }

    private mutating func finishMove(_ actions: inout [Action]) {
        guard let change = moveUnderWay, storesUnderWay == 0, let to = change.to else { return }
        let current = names[change.name]
        let refusal = pushRefusal
        pushRefusal = nil
        if let refusal, !graph.contains(to) {
            answer(change.name, refusal, &actions)
        } else if !graph.contains(to) {
            answer(change.name, .dangling, &actions)
        } else if let current, !isForward(current, to) {
            answer(change.name, .notFastForward, &actions)
        } else {
            actions.append(.move(NameChange(change.name, from: current, to: to)))
        }
    }

    private func isForward(_ current: ObjectID, _ new: ObjectID) -> Bool {
        #if DEBUG
        if HistoryDefects.has(.pushUnchecked) { return true }
        #endif
        return graph.isAncestor(current, of: new)
    }

    private mutating func moved(_ name: HistoryName, _ refusal: HistoryError.Code?, _ actions: inout [Action]) throws(HistoryError) {
        guard let change = moveUnderWay, change.name == name else { throw violation("a move nobody asked for") }
        if refusal == nil {
            names[name] = change.to
            peer?.names[name] = change.to
        }
        answer(name, refusal, &actions)
    }

    private mutating func answer(_ name: HistoryName, _ refusal: HistoryError.Code?, _ actions: inout [Action]) {
        moveUnderWay = nil
        actions.append(.send(.pushed(name, refusal: refusal)))
    }
}
