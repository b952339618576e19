/// What members say to each other about whom they know.
public enum ViewMessage: Sendable, Hashable {
    /// "I am new": to any member.
    case join
    /// A new member on its way through the active views.
    case forwardJoin(MemberID, timeToLive: UInt8)
    /// "Be my neighbour": urgent when the sender has no other.
    case neighbour(isUrgent: Bool)
    /// The answer to that: whether the sender is a neighbour now.
    case neighbourReply(accepted: Bool)
    /// "I keep you in my passive view": the edge ends.
    case disconnect
    /// Some of whom the first sender knows, on their way through the active views.
    case shuffle(MemberID, timeToLive: UInt8, [MemberID])
    /// The answer of the last on the way, straight to the first sender: as many of whom it knows.
    case shuffleReply([MemberID])
}

/// Whom a member of a large cluster talks to: a small active view of open, symmetric edges, and a larger passive one to replace them from. HyParView,
/// as a value.
///
/// Up to ``BroadcastTree/membersWithoutViews`` members it is not needed: each is a neighbour of each. Beyond, broadcasts go along the active view:
/// ``Neighbourhood`` decides. Edges are links, so their end is noticed: tell ``failed(_:using:into:)``.
/// Leitão, Pereira and Rodrigues, "HyParView" (2007), with its numbers for 10,000 members.
public struct PeerViews: Sendable {
    /// How large the views are, and how far messages walk. The numbers are the paper's.
    public struct Profile: Sendable, Hashable {
        /// The most neighbours.
        public var activeMaximum = 5
        /// The most members in reserve.
        public var passiveMaximum = 30
        /// Over how many edges a new member walks, and after how many it is put into passive views.
        public var activeWalk: UInt8 = 6
        public var passiveWalk: UInt8 = 3
        /// How many of the active and of the passive view a shuffle shows.
        public var shuffledActive = 3
        public var shuffledPassive = 4

        public init() {}
    }

    /// What views want done, in the order in which they say it.
    public enum Action: Sendable, Hashable {
        /// Opens a link where there is none; tell ``failed(_:using:into:)`` when that fails.
        case send(ViewMessage, to: MemberID)
        /// The member is in the active view from here on.
        case neighbourUp(MemberID)
        /// It is so no more: the link may end.
        case neighbourDown(MemberID)
    }

    /// The most members that one message names.
    public static let namesMaximum = 64

    /// This member, in neither view.
    public let id: MemberID
    /// The numbers it goes by.
    public let profile: Profile
    /// In the order in which they came.
    public private(set) var active: [MemberID] = []
    /// Members in reserve, none of which is in the active view.
    public private(set) var passive: [MemberID] = []
    /// Asked to be neighbours, and not heard of yet.
    private var asked: [MemberID] = []
    /// Those that had no room since the last shuffle, or sent this member away: they are not asked again before the next one, or two members could ask
    /// each other for ever.
    private var refused: [MemberID] = []
    /// What the last shuffle showed: its places go to what comes back.
    private var shown: [MemberID] = []

    #if DEBUG
    var defects: ViewDefects = []
    #endif

    public init(id: MemberID, profile: Profile = Profile()) {
        self.id = id
        self.profile = profile
    }

    /// Joins through a member that is known.
    public mutating func join(through contact: MemberID, using generator: inout some RandomNumberGenerator, into actions: inout [Action]) {
        guard contact != id else { return }
        addActive(contact, &generator, &actions)
        actions.append(.send(.join, to: contact))
    }

    /// A link to the member broke, could not be opened, or the member died.
    public mutating func failed(_ member: MemberID, using generator: inout some RandomNumberGenerator, into actions: inout [Action]) {
        passive.removeAll { $0 == member }
        asked.removeAll { $0 == member }
        if active.contains(member) {
            active.removeAll { $0 == member }
            actions.append(.neighbourDown(member))
        }
        fill(&generator, &actions)
    }

