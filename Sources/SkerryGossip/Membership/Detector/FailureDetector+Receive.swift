extension FailureDetector {
    /// Takes a packet, its tag removed.
    ///
    /// - Throws: what is wrong with it; nothing changed.
    public mutating func receive(
        _ bytes: UnsafeRawBufferPointer, now: UInt64, into output: inout MembershipOutput
    ) throws(MalformedPacket) {
        let packet = try GossipPacket.read(bytes)
        guard packet.sender != id else { return }
        for message in packet.messages { take(message, from: packet.sender, now, &output) }
    }

    private mutating func take(_ message: GossipMessage, from sender: MemberID, _ now: UInt64, _ output: inout MembershipOutput) {
        switch message {
        case .ping(let number, let target):
            guard target == id, !isLeaving else { return }
            send(.acknowledgement(number: number), to: sender, &output)
        case .pingRequest(let number, let target): relay(number, target, for: sender, now, &output)
        case .acknowledgement(let number): acknowledge(number, from: sender, &output)
        case .negative(let number):
            guard let index = probes.firstIndex(where: { $0.number == number }) else { return }
            probes[index].negativesReceived = min(probes[index].negativesReceived + 1, probes[index].negativesDue)
        case .news(let news): hear(news, now, &output)
        }
    }

    private mutating func relay(
        _ number: UInt64, _ target: MemberID, for asker: MemberID, _ now: UInt64, _ output: inout MembershipOutput
    ) {
        guard target != id, relays.count < MembershipLimits.relaysMaximum, index(of: target) != nil else { return }
        let own = takeNumber()
        relays.append(
            Relay(
                number: own, asker: asker, askerNumber: number, negativeAt: now + profile.probeTimeout * 4 / 5,
                endsAt: now + profile.probeInterval))
        send(.ping(number: own, target: target), to: target, &output)
    }

    private mutating func acknowledge(_ number: UInt64, from sender: MemberID, _ output: inout MembershipOutput) {
        if let index = relays.firstIndex(where: { $0.number == number }) {
            let relay = relays.remove(at: index)
            return send(.acknowledgement(number: relay.askerNumber), to: relay.asker, &output)
        }
        let found = has(.acknowledgementUnmatched) ? probes.indices.first : probes.firstIndex { $0.number == number }
        guard let found else { return }
        probes.remove(at: found)
        awareness = max(0, awareness - 1)
    }

    // MARK: News

    /// Takes news of a member, from a packet, an exchange or this member's own probes.
    mutating func hear(_ heard: MemberNews, _ now: UInt64, _ output: inout MembershipOutput) {
        guard heard.member != id else { return refute(heard.opinion, &output) }
        guard let index = index(of: heard.member) else { return meet(heard, now, &output) }
        let old = members[index].opinion
        if heard.opinion == old, old.status == .suspect { return confirm(index, heard) }
        let isNewer =
            has(.incarnationFlipped) && heard.opinion.incarnation != old.incarnation
            ? heard.opinion.incarnation < old.incarnation : heard.opinion > old
        guard isNewer else { return }
        tally(old.status, -1)
        tally(heard.opinion.status, 1)
        members[index].opinion = heard.opinion
        members[index].since = now
        if !heard.address.isEmpty { members[index].address = heard.address }
        members[index].suspicion =
            heard.opinion.status == .suspect
            ? Suspicion(profile: profile, members: count, from: heard.source, now: now) : nil
        if heard.opinion.status == .suspect, old.status != .suspect { watch(heard.member, from: heard.source) }
        news.insert(told(heard, members[index].address))
        report(heard, old.status, &output)
    }

    /// Only what is alive is news of a stranger, and what says that it died is kept as well, so that late news do not revive it.
    private mutating func meet(_ heard: MemberNews, _ now: UInt64, _ output: inout MembershipOutput) {
        guard members.count < MembershipLimits.membersMaximum, !heard.address.isEmpty else { return }
        let suspicion = heard.opinion.status == .suspect ? Suspicion(profile: profile, members: count, from: heard.source, now: now) : nil
        members.insert(
            Member(id: heard.member, address: heard.address, opinion: heard.opinion, since: now, suspicion: suspicion),
            at: position(of: heard.member))
        tally(heard.opinion.status, 1)
        if heard.opinion.status == .alive { news.insert(heard) }
        if heard.opinion.status.isReachable { output.events.append(.joined(heard.member)) }
    }

    private func told(_ heard: MemberNews, _ address: String) -> MemberNews {
        var told = heard
        if told.opinion.status == .alive { told.address = address }
        return told
    }

    private mutating func confirm(_ index: Int, _ heard: MemberNews) {
        guard members[index].suspicion?.confirm(heard.source) == true else { return }
        // Others need to hear that one more member suspects it.
        news.insert(heard)
    }

    private func report(_ heard: MemberNews, _ old: MemberStatus, _ output: inout MembershipOutput) {
        switch heard.opinion.status {
        case .alive:
            if old == .suspect { output.events.append(.cleared(heard.member)) }
            if !old.isReachable { output.events.append(.joined(heard.member)) }
        case .suspect:
            if !old.isReachable { output.events.append(.joined(heard.member)) }
            if old != .suspect { output.events.append(.suspected(heard.member, by: heard.source)) }
        case .dead: if old != .dead { output.events.append(.died(heard.member)) }
        case .left: if old != .left { output.events.append(.left(heard.member)) }
        }
    }

    /// Probes a suspect at once when this member is one of the three before it on the ring.
    private mutating func watch(_ member: MemberID, from source: MemberID) {
        guard source != id, urgent.count < MembershipLimits.relaysMaximum else { return }
        var (index, left) = (position(of: member), 3)
        let own = position(of: id) % members.count
        while left > 0 {
            if index == own { return urgent.append(member) }
            index = index == 0 ? members.count - 1 : index - 1
            guard members[index].id != member else { return }
            if members[index].opinion.status.isReachable { left -= 1 }
        }
    }

    private mutating func refute(_ opinion: MemberOpinion, _ output: inout MembershipOutput) {
        guard !isLeaving, !has(.refutationIgnored), let next = opinion.refutation(own: incarnation) else { return }
        incarnation = has(.incarnationKept) ? incarnation : next
        if opinion.status != .alive { awareness = min(profile.awarenessMaximum - 1, awareness + 1) }
        news.insert(ownNews(.alive))
        output.events.append(.refuted(incarnation: incarnation))
    }

    func ownNews(_ status: MemberStatus) -> MemberNews {
        MemberNews(member: id, opinion: MemberOpinion(incarnation: incarnation, status: status), source: id, address: address)
    }

    // MARK: Coming and going

    /// Tells the others that this member leaves. Go on calling ``advance(now:using:into:)`` for a few gossip intervals, so that they hear it.
    public mutating func leave() {
        isLeaving = true
        news.insert(ownNews(.left))
    }

    /// Drops a member that is dead or has left; later news of it make it a stranger's.
    public mutating func forget(_ member: MemberID) {
        guard let index = index(of: member), !members[index].opinion.status.isReachable else { return }
        members.remove(at: index)
        news.removeAll(about: member)
    }
}
