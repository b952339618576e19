/// One read or write at a quorum of a key's homes, as its coordinator sees it: a value that says whom to ask and when there is enough.
///
/// A write goes to all N homes at once and is done when W have it. In place of a home that fails, or stays silent, the next member of the preference list
/// takes the copy with a hint for whom it is (sloppy quorum, hinted hand-off); when none is left, the coordinator keeps the hint, which counts for nothing.
/// A read asks R homes first and one more whenever an answer takes unusually long, so that one slow member does not decide the tail; it is done when R
/// have answered, and then mends the copies that were behind.
///
/// R + W > N makes a read meet the latest write: always where stand-ins do not count (``Profile/isSloppy`` false), and otherwise as long as homes answer;
/// hints make it available when they do not. DeCandia et al., "Dynamo" (2007), sections 4.5 and 4.6.
public struct QuorumRequest: Sendable {
    /// How many copies there are, how many have to answer, and for how long they are waited for.
    public struct Profile: Sendable, Hashable {
        /// Copies of a key: N.
        public var copies = 3
        /// R.
        public var readQuorum = 2
        /// W.
        public var writeQuorum = 2
        /// Whether members that stand in for homes count. Without them a request fails when too few homes answer; hints are kept all the same.
        public var isSloppy = true
        /// After so many milliseconds without an answer one more member is asked: about the 99th percentile of answers.
        public var hedgeAfter: UInt64 = 50
        /// After so many milliseconds a request that has too few answers fails, and one that has enough waits for no more.
        public var timeout: UInt64 = 2_000

        public init() {}
    }

    /// What is asked of the homes.
    public enum Purpose: Sendable, Hashable {
        /// Their copies, joined.
        case read
        /// To join this copy into theirs.
        case write(Siblings)
    }

    /// What the coordinator is to do, in this order. Each member asked is to be heard of: ``answered(_:_:into:)`` or ``failed(_:into:)``; those that are silent cost time.
    public enum Action: Sendable, Hashable {
        /// Ask the member for its copy.
        case read(from: MemberID)
        /// `hint` names the home for which the member keeps the copy.
        case store(Siblings, at: MemberID, hint: MemberID?)
        /// Nobody is left to stand in for the home: the coordinator keeps the copy for it. Not to be answered.
        case keep(Siblings, for: MemberID)
        /// The quorum is complete. For a read, all that the answers hold; for a write, what was written.
        case succeeded(Siblings)
        /// Too few answered in time, or can. A write may have been stored by some all the same.
        case failed(answers: Int)
    }

    private struct Asked {
        var member: MemberID
        /// For which home; a home for itself.
        var home: MemberID
        var isOpen: Bool
    }

    /// The numbers it goes by.
    public let profile: Profile
    private let purpose: Purpose
    private let homes: [MemberID]
    /// Behind the homes in the preference list, and not asked yet.
    private var standIns: [MemberID]
    /// Homes not asked yet, of a read.
    private var waiting: [MemberID]
    private var asked: [Asked] = []
    private var answers: [(member: MemberID, home: MemberID, copy: Siblings)] = []
    /// Homes for which the coordinator keeps a hint.
    private var kept: [MemberID] = []
    private var merged = Siblings()
    private var hedgeAt: UInt64
    private let endsAt: UInt64
    /// Whether it succeeded or failed.
    public private(set) var isDone = false
    private var isFailed = false
    private var isEnded = false

    #if DEBUG
    var defects: PlacementDefects = []
    #endif

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

    /// How many have to answer.
    public var needed: Int {
        let quorum = if case .read = purpose { profile.readQuorum } else { profile.writeQuorum }
        return has(.quorumOneTooFew) ? quorum - 1 : quorum
    }

    /// Nothing more comes of it: done, and no answer that is still under way would have a use.
    public var isOver: Bool {
        guard isDone, !isFailed, !isEnded else { return isDone }
        guard case .write = purpose else { return !asked.contains(where: \.isOpen) }
        return homes.allSatisfy(isCaredFor)
    }

    private func isCaredFor(_ home: MemberID) -> Bool { kept.contains(home) || answers.contains { $0.home == home } }

    /// The next moment at which ``advance(now:into:)`` has something to do.
    public var nextDeadline: UInt64 { isOver ? .max : isDone && !hasSilentHome ? endsAt : min(hedgeAt, endsAt) }

    /// Begins; once.
    public mutating func start(into actions: inout [Action]) {
        switch purpose {
        case .read: for _ in 0..<profile.readQuorum { askNext(&actions) }
        case .write: while !waiting.isEmpty { askNext(&actions) }
        }
        failIfHopeless(&actions)
    }

