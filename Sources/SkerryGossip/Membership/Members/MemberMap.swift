public import SkerryCRDT

/// What a field of a member says. Fields from 16 on are the application's.
public struct MemberField: RawRepresentable, Sendable, Hashable, Comparable {
    /// As it stands in messages.
    public var rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Where the member is to be reached: ``MemberMap/addresses(of:)``.
    public static let addresses = MemberField(rawValue: 0)
    /// Before which stamp it has forgotten deleted entries: ``MemberMap/horizon(of:)``.
    public static let horizon = MemberField(rawValue: 1)
    /// What it has applied, as the highest sequence of each origin: ``MemberMap/applied(of:)``.
    public static let applied = MemberField(rawValue: 2)
    /// Whether it takes part in the views of a large cluster: ``MemberMap/usesViews(_:)``.
    public static let views = MemberField(rawValue: 3)

    public static func < (left: MemberField, right: MemberField) -> Bool { left.rawValue < right.rawValue }
}

/// The fields of all members, each written by its own member alone and carried to the others by scuttlebutt's rules.
///
/// Every change of a field takes the member's next version. A digest names the highest version known of each member; a delta holds, member by
/// member, the changes behind that, oldest first and without a gap, so that however small a message is, what arrived of a member is a prefix and the
/// digest tells the truth. Members far behind come first (depth order). A member that lost its memory begins a later epoch, which overrides
/// everything of earlier ones. Van Renesse, Dumitriu, Gough and Thomas, "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols" (2008).
public struct MemberMap: Sendable {
    /// How much is known of a member.
    public struct Version: Sendable, Hashable, Comparable {
        /// The life of the member: a later one overrides all of an earlier one.
        public var epoch: UInt64
        /// Counts its changes in that life, from 1.
        public var number: UInt64

        public init(epoch: UInt64, number: UInt64) {
            self.epoch = epoch
            self.number = number
        }

        public static func < (left: Version, right: Version) -> Bool { (left.epoch, left.number) < (right.epoch, right.number) }
    }

    struct Value: Sendable, Hashable {
        var field: MemberField
        var version: UInt64
        var bytes: [UInt8]
    }

    struct Record: Sendable, Hashable {
        var member: MemberID
        var version: Version
        /// Sorted by version.
        var values: [Value]
    }

    /// This member, whose fields are written here.
    public let id: MemberID
    /// Sorted by member.
    private(set) var records: [Record]

    #if DEBUG
    var defects: MembershipDefects = []
    #endif

    /// - Parameter epoch: larger than that of every earlier life of this member that may have been heard of.
    public init(id: MemberID, epoch: UInt64) {
        self.id = id
        records = [Record(member: id, version: Version(epoch: epoch, number: 0), values: [])]
    }

    // MARK: Fields

    /// Writes a field of this member; a value that stands there already is no change.
    public mutating func set(_ field: MemberField, _ bytes: [UInt8]) {
        precondition(bytes.count <= MembershipLimits.fieldBytesMaximum, "a field of \(bytes.count) bytes")
        guard let index = index(of: id), records[index].values.first(where: { $0.field == field })?.bytes != bytes else { return }
        records[index].version.number += 1
        records[index].values.removeAll { $0.field == field }
        records[index].values.append(Value(field: field, version: records[index].version.number, bytes: bytes))
        precondition(records[index].values.count <= MembershipLimits.fieldsMaximum, "too many fields")
    }

    /// What a member wrote into a field last, as far as it has come here; nil where nothing has.
    public func value(_ field: MemberField, of member: MemberID) -> [UInt8]? {
        index(of: member).flatMap { records[$0].values.first { $0.field == field }?.bytes }
    }

    /// How much has come of a member; nil for strangers.
    public func version(of member: MemberID) -> Version? { index(of: member).map { records[$0].version } }

    /// Every member of which anything is known, in order.
    public var members: [MemberID] { records.map(\.member) }

    /// Drops what is known of a member that was forgotten.
    public mutating func forget(_ member: MemberID) {
        guard member != id, let index = index(of: member) else { return }
        records.remove(at: index)
    }