    /// Takes names from a list of members that is kept elsewhere, where the passive view has nobody left to ask for a place that is free.
    public mutating func learn(
        from members: [MemberID], using generator: inout some RandomNumberGenerator, into actions: inout [Action]
    ) {
        guard active.count + asked.count < profile.activeMaximum, candidates.isEmpty else { return }
        for _ in 0..<profile.shuffledPassive {
            guard let name = members.randomElement(using: &generator) else { return }
            addPassive(name, &generator)
        }
        fill(&generator, &actions)
    }

    /// Asks each neighbour whether it is one. An edge of which one end alone knows, because a message was lost, ends or becomes whole by that.
    public func confirm(into actions: inout [Action]) {
        if has(.neverConfirms) { return }
        for member in active { actions.append(.send(.neighbour(isUrgent: false), to: member)) }
    }

    /// Whether a link to the member is an edge, or is to become one.
    public func relies(on member: MemberID) -> Bool { active.contains(member) || asked.contains(member) }

    /// Once in a while, ten seconds or so: shows some of whom this member knows, and asks for neighbours that it lacks.
    public mutating func shuffle(using generator: inout some RandomNumberGenerator, into actions: inout [Action]) {
        asked = []
        refused = []
        fill(&generator, &actions)
        if has(.neverShuffles) { return }
        guard let target = active.randomElement(using: &generator) else { return }
        shown = sample(passive, profile.shuffledPassive, &generator)
        let names = [id] + sample(active.filter { $0 != target }, profile.shuffledActive, &generator) + shown
        actions.append(.send(.shuffle(id, timeToLive: profile.activeWalk, names), to: target))
    }

    /// Takes a message. Names in it are believed: whoever is not there fails when it is asked.
    public mutating func receive(
        _ message: ViewMessage, from sender: MemberID, using generator: inout some RandomNumberGenerator, into actions: inout [Action]
    ) {
        switch message {
        case .join:
            addActive(sender, &generator, &actions)
            for member in active where member != sender {
                actions.append(.send(.forwardJoin(sender, timeToLive: profile.activeWalk), to: member))
            }
        case .forwardJoin(let member, let timeToLive): forward(member, timeToLive, sender, &generator, &actions)
        case .neighbour(let isUrgent): answer(sender, isUrgent, &generator, &actions)
        case .neighbourReply(let accepted): neighbourReplied(sender, accepted, &generator, &actions)
        case .disconnect:
            guard active.contains(sender) else { return }
            active.removeAll { $0 == sender }
            actions.append(.neighbourDown(sender))
            addPassive(sender, &generator)
            refuse(sender)
            fill(&generator, &actions)
        case .shuffle(let origin, let timeToLive, let names):
            receiveShuffle(origin, timeToLive, Array(names.prefix(PeerViews.namesMaximum)), sender, &generator, &actions)
        case .shuffleReply(let names): take(Array(names.prefix(PeerViews.namesMaximum)), sent: shown, &generator)
        }
    }

    private func has(_ defect: @autoclosure () -> ViewDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect())
        #else
        return false
        #endif
    }
}

/// Errors put in on purpose, to see that the tests find them. Without effect in release builds.
struct ViewDefects: OptionSet, Sendable {
    let rawValue: UInt32

    /// A lost neighbour is not replaced.
    static let neverRefills = ViewDefects(rawValue: 1)
    /// A neighbour that had to go is not told, so its edge has one end.
    static let dropsSilently = ViewDefects(rawValue: 1 << 1)
    /// Edges with one end stay.
    static let neverConfirms = ViewDefects(rawValue: 1 << 2)
    /// Nobody is shown whom others know.
    static let neverShuffles = ViewDefects(rawValue: 1 << 3)
    /// Views go where they come: one member more or less changes the whole cluster.
    static let oneThreshold = ViewDefects(rawValue: 1 << 4)
}

// MARK: - Joining and neighbours

