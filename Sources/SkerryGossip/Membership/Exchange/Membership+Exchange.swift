/// The messages of an exchange, in their order.
enum ExchangeStep: UInt8 {
    /// The hash of what the sender holds, and how to reach it.
    case hello = 1
    /// "I hold the same."
    case same
    /// The answer to a hello that differs: all opinions and versions.
    case table
    /// The answer to that: the same of the other side, with the fields that the first side lacks.
    case tableAndDelta
    /// The fields that the second side lacks.
    case delta
}

/// A member in a table.
struct TableRow: Sendable, Hashable {
    var member: MemberID
    var opinion: MemberOpinion
    var address: String
    var version: MemberMap.Version
}

extension Membership {
    /// The first message of an exchange. Sent to the address of any member it joins the cluster: the answers go to ``receive(message:now:into:)``.
    public func greeting() -> [UInt8] {
        var writer = begin(.hello)
        writer.integer(detector.incarnation)
        writer.text(detector.address)
        writer.word(tableHash())
        return ClusterSecret.seal(writer.bytes, with: secret)
    }

    mutating func beginExchange(_ now: UInt64, _ generator: inout some RandomNumberGenerator, _ output: inout MembershipOutput) {
        let interval = detector.profile.exchangeInterval
        nextExchange = now + interval * 4 / 5 + generator.next(upperBound: max(1, interval * 2 / 5))
        guard !detector.isLeaving, let target = exchangeTarget(&generator) else { return }
        output.messages.append(MembershipOutput.Envelope(target: target, bytes: greeting()))
    }

    /// Mostly one that lives, sometimes one that seems dead: after a partition both sides hold each other for dead.
    private func exchangeTarget(_ generator: inout some RandomNumberGenerator) -> MemberID? {
        let dead = detector.members.filter { $0.opinion.status == .dead }
        if !dead.isEmpty, !detector.has(.deadNeverTried),
            generator.next(upperBound: 100 as UInt64) < UInt64(detector.profile.exchangesWithDeadPercent)
        {
            return dead[Int(generator.next(upperBound: UInt64(dead.count)))].id
        }
        let alive = detector.reachable
        if detector.has(.exchangesInARow) { return alive.first { $0 > id } ?? alive.first }
        return alive.isEmpty ? nil : alive[Int(generator.next(upperBound: UInt64(alive.count)))]
    }

