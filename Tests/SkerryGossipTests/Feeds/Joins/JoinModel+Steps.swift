import SkerryCRDT

@testable import SkerryGossip

extension JoinModel {
    struct Step {
        var events: [Event]
        var state: State
    }

    /// All that may happen next. A step whose state is the one before changed nothing: a join that was refused.
    func next(_ state: State) -> [Step] {
        var steps: [Step] = []
        for index in state.nodes.indices where !state.nodes[index].isGone {
            if state.nodes[index].isHome {
                steps += sayings(index, state)
                steps += takings(index, state)
                steps += endings(index, state)
            } else {
                steps += arrivals(index, state)
            }
        }
        return steps + landing(state)
    }

    /// Does something, and then collects and trims what may be.
    func step(_ events: [Event], _ state: State, _ change: (inout State, inout [Event]) -> Void) -> Step {
        var (next, events) = (state, events)
        change(&next, &events)
        for index in next.nodes.indices where next.nodes[index].isRunning {
            var node = next.nodes[index]
            if node.table.collect(&node.retention, now: 1) > 0 { events.append(.collection) }
            if node.retention.fences.count > state.nodes[index].retention.fences.count { events.append(.settlement) }
            let cut = node.retention.cut
            for origin in 0..<Self.origins {
                let through = min(node.applied[origin], Int(node.retention.trimmable(Self.id(origin), cut: cut)))
                node.floor[origin] = max(node.floor[origin], through)
            }
            next.nodes[index] = node
        }
        return Step(events: events, state: next)
    }

    // MARK: What a site says

    private func sayings(_ index: Int, _ state: State) -> [Step] {
        let node = state.nodes[index]
        guard !node.retention.barred.contains(node.id) else { return [] }
        var steps: [Step] = []
        if state.writes < writesMaximum, writers.contains(index) {
            // Removed is what is there, and written what is not.
            let isRemoval = node.table.rows[Self.key].map { !$0.isRemoval } ?? false
            steps.append(
                step([isRemoval ? .removal : .write], state) { state, _ in
                    state.writes += 1
                    say(.write(isRemoval: isRemoval), by: index, in: &state)
                })
        }
        if state.acknowledgements < acknowledgementsMaximum, node.retention.unacknowledged > 0 {
            steps.append(
                step([.acknowledgement], state) { state, _ in
                    state.acknowledgements += 1
                    say(.registry(.acknowledge(Self.context(node.applied))), by: index, in: &state)
                })
        }
        return steps + retirements(index, state) + lateRegistrations(index, state)
    }

    private func retirements(_ index: Int, _ state: State) -> [Step] {
        guard state.retirements < proposals.count, proposals[state.retirements].by == index else { return [] }
        let origin = Self.id(proposals[state.retirements].origin)
        let retention = state.nodes[index].retention
        guard retention.overdue(own: state.nodes[index].id, retention: 1, silence: { $0 == origin ? 2 : 0 }) == [origin] else { return [] }
        return [
            step([.retirement], state) { state, _ in
                state.retirements += 1
                say(.registry(.retire(origin: origin, isForced: false)), by: index, in: &state)
            }
        ]
    }

    func say(_ change: Change, by index: Int, in state: inout State) {
        let origin = state.nodes[index].origin
        state.feeds[origin].append(Entry(stamp: state.nodes[index].clock + 1, change: change))
        take(origin, by: index, in: &state)
    }

    // MARK: What it takes

    /// The next entry of an origin.
    func take(_ origin: Int, by index: Int, in state: inout State) {
        let entry = state.feeds[origin][state.nodes[index].applied[origin]]
        state.nodes[index].applied[origin] += 1
        state.nodes[index].clock = max(state.nodes[index].clock, entry.stamp)
        let dot = Dot(origin: Self.id(origin), sequence: UInt64(state.nodes[index].applied[origin]))
        switch entry.change {
        case .write(let isRemoval):
            state.nodes[index].table.apply(Self.row(dot, entry, isRemoval), key: Self.key)
            state.nodes[index].retention.unacknowledged += 1
        case .registry(let change):
            state.nodes[index].retention.apply(
                change, dot: dot, own: state.nodes[index].id, applied: Self.context(state.nodes[index].applied))
        }
    }

    static func row(_ dot: Dot, _ entry: Entry, _ isRemoval: Bool) -> KeyTable.Row {
        KeyTable.Row(dot: dot, stamp: HybridTimestamp(rawValue: entry.stamp), isRemoval: isRemoval, value: [])
    }

    /// Whether two sites keep a session: neither says that the other is retired.
    func speak(_ one: Node, _ other: Node) -> Bool {
        one.isRunning && other.isRunning && !one.retention.barred.contains(other.id) && !other.retention.barred.contains(one.id)
    }