    func index(of member: MemberID) -> Int? {
        let index = position(of: member)
        return index < records.count && records[index].member == member ? index : nil
    }

    private func position(of member: MemberID) -> Int {
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            if records[middle].member < member { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func has(_ defect: @autoclosure () -> MembershipDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect())
        #else
        return false
        #endif
    }
}

// MARK: - Deltas

extension MemberMap {
    /// Writes what the peer lacks, as much as fits into `room` bytes.
    ///
    /// - Parameter known: what the peer knows; members that it does not name it does not know.
    func writeDelta(for known: [MemberID: Version], room: Int, to writer: inout PacketWriter) {
        var behind: [(count: Int, index: Int, from: Int)] = []
        for (index, record) in records.enumerated() {
            let theirs = known[record.member]
            guard theirs.map({ $0 < record.version }) ?? true else { continue }
            let isSameEpoch = theirs?.epoch == record.version.epoch
            let from = isSameEpoch ? record.values.firstIndex { $0.version > theirs!.number } ?? record.values.count : 0
            behind.append((record.values.count - from, index, from))
        }
        behind.sort { ($1.count, $0.index) < ($0.count, $1.index) }
        let end = writer.count + room
        for (_, index, from) in behind {
            guard writer.count + 64 < end else { break }
            writePrefix(of: records[index], from: from, end: end, to: &writer)
        }
        writer.byte(0)
    }

    private func writePrefix(of record: Record, from: Int, end: Int, to writer: inout PacketWriter) {
        var taken: [Value] = []
        var count = writer.count + 64
        for value in record.values[from...] {
            count += value.bytes.count + 16
            guard count < end else { break }
            taken.append(value)
        }
        let isWhole = taken.count == record.values.count - from
        // A prefix brings the receiver to its last version; all of it, to the member's own.
        guard isWhole || !taken.isEmpty else { return }
        if has(.gapInDelta), taken.count > 1 { taken.removeFirst() }
        writer.byte(1)
        writer.word(record.member.rawValue)
        writer.integer(record.version.epoch)
        writer.integer(isWhole ? record.version.number : taken[taken.count - 1].version)
        writer.integer(taken.count)
        for value in taken {
            writer.byte(value.field.rawValue)
            writer.integer(value.version)
            writer.blob(value.bytes)
        }
    }

    /// Reads a delta.
    static func readDelta(from reader: inout PacketReader) throws(MalformedPacket) -> [Record] {
        var records: [Record] = []
        while try reader.byte() == 1 {
            guard records.count < MembershipLimits.membersMaximum else { throw reader.fail(.limit) }
            let member = MemberID(rawValue: try reader.word())
            let version = Version(epoch: try reader.integer(), number: try reader.integer())
            var values: [Value] = []
            for _ in 0..<(try reader.count(maximum: MembershipLimits.fieldsMaximum, eachAtLeast: 3)) {
                let field = MemberField(rawValue: try reader.byte())
                let number = try reader.integer()
                guard number > values.last?.version ?? 0, number <= version.number else { throw reader.fail(.order) }
                guard !values.contains(where: { $0.field == field }) else { throw reader.fail(.order) }
                values.append(Value(field: field, version: number, bytes: try reader.blob(maximum: MembershipLimits.fieldBytesMaximum)))
            }
            records.append(Record(member: member, version: version, values: values))
        }
        return records
    }

    /// Takes a delta over: what is newer replaces, what is not is ignored. Fields of this member itself are never taken from others.
    ///
    /// - Returns: the members of which something changed.
    mutating func merge(_ delta: [Record]) -> [MemberID] {
        var changed: [MemberID] = []
        for update in delta where update.member != id {
            let index = position(of: update.member)
            guard index < records.count, records[index].member == update.member else {
                guard records.count < MembershipLimits.membersMaximum else { continue }
                records.insert(update, at: index)
                changed.append(update.member)
                continue
            }
            guard records[index].version < update.version || has(.versionIgnored) else { continue }
            if records[index].version.epoch < update.version.epoch { records[index].values = [] }
            for value in update.values {
                // Of a delta that overlaps what is known, only the news.
                if let old = records[index].values.first(where: { $0.field == value.field }), old.version >= value.version,
                    !has(.versionIgnored)
                {
                    continue
                }
                records[index].values.removeAll { $0.field == value.field }
                records[index].values.append(value)
            }
            records[index].version = update.version
            changed.append(update.member)
        }
        return changed
    }
}

// MARK: - Known fields

extension MemberMap {
    /// The addresses a member named; empty when it named none or what it wrote is not in order.
    public func addresses(of member: MemberID) -> [String] {
        parsed(.addresses, of: member) { (reader) throws(MalformedPacket) in
            var addresses: [String] = []
            for _ in 0..<(try reader.count(maximum: MembershipLimits.addressesMaximum, eachAtLeast: 1)) {
                addresses.append(try reader.text(maximum: MembershipLimits.addressBytesMaximum))
            }
            return addresses
        } ?? []
    }

