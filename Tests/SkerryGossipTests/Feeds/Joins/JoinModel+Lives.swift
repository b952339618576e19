import SkerryCRDT

@testable import SkerryGossip

/// How sites come and go.
extension JoinModel {
    // MARK: Coming

    /// A site without a state is registered by a host, and given its state then.
    func arrivals(_ index: Int, _ state: State) -> [Step] {
        let guest = state.nodes[index]
        let registrars = state.nodes.indices.filter { isSaid(guest, by: state.nodes[$0], state) }
        var steps: [Step] = []
        for place in state.nodes.indices where place != index && hosts.contains(place) && state.nodes[place].isRunning {
            let host = state.nodes[place]
            guard !host.retention.barred.contains(host.id) else { continue }
            if host.retention.barred.contains(guest.id) {
                // It was registered, and retired before it came home.
                steps += renewal(index, .exile, state)
            } else if isRegistered(guest, by: host, state) || defect == .registeredAfterwards {
                steps += handover(index, host, state)
            } else if !registrars.isEmpty, !registrars.contains(place), defect != .asksSeveralHosts {
                steps += renewal(index, .otherHost, state)
            } else {
                steps.append(step([.registration], state) { state, _ in register(guest, site: index, by: place, in: &state) })
            }
        }
        return steps
    }

    /// Of sites that have their state already: that is too late.
    func lateRegistrations(_ index: Int, _ state: State) -> [Step] {
        guard defect == .registeredAfterwards else { return [] }
        let guests = state.nodes.indices.filter { place in
            let guest = state.nodes[place]
            return guest.isRunning && !state.nodes.contains { $0.retention.isMember(guest.id) }
        }
        return guests.map { guest in
            step([.registration], state) { state, _ in register(state.nodes[guest], site: guest, by: index, in: &state) }
        }
    }

    /// Whether a host has said in its own feed who its guest is.
    private func isRegistered(_ guest: Node, by host: Node, _ state: State) -> Bool {
        guard host.retention.isMember(guest.id) else { return false }
        return defect == .registeredElsewhere || isSaid(guest, by: host, state)
    }

    private func isSaid(_ guest: Node, by host: Node, _ state: State) -> Bool {
        state.feeds[host.origin].contains { entry in
            guard case .registry(.register(guest.id, _, _)) = entry.change else { return false }
            return true
        }
    }

    private func register(_ guest: Node, site: Int, by host: Int, in state: inout State) {
        let epoch = UInt64(guest.formerSelves.count + 1)
        say(.registry(.register(origin: guest.id, site: UInt64(site), epoch: epoch)), by: host, in: &state)
        for former in guest.formerSelves {
            let member = state.nodes[host].retention.members.first { $0.origin == Self.id(former) }
            guard member?.isRetiring == false else { continue }
            say(.registry(.retire(origin: Self.id(former), isForced: false)), by: host, in: &state)
        }
    }

    private func handover(_ index: Int, _ host: Node, _ state: State) -> [Step] {
        guard isSlow else { return [step([], state) { comeHome(index, host, &$0, &$1) }] }
        guard state.passage == nil else { return [] }
        let passage = Passage(guest: index, life: state.nodes[index].origin, giver: host)
        return [step([.departingState], state) { state, _ in state.passage = passage }]
    }

    /// Takes a host's state over, and judges each entry of its own.
    func comeHome(_ index: Int, _ host: Node, _ state: inout State, _ events: inout [Event]) {
        let guest = state.nodes[index]
        events.append(.homecoming)
        let holdsLog = { (origin: OriginID) in
            let origin = Int(origin.rawValue) - 1
            return guest.applied[origin] > host.applied[origin] && guest.floor[origin] <= host.applied[origin]
        }
        let home = Homecoming(
            applied: Self.context(host.applied), retention: host.retention, formerSelves: Set(guest.formerSelves.map(Self.id)),
            holdsLog: holdsLog)
        var next = Node(origin: guest.origin, formerSelves: guest.formerSelves, isHome: true)
        (next.applied, next.floor, next.table) = (host.applied, host.applied, host.table)
        next.clock = max(host.clock, guest.clock)
        next.retention.adopt(host.retention)
        state.nodes[index] = next
        for origin in 0..<Self.origins where home.live.contains(Self.id(origin)) {
            for _ in host.applied[origin]..<guest.applied[origin] { take(origin, by: index, in: &state) }
        }
        judge(guest, home, host, index, &state, &events)
    }

    private func judge(
        _ guest: Node, _ home: Homecoming, _ host: Node, _ index: Int, _ state: inout State, _ events: inout [Event]
    ) {
        guard let row = guest.table.rows[Self.key] else { return }
        switch home.verdict(row, current: host.table.rows[Self.key]) {
        case .news:
            events.append(.news)
            if Self.isDeleted(row, host, state.feeds) { state.problem = "a deleted key comes back with a returner" }
            say(.write(isRemoval: row.isRemoval), by: index, in: &state)
        case .late:
            events.append(.late)
            state.reported.insert(row.dot)
        case .underway, .known, .deleted: break
        }
    }

    // MARK: Going

    func endings(_ index: Int, _ state: State) -> [Step] {
        let node = state.nodes[index]
        var steps: [Step] = []
        if departures.contains(index) {
            steps.append(step([.departure], state) { state, _ in depart(index, &state) })
        }
        if let reason = reasonToRenew(node, state) { steps += renewal(index, reason, state) }
        return steps
    }

    /// What a site alone has is destroyed when it is gone.
    private func depart(_ index: Int, _ state: inout State) {
        state.nodes[index].isGone = true
        for origin in 0..<Self.origins {
            let left = state.nodes.filter { !$0.isGone }.map { $0.applied[origin] }.max() ?? 0
            for sequence in left..<max(left, state.nodes[index].applied[origin]) {
                state.destroyed.insert(Dot(origin: Self.id(origin), sequence: UInt64(sequence + 1)))
            }
        }
    }

    private func reasonToRenew(_ node: Node, _ state: State) -> Event? {
        let others = state.nodes.filter { $0.isRunning && $0.origin != node.origin }
        if node.retention.barred.contains(node.id) { return .exile }
        if others.contains(where: { $0.retention.barred.contains(node.id) }) { return .exile }
        let isTurnedDown = others.contains { speak(node, $0) && !$0.retention.isMember(node.id) && node.applied[node.origin] > 0 }
        return isTurnedDown && (isImpatient || node.retention.isOrphaned(node.id)) ? .orphan : nil
    }

    private func renewal(_ index: Int, _ event: Event, _ state: State) -> [Step] {
        guard state.lives < livesMaximum else { return [] }
        return [
            step([event], state) { state, _ in
                state.nodes[index].formerSelves.append(state.nodes[index].origin)
                state.nodes[index].origin = state.lives
                state.nodes[index].isHome = false
                state.lives += 1
            }
        ]
    }
}
