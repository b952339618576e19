public import SkerryGossip
public import SkerryWire
internal import SkerrySession

/// With whom a replica is linked, as a value: members in, whom to dial and which links to give up out.
///
/// Up to ``Profile/everybodyMaximum`` members each is linked with each, and beyond that with few, which both sides work out from the list of members. In a
/// cluster with views (``SkerryGossip/Neighbourhood``) the links are those to the neighbours; with members that take no part in views, as those of older
/// builds do not, a member keeps the links that the list names.
///
/// Of two members that are to be linked the one with the lower id dials, so that they do not make two links at once, and gives the link up when it is
/// not wanted any more: so nobody dials what the other side closes.
public struct MeshPolicy: Sendable {
    public struct Profile: Sendable, Hashable {
        /// Up to so many members each is linked with each.
        public var everybodyMaximum = 16
        /// In larger clusters, neighbours on the ring of ids to each side. One makes a ring: whole as long as no two members fail side by side.
        public var ringNeighbours = 2
        /// Others drawn at random, about so many for each member: they make the ways short.
        public var chords = 3
        /// How long a link stays that is not wanted any more: time for those in its place to stand.
        public var surplusPatience = Duration.seconds(10)
        public var reconnect = NodeProfile.quickReconnect

        public init() {}
    }

    private let id: MemberID
    private let profile: Profile
    private var attempts: [MemberID: ReconnectPolicy.Attempts] = [:]
    /// Being dialled, or waiting to be.
    private var busy: Set<MemberID> = []
    /// Since when links stand that are not wanted.
    private var unwantedSince: [MemberID: Duration] = [:]

    /// What a member that takes part in views knows of them.
    struct Views: Sendable, Hashable {
        var neighbours: Set<MemberID>
        /// Those that take part.
        var partakers: Set<MemberID>

        /// Nil when the node takes no part.
        init?(_ members: [MemberView]) {
            guard members.contains(where: { $0.isSelf && $0.usesViews }) else { return nil }
            neighbours = Set(members.filter(\.isNeighbour).map(\.id))
            partakers = Set(members.filter(\.usesViews).map(\.id))
        }
    }

    public init(id: MemberID, profile: Profile = Profile()) {
        self.id = id
        self.profile = profile
    }

    /// Whom to dial now.
    ///
    /// - Parameters:
    ///   - reachable: the others that are alive or suspected.
    ///   - linked: those of them that there are links with.
    ///   - views: nil for a member that takes no part in views.
    mutating func wanted(among reachable: [MemberID], linked: Set<MemberID>, views: Views? = nil) -> [MemberID] {
        let here = Set(reachable)
        attempts = attempts.filter { here.contains($0.key) }
        let wanted = partners(among: reachable, views: views).filter { $0 > id && !linked.contains($0) && !busy.contains($0) }
        busy.formUnion(wanted)
        return wanted
    }

    /// Which links to give up now: not wanted for ``Profile/surplusPatience``.
    ///
    /// - Returns: by id, and when to ask again though nothing has changed.
    mutating func surplus(
        among reachable: [MemberID], linked: Set<MemberID>, views: Views?, now: Duration
    ) -> (links: [MemberID], next: Duration?) {
        let unwanted = linked.subtracting(partners(among: reachable, views: views)).filter { $0 > id }
        unwantedSince = unwantedSince.filter { unwanted.contains($0.key) }
        for member in unwanted where unwantedSince[member] == nil { unwantedSince[member] = now }
        let due = unwantedSince.mapValues { $0 + profile.surplusPatience }
        let links = due.filter { $0.value <= now }.keys.sorted()
        for member in links { unwantedSince[member] = nil }
        return (links, due.values.filter { $0 > now }.min())
    }

    /// Everybody that a link is to be kept with, whoever dials, by id.
    ///
    /// - Complexity: O(members log members).
    func partners(among others: [MemberID], views: Views? = nil) -> [MemberID] {
        let listed = listedPartners(among: others)
        guard let views else { return listed }
        return views.neighbours.intersection(others).union(listed.filter { !views.partakers.contains($0) }).sorted()
    }

    private func listedPartners(among others: [MemberID]) -> [MemberID] {
        guard others.count >= profile.everybodyMaximum else { return others.sorted() }
        let ring = (others + [id]).sorted()
        guard let own = ring.firstIndex(of: id) else { return [] }
        return ring.indices.filter { $0 != own && isLinked(own, $0, on: ring) }.map { ring[$0] }
    }

    /// The same for both, as far as they know the same members.
    private func isLinked(_ own: Int, _ other: Int, on ring: [MemberID]) -> Bool {
        let distance = abs(own - other)
        if min(distance, ring.count - distance) <= profile.ringNeighbours { return true }
        // Each pair has a number of its own, so few links change when members come and go.
        let (low, high) = (ring[min(own, other)], ring[max(own, other)])
        return Self.draw(low, high) < UInt64.max / UInt64(ring.count) * UInt64(profile.chords)
    }

    private static func draw(_ low: MemberID, _ high: MemberID) -> UInt64 {
        var generator = SeededGenerator(seed: low.rawValue &* 0x9E37_79B9_7F4A_7C15 ^ high.rawValue)
        return generator.next()
    }

    mutating func connected(_ member: MemberID, now: Duration) {
        busy.remove(member)
        attempts[member, default: profile.reconnect.attempts()].connected(now: now)
    }

    /// How long to wait before the next attempt.
    mutating func failed(_ member: MemberID, now: Duration, random: Double) -> Duration {
        busy.insert(member)
        guard case .retry(let delay) = attempts[member, default: profile.reconnect.attempts()].failed(now: now, random: random) else {
            return profile.reconnect.maximum
        }
        return delay
    }

    /// The wait is over.
    mutating func waited(_ member: MemberID) { busy.remove(member) }
}