    /// - Precondition: at most ``MembershipLimits/addressesMaximum`` of at most ``MembershipLimits/addressBytesMaximum`` bytes.
    public mutating func setAddresses(_ addresses: [String]) {
        precondition(addresses.count <= MembershipLimits.addressesMaximum, "\(addresses.count) addresses")
        var writer = PacketWriter()
        writer.integer(addresses.count)
        for address in addresses {
            precondition(address.utf8.count <= MembershipLimits.addressBytesMaximum, "an address of \(address.utf8.count) bytes")
            writer.text(address)
        }
        set(.addresses, writer.bytes)
    }

    /// Before which stamp a member has forgotten deleted entries.
    public func horizon(of member: MemberID) -> HybridTimestamp? {
        parsed(.horizon, of: member) { (reader) throws(MalformedPacket) in HybridTimestamp(rawValue: try reader.word()) }
    }

    /// Says before which stamp this member has forgotten deleted entries.
    ///
    /// For applications that own a ``Membership`` and replicate by means of their own. Feeds do not need it, and `MembershipNode` does not write it: two replicas tell each other their horizons when they meet
    /// (``FeedCore/horizon``), and what is forgotten is agreed on in the feeds (``Retention``).
    public mutating func setHorizon(_ horizon: HybridTimestamp) {
        var writer = PacketWriter()
        writer.word(horizon.rawValue)
        set(.horizon, writer.bytes)
    }

    /// The highest sequence of each origin that a member has applied, sorted by origin.
    public func applied(of member: MemberID) -> [Dot]? {
        parsed(.applied, of: member) { (reader) throws(MalformedPacket) in
            var dots: [Dot] = []
            for _ in 0..<(try reader.count(maximum: MembershipLimits.fieldBytesMaximum, eachAtLeast: 9)) {
                let origin = OriginID(rawValue: try reader.word())
                guard dots.last.map({ $0.origin < origin }) ?? true else { throw reader.fail(.order) }
                dots.append(Dot(origin: origin, sequence: try reader.integer()))
            }
            return dots
        }
    }

    /// - Precondition: sorted by origin, each once; at most 900, or what ``MembershipLimits/fieldBytesMaximum`` holds.
    public mutating func setApplied(_ dots: [Dot]) {
        var writer = PacketWriter()
        writer.integer(dots.count)
        for dot in dots {
            writer.word(dot.origin.rawValue)
            writer.integer(dot.sequence)
        }
        set(.applied, writer.bytes)
    }

    /// Whether a member takes part in views now; nil when it never said so, as members of builds without views do not.
    public func usesViews(_ member: MemberID) -> Bool? { value(.views, of: member).map { $0.first == 1 } }

    /// Says whether this member takes part in views; ``Neighbourhood`` says when.
    public mutating func setUsesViews(_ usesViews: Bool) { set(.views, [usesViews ? 1 : 0]) }

    private func parsed<R>(
        _ field: MemberField, of member: MemberID, _ body: (inout PacketReader) throws(MalformedPacket) -> R
    ) -> R? {
        guard let bytes = value(field, of: member) else { return nil }
        return bytes.withUnsafeBytes { raw -> R? in
            var reader = PacketReader(raw)
            do throws(MalformedPacket) {
                let result = try body(&reader)
                return reader.isAtEnd ? result : nil
            } catch {
                return nil
            }
        }
    }
}