    /// Takes a message of an exchange. The answer, if there is one, goes back to the sender: `output.messages`.
    ///
    /// - Throws: what is wrong with it; nothing changed. Drop the stream.
    public mutating func receive(message: UnsafeRawBufferPointer, now: UInt64, into output: inout MembershipOutput) throws(MalformedPacket)
    {
        var reader = PacketReader(try ClusterSecret.open(message, with: secret))
        guard try reader.byte() == GossipPacket.version else { throw reader.fail(.unknown) }
        guard let step = ExchangeStep(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
        let sender = MemberID(rawValue: try reader.word())
        guard sender != id else { return }
        switch step {
        case .hello: try receiveHello(&reader, sender, now, &output)
        case .same: guard reader.isAtEnd else { throw reader.fail(.excess) }
        case .table, .tableAndDelta: try receiveTable(&reader, sender, step, now, &output)
        case .delta:
            let delta = try MemberMap.readDelta(from: &reader)
            guard reader.isAtEnd else { throw reader.fail(.excess) }
            merge(delta, &output)
        }
    }

    private mutating func receiveHello(
        _ reader: inout PacketReader, _ sender: MemberID, _ now: UInt64, _ output: inout MembershipOutput
    ) throws(MalformedPacket) {
        let incarnation = try reader.integer()
        guard incarnation < 1 << 62 else { throw reader.fail(.limit) }
        let address = try reader.text(maximum: MembershipLimits.addressBytesMaximum)
        let hash = try reader.word()
        guard reader.isAtEnd else { throw reader.fail(.excess) }
        let opinion = MemberOpinion(incarnation: incarnation, status: .alive)
        let isKnown = detector.index(of: sender) != nil
        detector.hear(MemberNews(member: sender, opinion: opinion, source: sender, address: address), now, &output)
        // One that this side took for dead has to hear so, whatever the hashes say.
        if hash == tableHash(), isKnown { return reply(begin(.same), sender, &output) }
        var writer = begin(.table)
        writeTable(to: &writer)
        reply(writer, sender, &output)
    }

    private mutating func receiveTable(
        _ reader: inout PacketReader, _ sender: MemberID, _ step: ExchangeStep, _ now: UInt64, _ output: inout MembershipOutput
    ) throws(MalformedPacket) {
        let rows = try Membership.readTable(from: &reader)
        let delta = step == .tableAndDelta ? try MemberMap.readDelta(from: &reader) : []
        guard reader.isAtEnd else { throw reader.fail(.excess) }
        for row in rows { detector.hear(heard(row), now, &output) }
        merge(delta, &output)
        let known = Dictionary(rows.map { ($0.member, $0.version) }, uniquingKeysWith: { first, _ in first })
        var writer = begin(step == .table ? .tableAndDelta : .delta)
        if step == .table { writeTable(to: &writer) }
        map.writeDelta(for: known, room: max(0, detector.profile.exchangeBytes - writer.count - ClusterSecret.tagBytes - 1), to: &writer)
        reply(writer, sender, &output)
    }

    /// A table repeats what its sender heard, so what it suspects counts as this member's own suspicion and not as one more witness. And who is held
    /// for alive here gets the time to object that a suspicion gives, though the other side has buried it: after a partition both sides bury each other.
    private func heard(_ row: TableRow) -> MemberNews {
        var news = MemberNews(member: row.member, opinion: row.opinion, source: id, address: row.address)
        if row.opinion.status == .dead, detector.opinion(of: row.member)?.status.isReachable == true { news.opinion.status = .suspect }
        return news
    }

    private mutating func merge(_ delta: [MemberMap.Record], _ output: inout MembershipOutput) {
        for member in map.merge(delta) { output.events.append(.changed(member)) }
    }

    private func reply(_ writer: PacketWriter, _ target: MemberID, _ output: inout MembershipOutput) {
        output.messages.append(MembershipOutput.Envelope(target: target, bytes: ClusterSecret.seal(writer.bytes, with: secret)))
    }

    private func begin(_ step: ExchangeStep) -> PacketWriter {
        var writer = PacketWriter()
        writer.byte(GossipPacket.version)
        writer.byte(step.rawValue)
        writer.word(id.rawValue)
        return writer
    }

    // MARK: The table

    private func row(_ member: MemberID, _ opinion: MemberOpinion, _ address: String) -> TableRow {
        TableRow(
            member: member, opinion: opinion, address: address, version: map.version(of: member) ?? MemberMap.Version(epoch: 0, number: 0))
    }

    /// All members with this one, sorted by id.
    var table: [TableRow] {
        var rows = detector.members.map { row($0.id, $0.opinion, $0.address) }
        let own = MemberOpinion(incarnation: detector.incarnation, status: detector.isLeaving ? .left : .alive)
        rows.insert(row(id, own, detector.address), at: detector.position(of: id))
        return rows
    }

    /// FNV-1a over ids, opinions and versions; equal tables have equal hashes.
    func tableHash() -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ value: UInt64) { hash = (hash ^ value ^ value >> 32) &* 0x100_0000_01B3 &+ (hash >> 29) }
        for row in table {
            mix(row.member.rawValue)
            mix(row.opinion.incarnation << 2 | UInt64(row.opinion.status.rawValue))
            mix(row.version.epoch)
            mix(row.version.number)
        }
        return hash
    }

    private func writeTable(to writer: inout PacketWriter) {
        let rows = table
        writer.integer(rows.count)
        for row in rows {
            writer.word(row.member.rawValue)
            writer.byte(row.opinion.status.rawValue)
            writer.integer(row.opinion.incarnation)
            writer.text(row.address)
            writer.integer(row.version.epoch)
            writer.integer(row.version.number)
        }
    }

    private static func readTable(from reader: inout PacketReader) throws(MalformedPacket) -> [TableRow] {
        var rows: [TableRow] = []
        for _ in 0..<(try reader.count(maximum: MembershipLimits.membersMaximum, eachAtLeast: 13)) {
            let member = MemberID(rawValue: try reader.word())
            guard let status = MemberStatus(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
            let incarnation = try reader.integer()
            guard incarnation < 1 << 62 else { throw reader.fail(.limit) }
            let address = try reader.text(maximum: MembershipLimits.addressBytesMaximum)
            let version = MemberMap.Version(epoch: try reader.integer(), number: try reader.integer())
            guard rows.last.map({ $0.member < member }) ?? true else { throw reader.fail(.order) }
            rows.append(
                TableRow(
                    member: member, opinion: MemberOpinion(incarnation: incarnation, status: status), address: address, version: version))
        }
        return rows
    }
}