    private func takings(_ index: Int, _ state: State) -> [Step] {
        let node = state.nodes[index]
        var steps: [Step] = []
        for peer in state.nodes where peer.origin != node.origin && speak(node, peer) {
            for origin in 0..<Self.origins where peer.floor[origin] <= node.applied[origin] {
                let end = min(peer.applied[origin], node.fence(of: origin))
                guard end > node.applied[origin], node.admits(origin, from: peer) else { continue }
                steps.append(
                    step([.taking], state) { state, _ in
                        for _ in node.applied[origin]..<end { take(origin, by: index, in: &state) }
                    })
            }
            steps += joins(index, peer, state)
        }
        return steps
    }

    // MARK: States of peers

    private func joins(_ index: Int, _ peer: Node, _ state: State) -> [Step] {
        let node = state.nodes[index]
        let lacking = (0..<Self.origins).filter { min(peer.applied[$0], node.fence(of: $0)) > node.applied[$0] }
        let isNeeded = lacking.contains { peer.floor[$0] > node.applied[$0] }
        // Nobody gives its state to who is no member there.
        guard isNeeded || joinsAlways && !lacking.isEmpty, peer.retention.isMember(node.id) else { return [] }
        guard isSlow else { return [step([], state) { join(index, peer, &$0, &$1) }] }
        guard state.passage == nil else { return [] }
        return [step([], state) { state, _ in state.passage = Passage(guest: index, life: node.origin, giver: peer) }]
    }

    private func landing(_ state: State) -> [Step] {
        guard let passage = state.passage else { return [] }
        let guest = state.nodes[passage.guest]
        return [
            step([], state) { state, events in
                state.passage = nil
                guard guest.origin == passage.life, !guest.isGone else { return }
                if guest.isHome {
                    join(passage.guest, passage.giver, &state, &events)
                } else {
                    comeHome(passage.guest, passage.giver, &state, &events)
                }
            }
        ]
    }

    /// As shells do it: nothing that is here already comes again, nor anything behind a fence.
    private func join(_ index: Int, _ giver: Node, _ state: inout State, _ events: inout [Event]) {
        var node = state.nodes[index]
        guard mayJoin(node.retention, giver) else { return events.append(.refusedJoin) }
        events.append(node.retention.isMember(giver.id) ? .join : .strangersJoin)
        for (key, row) in giver.table.rows where node.lacks(row.dot) { node.table.apply(row, key: key) }
        for origin in 0..<Self.origins where giver.applied[origin] > node.applied[origin] {
            guard giver.applied[origin] <= node.fence(of: origin) else { continue }
            node.applied[origin] = giver.applied[origin]
            node.floor[origin] = giver.applied[origin]
        }
        node.clock = max(node.clock, giver.clock)
        var known = giver.retention
        if defect == .registrationsDropped { known.members.removeAll { !node.retention.isMember($0.origin) } }
        node.retention.merge(known, applied: Self.context(node.applied))
        state.nodes[index] = node
    }

    private func mayJoin(_ retention: Retention, _ giver: Node) -> Bool {
        switch defect {
        case .joinsAnybody: true
        case .joinsMembersAlone: retention.isMember(giver.id)
        case .joinsTheBarred: retention.ignoringBars.mayJoin(giver.retention, of: giver.id)
        default: retention.mayJoin(giver.retention, of: giver.id)
        }
    }
}

extension Retention {
    /// What is known without who is retired, or is to be.
    fileprivate var ignoringBars: Retention {
        var copy = self
        for index in copy.members.indices { copy.members[index].proposals = [] }
        for fence in copy.fences {
            copy.members.append(
                Member(
                    origin: fence.origin, site: fence.site, epoch: fence.epoch, registration: Dot(origin: fence.origin, sequence: 0),
                    acknowledged: CausalContext()))
        }
        copy.fences = []
        return copy
    }
}

extension JoinModel.Node {
    /// Up to where an origin is taken here.
    func fence(of origin: Int) -> Int {
        retention.fences.first { $0.origin == JoinModel.id(origin) }.map { Int($0.through) } ?? .max
    }

    /// As ``FeedCore/isAdmitted(_:from:)`` decides.
    func admits(_ origin: Int, from giver: JoinModel.Node) -> Bool {
        let id = JoinModel.id(origin)
        if retention.isFenced(id) { return true }
        guard retention.isMember(id) else { return id == self.id }
        return !retention.barred.contains(id) || retention.isMember(giver.id)
    }

    func lacks(_ dot: Dot) -> Bool {
        let origin = Int(dot.origin.rawValue) - 1
        return dot.sequence > applied[origin] && dot.sequence <= fence(of: origin)
    }
}
