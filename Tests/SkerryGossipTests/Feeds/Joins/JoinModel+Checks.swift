import SkerryCRDT

@testable import SkerryGossip

/// What must hold.
extension JoinModel {
    /// In every state.
    func problem(_ state: State) -> String? {
        if let problem = state.problem { return problem }
        for (index, node) in state.nodes.enumerated() where node.isRunning {
            if let problem = problem(of: node, state) { return "site \(index): \(problem)" }
        }
        return disagreement(state) ?? loss(state)
    }

    private func problem(of node: Node, _ state: State) -> String? {
        let row = node.table.rows[Self.key]
        if let row, !row.isRemoval, Self.isDeleted(row, node, state.feeds) { return "a deleted key is back" }
        if let latest = Self.latest(node, state.feeds), !latest.isRemoval, row?.dot != latest.dot { return "a write is passed over" }
        for fence in node.retention.fences {
            let origin = Int(fence.origin.rawValue) - 1
            let peers = state.nodes.filter { speak(node, $0) && node.retention.isMember($0.id) && $0.retention.isMember(node.id) }
            if peers.contains(where: { $0.applied[origin] > Int(fence.through) }) { return "a member has more of a retired origin" }
        }
        return nil
    }

    /// Whether a site has taken a removal that is later than a row.
    static func isDeleted(_ row: KeyTable.Row, _ node: Node, _ feeds: [[Entry]]) -> Bool {
        writes(upTo: node.applied, feeds).contains { $0.isRemoval && $0.supersedes(row) }
    }

    private static func latest(_ node: Node, _ feeds: [[Entry]]) -> KeyTable.Row? {
        writes(upTo: node.applied, feeds).max { $1.supersedes($0) }
    }

    private static func writes(upTo applied: [Int], _ feeds: [[Entry]]) -> [KeyTable.Row] {
        feeds.indices.flatMap { origin in
            feeds[origin].prefix(applied[origin]).enumerated().compactMap { place, entry in
                guard case .write(let isRemoval) = entry.change else { return nil }
                return row(Dot(origin: id(origin), sequence: UInt64(place + 1)), entry, isRemoval)
            }
        }
    }

    /// Sites that have the same entries come to know the same of members, when all who stay acknowledge what there is.
    private func disagreement(_ state: State) -> String? {
        let running = state.nodes.filter { $0.isRunning && !$0.retention.barred.contains($0.id) }
        for (place, one) in running.enumerated() {
            for other in running[(place + 1)...] where one.applied == other.applied {
                let (left, right) = (Knowledge(one), Knowledge(other))
                if left != right { return "the same entries, and origins \(one.origin) and \(other.origin) differ: \(left) \(right)" }
            }
        }
        return nil
    }

    private struct Knowledge: Hashable {
        var members: [OriginID]
        var fences: [OriginID: UInt64]

        init(_ node: Node) {
            var retention = node.retention
            let applied = JoinModel.context(node.applied)
            for index in retention.members.indices where !retention.members[index].isRetiring {
                retention.members[index].acknowledged.merge(applied)
            }
            retention.settle(applied: applied)
            members = retention.members.map(\.origin)
            fences = Dictionary(uniqueKeysWithValues: retention.fences.map { ($0.origin, $0.through) })
        }
    }

    /// The latest write of all is somewhere, or somebody is told.
    private func loss(_ state: State) -> String? {
        let remaining = state.nodes.filter { !$0.isGone }
        let most = (0..<Self.origins).map { origin in remaining.map { $0.applied[origin] }.max() ?? 0 }
        let written = Self.writes(upTo: state.feeds.map(\.count), state.feeds).filter { !state.destroyed.contains($0.dot) }
        guard let row = written.max(by: { $1.supersedes($0) }), !state.reported.contains(row.dot) else { return nil }
        guard !Self.writes(upTo: most, state.feeds).contains(where: { $0.dot == row.dot }) else { return nil }
        guard row.isRemoval else { return "a write is lost: \(row.dot)" }
        // A removal of what nobody has is nothing.
        let isMissed = remaining.contains { $0.isRunning && $0.table.rows[Self.key]?.isRemoval == false }
        return isMissed ? "a removal is lost: \(row.dot)" : nil
    }

    /// When nothing more happens: sites that speak with each other are equal, unless one of them could not begin the life that it needs.
    func problemAtEnd(_ state: State) -> String? {
        guard state.lives < livesMaximum else { return nil }
        for (place, one) in state.nodes.enumerated() where one.isRunning {
            for other in state.nodes[(place + 1)...] where speak(one, other) && one.applied != other.applied {
                return "origins \(one.origin) and \(other.origin) never become equal: \(one.applied) \(other.applied)"
            }
        }
        return nil
    }
}
