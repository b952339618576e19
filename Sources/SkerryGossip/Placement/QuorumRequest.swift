/// One read or write at a quorum of a key's homes, as its coordinator sees it: a value that says whom to ask and when there is enough.
///
/// A write goes to all N homes at once and is done when W have it. In place of a home that fails, or stays silent, the next member of the preference list
/// takes the copy with a hint for whom it is (sloppy quorum, hinted hand-off). A read asks R homes first and one more whenever an answer takes
/// unusually long, so that one slow member does not decide the tail; it is done when R have answered, and then mends the copies that were behind.
/// R + W > N makes a read meet the latest write as long as homes answer; hints make it available when they do not.
/// DeCandia et al., "Dynamo" (2007), sections 4.5 and 4.6.
public struct QuorumRequest: Sendable {
    public struct Profile: Sendable, Hashable {
        /// Copies of a key.
        public var copies = 3
        public var readQuorum = 2
        public var writeQuorum = 2
        /// After so many milliseconds without an answer one more member is asked: about the 99th percentile of answers.
        public var hedgeAfter: UInt64 = 50
        public var timeout: UInt64 = 2_000

        public init() {}
    }

    public enum Purpose: Sendable, Hashable {
        case read
        case write(Siblings)
    }

    public enum Action: Sendable, Hashable {
        case read(from: MemberID)
        /// `hint` names the home for which the member keeps the copy.
        case store(Siblings, at: MemberID, hint: MemberID?)
        /// The quorum is complete. For a read, all that the answers hold; for a write, what was written.
        case succeeded(Siblings)
        /// Too few answered in time. A write may have been stored by some all the same.
        case failed(answers: Int)
    }

    public let profile: Profile
    private let purpose: Purpose
    private let homes: [MemberID]
    /// Behind the homes in the preference list, and not asked yet.
    private var standIns: [MemberID]
    /// Homes not asked yet, of a read.
    private var waiting: [MemberID]
    /// Asked, and for which home; a home for itself.
    private var asked: [(member: MemberID, home: MemberID, isOpen: Bool)] = []
    private var answers: [(member: MemberID, copy: Siblings)] = []
    private var merged = Siblings()
    private var hedgeAt: UInt64
    private let endsAt: UInt64
    public private(set) var isDone = false

    /// - Parameter preference: ``PlacementRing/preferenceList(for:count:)`` for the copies of the profile.
    public init(_ purpose: Purpose, preference: [MemberID], profile: Profile = Profile(), now: UInt64) {
        self.purpose = purpose
        self.profile = profile
        homes = Array(preference.prefix(profile.copies))
        standIns = Array(preference.dropFirst(profile.copies))
        waiting = homes
        hedgeAt = now + profile.hedgeAfter
        endsAt = now + profile.timeout
        if case .write(let copy) = purpose { merged = copy }
    }

    private var needed: Int {
        if case .read = purpose { profile.readQuorum } else { profile.writeQuorum }
    }

    /// The next moment at which ``advance(now:into:)`` has something to do.
    public var nextDeadline: UInt64 { isDone ? .max : min(hedgeAt, endsAt) }

    /// Begins; once.
    public mutating func start(into actions: inout [Action]) {
        switch purpose {
        case .read: for _ in 0..<profile.readQuorum { askNext(&actions) }
        case .write: while !waiting.isEmpty { askNext(&actions) }
        }
    }

    /// A member answered: with its copy to a read, with anything to a write.
    public mutating func answered(_ member: MemberID, _ copy: Siblings = Siblings(), into actions: inout [Action]) {
        guard let index = asked.firstIndex(where: { $0.member == member && $0.isOpen }) else { return }
        asked[index].isOpen = false
        answers.append((member, copy))
        if case .read = purpose {
            if merged.merge(copy), isDone { return repair(&actions) }
            if isDone { return mend(member, copy, &actions) }
        }
        guard !isDone, answers.count >= needed else { return }
        isDone = true
        actions.append(.succeeded(merged))
        if case .read = purpose { repair(&actions) }
    }

    /// A member cannot be reached: another stands in.
    public mutating func failed(_ member: MemberID, into actions: inout [Action]) {
        guard let index = asked.firstIndex(where: { $0.member == member && $0.isOpen }) else { return }
        asked[index].isOpen = false
        let home = asked[index].home
        if case .write = purpose { standIn(for: home, &actions) } else if !isDone { askNext(&actions) }
    }

    /// Asks more members when answers take long, and gives up at the end.
    public mutating func advance(now: UInt64, into actions: inout [Action]) {
        guard !isDone else { return }
        if now >= endsAt {
            isDone = true
            return actions.append(.failed(answers: answers.count))
        }
        guard now >= hedgeAt else { return }
        hedgeAt = now + profile.hedgeAfter
        switch purpose {
        case .read: askNext(&actions)
        case .write:
            guard
                let silent = asked.first(where: { entry in
                    entry.isOpen && !asked.contains { $0.home == entry.home && $0.member != entry.member }
                })
            else { return }
            standIn(for: silent.home, &actions)
        }
    }

    private mutating func askNext(_ actions: inout [Action]) {
        if waiting.isEmpty {
            // Members that stand in may hold hints, of which a read with no home left makes use.
            guard case .read = purpose, !standIns.isEmpty else { return }
            waiting.append(standIns.removeFirst())
        }
        let member = waiting.removeFirst()
        asked.append((member, member, true))
        switch purpose {
        case .read: actions.append(.read(from: member))
        case .write(let copy): actions.append(.store(copy, at: member, hint: nil))
        }
    }

    private mutating func standIn(for home: MemberID, _ actions: inout [Action]) {
        guard case .write(let copy) = purpose, !standIns.isEmpty else { return }
        let member = standIns.removeFirst()
        asked.append((member, home, true))
        actions.append(.store(copy, at: member, hint: home))
    }

    /// Brings the members that answered to what all of them hold together.
    private mutating func repair(_ actions: inout [Action]) {
        for answer in answers { mend(answer.member, answer.copy, &actions) }
    }

    private mutating func mend(_ member: MemberID, _ copy: Siblings, _ actions: inout [Action]) {
        guard copy != merged, homes.contains(member) else { return }
        actions.append(.store(merged, at: member, hint: nil))
        for index in answers.indices where answers[index].member == member { answers[index].copy = merged }
    }
}