    /// A member answered: with its copy to a read, with anything to a write.
    public mutating func answered(_ member: MemberID, _ copy: Siblings = Siblings(), into actions: inout [Action]) {
        guard let index = asked.firstIndex(where: { $0.member == member && $0.isOpen }) else { return }
        asked[index].isOpen = false
        answers.append((member, asked[index].home, copy))
        if case .read = purpose {
            if merged.merge(copy), isDone { return repair(&actions) }
            if isDone { return mend(member, copy, &actions) }
        }
        guard !isDone else { return }
        guard countingAnswers >= needed else { return failIfHopeless(&actions) }
        isDone = true
        actions.append(.succeeded(merged))
        if case .read = purpose { repair(&actions) }
    }

    /// How many homes have answered, themselves or by a member that stands in; of a read, how many members.
    private var countingAnswers: Int {
        if !profile.isSloppy, !has(.standInsCount) { return answers.count { homes.contains($0.member) } }
        if case .read = purpose { return answers.count }
        return Set(answers.map(\.home)).count
    }

    /// A member cannot be reached: another stands in.
    public mutating func failed(_ member: MemberID, into actions: inout [Action]) {
        guard let index = asked.firstIndex(where: { $0.member == member && $0.isOpen }) else { return }
        asked[index].isOpen = false
        let home = asked[index].home
        if case .write = purpose {
            // Unless somebody stands in already, because the home was slow before it failed.
            let isOpen = asked.contains { $0.home == home && $0.isOpen }
            if !isOpen, !isCaredFor(home) { standIn(for: home, &actions) }
        } else if !isDone {
            askNext(&actions)
        }
        failIfHopeless(&actions)
    }

    /// Asks more members when answers take long, and gives up at the end.
    public mutating func advance(now: UInt64, into actions: inout [Action]) {
        guard !isOver else { return }
        if now >= endsAt { return end(&actions) }
        guard now >= hedgeAt else { return }
        hedgeAt = now + profile.hedgeAfter
        if has(.neverHedges) { return }
        switch purpose {
        case .read: if !isDone { askNext(&actions) }
        // Also when the quorum is complete: a home that stays silent needs its hint.
        case .write: if let silent = silentHomes.first { standIn(for: silent, &actions) }
        }
    }

    /// Does not wait for members that are still silent, once it is done.
    mutating func stopWaiting(into actions: inout [Action]) {
        if isDone, !isOver { end(&actions) }
    }

    private mutating func end(_ actions: inout [Action]) {
        isEnded = true
        guard isDone else { return fail(&actions) }
        // A write that counts leaves no home without the copy or a hint for it.
        guard case .write(let copy) = purpose else { return }
        for home in homes where !isCaredFor(home) {
            kept.append(home)
            actions.append(.keep(copy, for: home))
        }
    }

    /// Homes that were asked, and neither answered nor failed, nor has anybody been asked in their place.
    private var silentHomes: [MemberID] {
        asked.filter { entry in
            entry.isOpen && !kept.contains(entry.home) && !asked.contains { $0.home == entry.home && $0.member != entry.member }
        }.map(\.home)
    }

    private var hasSilentHome: Bool {
        guard case .write = purpose else { return false }
        return !silentHomes.isEmpty
    }

    private mutating func askNext(_ actions: inout [Action]) {
        if waiting.isEmpty {
            // Members that stand in may hold hints, of which a read with no home left makes use.
            guard case .read = purpose, !standIns.isEmpty, profile.isSloppy else { return }
            waiting.append(standIns.removeFirst())
        }
        let member = waiting.removeFirst()
        asked.append(Asked(member: member, home: member, isOpen: true))
        switch purpose {
        case .read: actions.append(.read(from: member))
        case .write(let copy): actions.append(.store(copy, at: member, hint: nil))
        }
    }

    private mutating func standIn(for home: MemberID, _ actions: inout [Action]) {
        guard case .write(let copy) = purpose else { return }
        guard !standIns.isEmpty else {
            guard !kept.contains(home) else { return }
            kept.append(home)
            return actions.append(.keep(copy, for: home))
        }
        let member = standIns.removeFirst()
        asked.append(Asked(member: member, home: home, isOpen: true))
        actions.append(.store(copy, at: member, hint: home))
    }

    /// Fails at once when nobody is left who could still answer.
    private mutating func failIfHopeless(_ actions: inout [Action]) {
        guard !isDone, !asked.contains(where: \.isOpen) else { return }
        fail(&actions)
    }

    private mutating func fail(_ actions: inout [Action]) {
        isDone = true
        isFailed = true
        actions.append(.failed(answers: countingAnswers))
    }

    // MARK: Read repair

    /// Brings the members that answered to what all of them hold together.
    private mutating func repair(_ actions: inout [Action]) {
        for answer in answers { mend(answer.member, answer.copy, &actions) }
    }

    private mutating func mend(_ member: MemberID, _ copy: Siblings, _ actions: inout [Action]) {
        guard copy != merged, homes.contains(member), !has(.repairSkipped) else { return }
        actions.append(.store(merged, at: member, hint: nil))
        for index in answers.indices where answers[index].member == member { answers[index].copy = merged }
    }

    private func has(_ defect: @autoclosure () -> PlacementDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect())
        #else
        return false
        #endif
    }
}
