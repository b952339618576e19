public import SkerryCRDT

/// What becomes of each entry of a replica that was away too long, or that a backup brought back: the rules by which nothing deleted returns and nothing written is lost.
///
/// The returner has a new origin, which a member registered before it gave its state. It takes that state over whole, and then decides for each entry of its own by comparing with it.
public struct Homecoming: Sendable, Hashable {
    /// What to do with an entry of the returner.
    public enum Verdict: Sendable, Hashable {
        /// The cluster has it, or something that supersedes it.
        case known
        /// The cluster had it and has it no more: it was deleted.
        case deleted
        /// The cluster never had it, and a live member's feed will bring it: the log keeps it, and its row is applied again.
        case underway
        /// The cluster never had it: write it again, under the new origin and with a new stamp.
        case news
        /// The cluster never had it, and may have deleted its key since: never applied silently. Kept as a conflict that somebody settles.
        case late
    }

    /// What the member that gave its state has durable.
    public var applied: CausalContext
    /// Its horizon.
    public var horizon: HybridTimestamp
    /// Origins of live members whose entries behind ``applied`` all stand in the returner's log: they are handed on as they are.
    public var live: Set<OriginID>
    /// Origins under which the returner itself wrote before.
    public var formerSelves: Set<OriginID>
    #if DEBUG
    var defects: FeedDefects = []
    #endif

    /// - Parameters:
    ///   - applied: what the host has durable.
    ///   - retention: the host's.
    ///   - holdsLog: whether the returner's log holds an origin's entries behind `applied`.
    public init(applied: CausalContext, retention: Retention, formerSelves: Set<OriginID>, holdsLog: (OriginID) -> Bool) {
        self.applied = applied
        horizon = retention.horizon
        live = Set(retention.members.filter { !$0.isRetiring && holdsLog($0.origin) }.map(\.origin)).subtracting(formerSelves)
        self.formerSelves = formerSelves
    }

    /// - Parameters:
    ///   - row: the returner's current entry of a key.
    ///   - current: the cluster's, tombstones included; nil where it holds none.
    public func verdict(_ row: KeyTable.Row, current: KeyTable.Row?) -> Verdict {
        if current?.dot == row.dot { return .known }
        if applied.covers(row.dot) { return current == nil ? .deleted : .known }
        if live.contains(row.dot.origin) { return .underway }
        if let current, !row.supersedes(current) { return .known }
        if current == nil, row.stamp <= horizon, !ignoresHorizon { return .late }
        // Another site's entry that only this replica has may be followed by others that are lost: somebody looks at it.
        return formerSelves.contains(row.dot.origin) || ignoresHorizon ? .news : .late
    }

    private var ignoresHorizon: Bool {
        #if DEBUG
        return defects.contains(.horizonIgnored)
        #else
        return false
        #endif
    }
}