extension PeerViews {
    private mutating func forward(
        _ member: MemberID, _ timeToLive: UInt8, _ sender: MemberID, _ generator: inout some RandomNumberGenerator,
        _ actions: inout [Action]
    ) {
        guard member != id else { return }
        let next = active.filter { $0 != sender && $0 != member }.randomElement(using: &generator)
        guard timeToLive > 0, active.count > 1, let next else {
            guard !active.contains(member) else { return }
            addActive(member, &generator, &actions)
            return actions.append(.send(.neighbour(isUrgent: true), to: member))
        }
        if timeToLive == profile.passiveWalk { addPassive(member, &generator) }
        actions.append(.send(.forwardJoin(member, timeToLive: min(timeToLive, profile.activeWalk) - 1), to: next))
    }

    private mutating func answer(
        _ sender: MemberID, _ isUrgent: Bool, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]
    ) {
        let accepts = isUrgent || active.count < profile.activeMaximum || active.contains(sender)
        if accepts { addActive(sender, &generator, &actions) }
        actions.append(.send(.neighbourReply(accepted: accepts), to: sender))
    }

    private mutating func neighbourReplied(
        _ sender: MemberID, _ accepted: Bool, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]
    ) {
        let wasAsked = asked.contains(sender)
        asked.removeAll { $0 == sender }
        if active.contains(sender) {
            // Granted on this side already, or still an edge. If not, the sender may hold it for one by what it was told before.
            if !accepted { drop(sender, &generator, &actions) }
            return
        }
        guard accepted else {
            if wasAsked { refuse(sender) }
            return fill(&generator, &actions)
        }
        guard wasAsked else { return actions.append(.send(.disconnect, to: sender)) }
        addActive(sender, &generator, &actions)
    }

    /// Ends an edge that the other side does not know.
    private mutating func drop(_ member: MemberID, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]) {
        active.removeAll { $0 == member }
        actions.append(.send(.disconnect, to: member))
        actions.append(.neighbourDown(member))
        addPassive(member, &generator)
        refuse(member)
        fill(&generator, &actions)
    }

    private mutating func addActive(_ member: MemberID, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]) {
        guard member != id, !active.contains(member) else { return }
        if active.count >= profile.activeMaximum {
            let victim = active.remove(at: Int(generator.next(upperBound: UInt64(active.count))))
            if !has(.dropsSilently) { actions.append(.send(.disconnect, to: victim)) }
            actions.append(.neighbourDown(victim))
            addPassive(victim, &generator)
        }
        passive.removeAll { $0 == member }
        active.append(member)
        actions.append(.neighbourUp(member))
    }

    private mutating func addPassive(_ member: MemberID, _ generator: inout some RandomNumberGenerator) {
        guard member != id, !active.contains(member), !passive.contains(member) else { return }
        if passive.count >= profile.passiveMaximum { passive.remove(at: Int(generator.next(upperBound: UInt64(passive.count)))) }
        passive.append(member)
    }

    private mutating func refuse(_ member: MemberID) {
        if refused.count >= PeerViews.namesMaximum { refused.removeFirst() }
        refused.append(member)
    }

    /// Whom to ask for a place.
    private var candidates: [MemberID] { passive.filter { !asked.contains($0) && !refused.contains($0) } }

    /// Asks members of the passive view to be neighbours, one for each place that is free.
    private mutating func fill(_ generator: inout some RandomNumberGenerator, _ actions: inout [Action]) {
        if has(.neverRefills) { return }
        while active.count + asked.count < profile.activeMaximum {
            guard let candidate = candidates.randomElement(using: &generator) else { return }
            asked.append(candidate)
            actions.append(.send(.neighbour(isUrgent: active.isEmpty), to: candidate))
        }
    }

    // MARK: Shuffling

    private mutating func receiveShuffle(
        _ origin: MemberID, _ timeToLive: UInt8, _ names: [MemberID], _ sender: MemberID, _ generator: inout some RandomNumberGenerator,
        _ actions: inout [Action]
    ) {
        let next = active.filter { $0 != sender && $0 != origin }.randomElement(using: &generator)
        if timeToLive > 1, active.count > 1, let next {
            let left = min(timeToLive, profile.activeWalk) - 1
            return actions.append(.send(.shuffle(origin, timeToLive: left, names), to: next))
        }
        guard origin != id else { return }
        let answer = sample(passive, names.count, &generator)
        actions.append(.send(.shuffleReply(answer), to: origin))
        take(names, sent: answer, &generator)
    }

    /// Puts names into the passive view; those that were sent away make room first.
    private mutating func take(_ names: [MemberID], sent: [MemberID], _ generator: inout some RandomNumberGenerator) {
        var sent = sent
        for name in names where name != id && !active.contains(name) && !passive.contains(name) {
            if passive.count >= profile.passiveMaximum, let given = sent.popLast() { passive.removeAll { $0 == given } }
            addPassive(name, &generator)
        }
    }

    private func sample(_ list: [MemberID], _ count: Int, _ generator: inout some RandomNumberGenerator) -> [MemberID] {
        Array(list.shuffled(using: &generator).prefix(count))
    }
}

