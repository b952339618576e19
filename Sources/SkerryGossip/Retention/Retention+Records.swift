public import SkerryCRDT

extension Retention {
    /// A piece of what is known, as it is stored and sent: one for each member and each fence, and one for the horizon (docs/formats/gossip.md, "Records of members").
    public struct Record: Sendable, Hashable {
        /// What it is about: one byte of kind, then the origin, most significant byte first. Of two with one key the later counts.
        public var key: [UInt8]
        /// What is known of it, by the grammar for its kind.
        public var value: [UInt8]

        public init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    private enum Kind: UInt8 {
        case member = 1, fence, horizon
    }

    /// Ascending by key.
    public var records: [Record] {
        members.map(Self.record(of:)) + fences.map(Self.record(of:)) + [Self.record(ofHorizon: horizon)]
    }

    /// What leads from another state to this one, ascending by key; a value of nil removes.
    ///
    /// - Complexity: O(members + fences), as long as few of them differ.
    public func changes(since old: Retention) -> [(key: [UInt8], value: [UInt8]?)] {
        var changes: [(key: [UInt8], value: [UInt8]?)] = []
        func note(_ before: Record?, _ after: Record?) {
            if let record = after ?? before { changes.append((record.key, after?.value)) }
        }
        Self.compare(old.members, members, by: \.origin) { note($0.map(Self.record(of:)), $1.map(Self.record(of:))) }
        Self.compare(old.fences, fences, by: \.origin) { note($0.map(Self.record(of:)), $1.map(Self.record(of:))) }
        if old.horizon != horizon { note(nil, Self.record(ofHorizon: horizon)) }
        return changes
    }

    /// Walks two ascending lists, and tells what is in one of them alone or differs.
    private static func compare<Element: Equatable>(
        _ old: [Element], _ new: [Element], by origin: (Element) -> OriginID, _ body: (_ before: Element?, _ after: Element?) -> Void
    ) {
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if right == new.count || left < old.count && origin(old[left]) < origin(new[right]) {
                body(old[left], nil)
                left += 1
            } else if left == old.count || origin(new[right]) < origin(old[left]) {
                body(nil, new[right])
                right += 1
            } else {
                if old[left] != new[right] { body(old[left], new[right]) }
                left += 1
                right += 1
            }
        }
    }

    /// What was stored or sent. What is known is to be acknowledged anew.
    ///
    /// - Parameter records: in any order, each key once.
    /// - Throws: ``FeedError`` with ``FeedError/Code/malformed`` or ``FeedError/Code/limitExceeded``.
    public init(records: some Sequence<Record>, floor: UInt64 = Retention.floorDefault) throws(FeedError) {
        self.init(floor: floor)
        var seen: Set<[UInt8]> = []
        for record in records {
            guard seen.insert(record.key).inserted else { throw FeedError(.malformed, "two records of members have one key") }
            guard seen.count <= 2 * FeedLimits.origins + 1 else { throw FeedError(.limitExceeded, "too many records of members") }
            try take(record)
        }
        members.sort { $0.origin < $1.origin }
        fences.sort { $0.origin < $1.origin }
        guard members.allSatisfy({ !isFenced($0.origin) }) else { throw FeedError(.malformed, "a member is retired") }
        unacknowledged = 1
    }

    private mutating func take(_ record: Record) throws(FeedError) {
        let result = record.value.withUnsafeBytes { raw in
            Result { () throws(FeedError) in
                var reader = FeedReader(raw)
                let (kind, origin) = try Self.subject(of: record, reader)
                switch kind {
                case .member: members.append(try Self.member(origin, &reader))
                case .fence: fences.append(try Self.fence(origin, &reader))
                case .horizon: horizon = HybridTimestamp(rawValue: try reader.fixed64())
                }
                try reader.end()
            }
        }
        try result.get()
    }

    private static func subject(of record: Record, _ reader: FeedReader) throws(FeedError) -> (Kind, OriginID) {
        guard let kind = record.key.first.flatMap(Kind.init(rawValue:)), record.key.count == (kind == .horizon ? 1 : 9) else {
            throw reader.malformed("a record of members has no such key")
        }
        return (kind, OriginID(rawValue: record.key.dropFirst().reduce(0) { $0 << 8 | UInt64($1) }))
    }

    private static func key(_ kind: Kind, _ origin: OriginID) -> [UInt8] {
        [kind.rawValue] + withUnsafeBytes(of: origin.rawValue.bigEndian) { Array($0) }
    }

    // MARK: Members

    private static func record(of member: Member) -> Record {
        var writer = FeedWriter()
        writer.fixed(member.site)
        writer.integer(member.epoch)
        writer.dot(member.registration)
        writer.integer(member.acknowledged.dots.count)
        for dot in member.acknowledged.dots { writer.dot(dot) }
        writer.integer(member.proposals.count)
        for proposal in member.proposals {
            writer.dot(proposal.dot)
            writer.byte(proposal.isForced ? 1 : 0)
        }
        return Record(key: key(.member, member.origin), value: writer.bytes)
    }

    private static func member(_ origin: OriginID, _ reader: inout FeedReader) throws(FeedError) -> Member {
        var member = Member(
            origin: origin, site: try reader.fixed64(), epoch: try reader.integer(), registration: try reader.dot(),
            acknowledged: CausalContext())
        var dots: [Dot] = []
        for _ in 0..<(try reader.count(atMost: FeedLimits.origins, eachAtLeast: 9, "an acknowledgement")) {
            dots.append(try reader.dot())
        }
        member.acknowledged = CausalContext(covering: dots)
        for _ in 0..<(try reader.count(atMost: proposalsMaximum, eachAtLeast: 10, "proposals")) {
            let dot = try reader.dot()
            let flag = try reader.byte()
            guard flag <= 1 else { throw reader.malformed("a flag is 0 or 1") }
            member.proposals.append(Proposal(dot: dot, isForced: flag == 1))
        }
        member.proposals.sort { $0.dot < $1.dot }
        return member
    }

    // MARK: Fences and the horizon

    private static func record(of fence: Fence) -> Record {
        var writer = FeedWriter()
        writer.fixed(fence.site)
        writer.integer(fence.epoch)
        writer.integer(fence.through)
        writer.fixed(fence.horizon.rawValue)
        return Record(key: key(.fence, fence.origin), value: writer.bytes)
    }

    private static func fence(_ origin: OriginID, _ reader: inout FeedReader) throws(FeedError) -> Fence {
        Fence(
            origin: origin, site: try reader.fixed64(), epoch: try reader.integer(), through: try reader.sequence(),
            horizon: HybridTimestamp(rawValue: try reader.fixed64()))
    }

    private static func record(ofHorizon horizon: HybridTimestamp) -> Record {
        var writer = FeedWriter()
        writer.fixed(horizon.rawValue)
        return Record(key: [Kind.horizon.rawValue], value: writer.bytes)
    }
}

extension FeedWriter {
    mutating func dot(_ dot: Dot) {
        fixed(dot.origin.rawValue)
        integer(dot.sequence)
    }
}

extension FeedReader {
    mutating func dot() throws(FeedError) -> Dot { Dot(origin: try origin(), sequence: try sequence()) }
}
