/// Who the neighbours of a member are, as a value: every other member in a small cluster, a few in a large one.
///
/// Beyond ``Profile/membersWithoutViews`` members it runs ``PeerViews``, and the neighbours are the active view and those beside the member on the ring
/// of ids. The view mends itself within a round trip where a link breaks, before anybody has been found dead. The ring follows from the list of members
/// alone, so the cluster is one part as soon as its members agree on who lives, however the views have fallen.
///
/// Members tell in the member map whether they take part (``MemberMap/usesViews(_:)``), and join those that do; between the two bounds of the profile a
/// member goes with the majority, so a cluster that grows or shrinks by some members does not change its mind.
public struct Neighbourhood: Sendable {
    /// When there are views, and how they are kept.
    public struct Profile: Sendable, Hashable {
        /// The sizes of the views.
        public var views = PeerViews.Profile()
        /// With more members than these there are views.
        public var membersWithoutViews = BroadcastTree.membersWithoutViews
        /// With fewer members than these there are none any more.
        public var membersWithViews = 48
        /// Beside the active view, neighbours on the ring of ids to each side.
        public var ringNeighbours = 1
        /// Milliseconds between two shuffles, give or take a fifth.
        public var shuffleInterval: UInt64 = 10_000

        public init() {}

        /// The most neighbours of a member while there are views.
        public var neighboursMaximum: Int { views.activeMaximum + 2 * ringNeighbours }
    }

    /// This member.
    public let id: MemberID
    /// The numbers it goes by.
    public let profile: Profile
    /// Nil while the cluster is small.
    public private(set) var views: PeerViews?
    private var shuffleAt: UInt64 = 0

    #if DEBUG
    var defects: ViewDefects = []
    #endif

    public init(id: MemberID, profile: Profile = Profile()) {
        self.id = id
        self.profile = profile
    }

    /// - Parameter members: the others that are held for alive, sorted.
    /// - Returns: those of them that are neighbours, sorted.
    /// - Complexity: O(log members) with views.
    public func neighbours(among members: [MemberID]) -> [MemberID] {
        guard let views else { return members }
        return Set(views.active).union(ring(among: members)).sorted()
    }

    /// The next ones to each side.
    private func ring(among members: [MemberID]) -> [MemberID] {
        guard members.count > 2 * profile.ringNeighbours else { return members }
        let above = members.partitioningIndex { $0 > id }
        return (0..<2 * profile.ringNeighbours).map { members[(above + members.count - profile.ringNeighbours + $0) % members.count] }
    }

    // MARK: Events

    /// To be called once a second or so.
    ///
    /// - Parameters:
    ///   - now: in milliseconds.
    ///   - members: the others that are held for alive, sorted.
    ///   - partakers: those of them that take part in views, as they say.
    public mutating func advance(
        now: UInt64, members: [MemberID], partakers: [MemberID], using generator: inout some RandomNumberGenerator,
        into actions: inout [PeerViews.Action]
    ) {
        decide(members: members.count + 1, partakers: partakers.count, &actions)
        guard let active = views?.active else { return }
        for member in active where !members.contains(member) { views?.failed(member, using: &generator, into: &actions) }
        if views?.active.isEmpty == true, let contact = partakers.randomElement(using: &generator) {
            views?.join(through: contact, using: &generator, into: &actions)
        }
        // Few neighbours are mended at once, one that is lacking with the next shuffle.
        if let views, views.active.count * 2 < profile.views.activeMaximum {
            self.views?.learn(from: partakers, using: &generator, into: &actions)
        }
        guard now >= shuffleAt else { return }
        shuffleAt = now + profile.shuffleInterval * 4 / 5 + generator.next(upperBound: max(1, profile.shuffleInterval * 2 / 5))
        views?.shuffle(using: &generator, into: &actions)
        views?.learn(from: partakers, using: &generator, into: &actions)
        views?.confirm(into: &actions)
    }

    private mutating func decide(members: Int, partakers: Int, _ actions: inout [PeerViews.Action]) {
        guard let views else {
            let isUsual = partakers * 2 >= members
            guard members > profile.membersWithoutViews || members >= profile.membersWithViews && isUsual else { return }
            self.views = PeerViews(id: id, profile: profile.views)
            #if DEBUG
            self.views?.defects = defects
            #endif
            return
        }
        guard members < fewest else { return }
        for member in views.active { actions += [.send(.disconnect, to: member), .neighbourDown(member)] }
        self.views = nil
    }

    private var fewest: Int {
        #if DEBUG
        if defects.contains(.oneThreshold) { return profile.membersWithoutViews + 1 }
        #endif
        return profile.membersWithViews
    }

    /// Takes a message of another member.
    public mutating func receive(
        _ message: ViewMessage, from sender: MemberID, using generator: inout some RandomNumberGenerator,
        into actions: inout [PeerViews.Action]
    ) {
        guard views != nil else { return decline(message, of: sender, &actions) }
        views?.receive(message, from: sender, using: &generator, into: &actions)
    }

    /// Says that this member takes no part.
    private func decline(_ message: ViewMessage, of sender: MemberID, _ actions: inout [PeerViews.Action]) {
        switch message {
        case .join: actions.append(.send(.disconnect, to: sender))
        case .neighbour: actions.append(.send(.neighbourReply(accepted: false), to: sender))
        case .forwardJoin, .neighbourReply, .disconnect, .shuffle, .shuffleReply: break
        }
    }

    /// The member died, or cannot be reached.
    public mutating func failed(
        _ member: MemberID, using generator: inout some RandomNumberGenerator, into actions: inout [PeerViews.Action]
    ) {
        views?.failed(member, using: &generator, into: &actions)
    }

    /// A link to the member ended, which is a failure where it was an edge and nothing where it was not.
    public mutating func linkEnded(
        _ member: MemberID, using generator: inout some RandomNumberGenerator, into actions: inout [PeerViews.Action]
    ) {
        guard relies(on: member) else { return }
        views?.failed(member, using: &generator, into: &actions)
    }

    /// Whether a link to the member is to be kept.
    public func relies(on member: MemberID) -> Bool { views?.relies(on: member) ?? false }
}

extension [MemberID] {
    /// Where the first element is of which this holds; it holds of none before and all behind.
    fileprivate func partitioningIndex(_ isBehind: (MemberID) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