// MARK: - Bytes

extension ViewMessage {
    /// As bytes, by the grammar of `docs/formats/membership.md`.
    public var encoded: [UInt8] {
        var writer = PacketWriter()
        switch self {
        case .join: writer.byte(1)
        case .forwardJoin(let member, let timeToLive):
            writer.byte(2)
            writer.word(member.rawValue)
            writer.byte(timeToLive)
        case .neighbour(let isUrgent):
            writer.byte(3)
            writer.byte(isUrgent ? 1 : 0)
        case .neighbourReply(let accepted):
            writer.byte(4)
            writer.byte(accepted ? 1 : 0)
        case .disconnect: writer.byte(5)
        case .shuffle(let origin, let timeToLive, let names):
            writer.byte(6)
            writer.word(origin.rawValue)
            writer.byte(timeToLive)
            ViewMessage.write(names, to: &writer)
        case .shuffleReply(let names):
            writer.byte(7)
            ViewMessage.write(names, to: &writer)
        }
        return writer.bytes
    }

    private static func write(_ names: [MemberID], to writer: inout PacketWriter) {
        writer.integer(names.count)
        for name in names { writer.word(name.rawValue) }
    }

    /// - Throws: what is wrong with the bytes.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(MalformedPacket) {
        var reader = PacketReader(bytes)
        switch try reader.byte() {
        case 1: self = .join
        case 2: self = .forwardJoin(MemberID(rawValue: try reader.word()), timeToLive: try reader.byte())
        case 3: self = .neighbour(isUrgent: try ViewMessage.flag(&reader))
        case 4: self = .neighbourReply(accepted: try ViewMessage.flag(&reader))
        case 5: self = .disconnect
        case 6:
            let (origin, timeToLive) = (MemberID(rawValue: try reader.word()), try reader.byte())
            self = .shuffle(origin, timeToLive: timeToLive, try ViewMessage.names(&reader))
        case 7: self = .shuffleReply(try ViewMessage.names(&reader))
        default: throw reader.fail(.unknown)
        }
        guard reader.isAtEnd else { throw reader.fail(.excess) }
    }

    private static func flag(_ reader: inout PacketReader) throws(MalformedPacket) -> Bool {
        switch try reader.byte() {
        case 0: return false
        case 1: return true
        default: throw reader.fail(.unknown)
        }
    }

    private static func names(_ reader: inout PacketReader) throws(MalformedPacket) -> [MemberID] {
        var names: [MemberID] = []
        for _ in 0..<(try reader.count(maximum: PeerViews.namesMaximum, eachAtLeast: 8)) {
            names.append(MemberID(rawValue: try reader.word()))
        }
        return names
    }
}
