extension FailureDetector {
    /// Does what is due: probes, their ends, the ends of suspicions, gossip.
    ///
    /// - Complexity: O(members) at most.
    public mutating func advance(now: UInt64, using generator: inout some RandomNumberGenerator, into output: inout MembershipOutput) {
        endRelays(now, &output)
        continueProbes(now, &generator, &output)
        endSuspicions(now, &output)
        if now >= nextProbe { beginRound(now, &generator, &output) }
        probeUrgent(now, &output)
        if now >= nextGossip { gossip(now, &generator, &output) }
    }

    // MARK: Probes

    private mutating func beginRound(
        _ now: UInt64, _ generator: inout some RandomNumberGenerator, _ output: inout MembershipOutput
    ) {
        nextProbe = now + profile.probeInterval * UInt64(awareness + 1)
        let neighbour = ringNeighbour()
        if let neighbour { probe(neighbour, now, &output) }
        if let target = nextOfRound(&generator), target != neighbour { probe(target, now, &output) }
    }

    /// The next member on the ring of ids that is not dead.
    private func ringNeighbour() -> MemberID? {
        let start = position(of: id)
        for offset in 0..<members.count {
            let member = members[(start + offset) % members.count]
            if member.opinion.status.isReachable { return member.id }
        }
        return nil
    }

    private mutating func nextOfRound(_ generator: inout some RandomNumberGenerator) -> MemberID? {
        for _ in 0..<2 {
            while let target = round.popLast() {
                if let index = index(of: target), members[index].opinion.status.isReachable { return target }
            }
            round = reachable.shuffled(using: &generator)
        }
        return nil
    }

    private mutating func probeUrgent(_ now: UInt64, _ output: inout MembershipOutput) {
        while let target = urgent.popLast() { probe(target, now, &output) }
    }

    private mutating func probe(_ target: MemberID, _ now: UInt64, _ output: inout MembershipOutput) {
        guard !probes.contains(where: { $0.target == target }) else { return }
        let scale = UInt64(awareness + 1)
        let number = takeNumber()
        probes.append(
            Probe(
                number: number, target: target, indirectAt: now + profile.probeTimeout * scale, endsAt: now + profile.probeInterval * scale)
        )
        send(.ping(number: number, target: target), to: target, &output)
    }

    private mutating func continueProbes(
        _ now: UInt64, _ generator: inout some RandomNumberGenerator, _ output: inout MembershipOutput
    ) {
        for index in probes.indices {
            guard let due = probes[index].indirectAt, due <= now else { continue }
            probes[index].indirectAt = nil
            askOthers(index, &generator, &output)
        }
        let ended = probes.filter { $0.endsAt <= now }
        guard !ended.isEmpty else { return }
        probes.removeAll { $0.endsAt <= now }
        for probe in ended { fail(probe, now, &output) }
    }

    private mutating func askOthers(
        _ index: Int, _ generator: inout some RandomNumberGenerator, _ output: inout MembershipOutput
    ) {
        if has(.indirectProbeSkipped) { return }
        let probe = probes[index]
        let others = members.filter { $0.opinion.status == .alive && $0.id != probe.target }.map(\.id)
        let asked = draw(profile.indirectProbes, of: others, &generator)
        probes[index].negativesDue = asked.count
        for other in asked { send(.pingRequest(number: probe.number, target: probe.target), to: other, &output) }
        // Once more, in case the first one was lost.
        send(.ping(number: probe.number, target: probe.target), to: probe.target, &output)
    }

    /// No answer came. Silence of those that were asked as well speaks against this member's own line.
    private mutating func fail(_ probe: Probe, _ now: UInt64, _ output: inout MembershipOutput) {
        let blame = probe.negativesDue == 0 ? 1 : probe.negativesDue - probe.negativesReceived
        awareness = min(profile.awarenessMaximum - 1, awareness + max(0, blame))
        guard let index = index(of: probe.target), members[index].opinion.status.isReachable else { return }
        let opinion = MemberOpinion(incarnation: members[index].opinion.incarnation, status: .suspect)
        hear(MemberNews(member: probe.target, opinion: opinion, source: id, address: ""), now, &output)
    }

    func draw(_ count: Int, of candidates: [MemberID], _ generator: inout some RandomNumberGenerator) -> [MemberID] {
        guard candidates.count > count else { return candidates }
        var (pool, drawn): ([MemberID], [MemberID]) = (candidates, [])
        for _ in 0..<count { drawn.append(pool.remove(at: Int(generator.next(upperBound: UInt64(pool.count))))) }
        return drawn
    }

    // MARK: Relays and suspicions

    private mutating func endRelays(_ now: UInt64, _ output: inout MembershipOutput) {
        guard !relays.isEmpty else { return }
        for index in relays.indices where relays[index].negativeAt <= now {
            relays[index].negativeAt = .max
            send(.negative(number: relays[index].askerNumber), to: relays[index].asker, &output)
        }
        relays.removeAll { $0.endsAt <= now }
    }

    private mutating func endSuspicions(_ now: UInt64, _ output: inout MembershipOutput) {
        if suspectCount == 0 || has(.suspicionNeverExpires) { return }
        for index in members.indices {
            guard let suspicion = members[index].suspicion, suspicion.deadline <= now else { continue }
            let opinion = MemberOpinion(incarnation: members[index].opinion.incarnation, status: .dead)
            hear(MemberNews(member: members[index].id, opinion: opinion, source: id, address: ""), now, &output)
        }
    }

    // MARK: Gossip

    private mutating func gossip(
        _ now: UInt64, _ generator: inout some RandomNumberGenerator, _ output: inout MembershipOutput
    ) {
        nextGossip = now + profile.gossipInterval
        guard !news.isEmpty else { return }
        let candidates = members.filter {
            $0.opinion.status.isReachable || ($0.opinion.status == .dead && now < $0.since + profile.gossipToDead)
        }
        for target in draw(profile.gossipFanOut, of: candidates.map(\.id), &generator) where !news.isEmpty {
            var writer = GossipPacket.begin(from: id)
            fill(&writer)
            output.packets.append(MembershipOutput.Envelope(target: target, bytes: writer.bytes))
        }
    }

    private mutating func fill(_ writer: inout PacketWriter) {
        news.fill(
            &writer, upTo: profile.packetBytes - ClusterSecret.tagBytes, transmissionsMaximum: has(.newsToldOnce) ? 1 : transmissionsMaximum
        )
    }

    /// Sends a statement with as much news as fits. A member that this one holds for less than alive hears so first, to be able to object.
    mutating func send(_ message: GossipMessage, to target: MemberID, _ output: inout MembershipOutput) {
        var writer = GossipPacket.begin(from: id)
        message.write(to: &writer)
        if let index = index(of: target), members[index].opinion.status != .alive {
            GossipMessage.news(MemberNews(member: target, opinion: members[index].opinion, source: id, address: "")).write(to: &writer)
        }
        fill(&writer)
        output.packets.append(MembershipOutput.Envelope(target: target, bytes: writer.bytes))
    }

    mutating func takeNumber() -> UInt64 {
        nextNumber += 1
        return nextNumber - 1
    }
}
