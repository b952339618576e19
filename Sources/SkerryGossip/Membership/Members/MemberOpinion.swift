/// What is held of a member.
public enum MemberStatus: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case alive
    /// Somebody got no answer; it has time to object.
    case suspect
    /// It did not object in time.
    case dead
    /// It said that it leaves.
    case left

    public static func < (left: MemberStatus, right: MemberStatus) -> Bool { left.rawValue < right.rawValue }

    /// Whether messages are sent there.
    public var isReachable: Bool { self <= .suspect }
}

/// What is held of a member, at which of its incarnations. The larger of two opinions holds: SWIM's rules are a join.
///
/// A later incarnation overrides everything, and only the member itself begins one: that is how it refutes. At one incarnation worse news override
/// better ones. So opinions may come late, twice and in any order, and all who heard the same hold the same.
/// Das, Gupta and Motivala, "SWIM" (2002), section 4.2.
public struct MemberOpinion: Sendable, Hashable, Comparable {
    /// Of the member that it is about; below 2^62.
    public var incarnation: UInt64
    /// At one incarnation the larger one holds.
    public var status: MemberStatus

    public init(incarnation: UInt64, status: MemberStatus) {
        self.incarnation = incarnation
        self.status = status
    }

    public static func < (left: MemberOpinion, right: MemberOpinion) -> Bool {
        (left.incarnation, left.status) < (right.incarnation, right.status)
    }

    /// The incarnation with which a member that is alive at `own` answers this opinion of itself; nil when there is nothing to answer.
    public func refutation(own: UInt64) -> UInt64? {
        guard self > MemberOpinion(incarnation: own, status: .alive) else { return nil }
        return max(incarnation, own) + 1
    }
}
