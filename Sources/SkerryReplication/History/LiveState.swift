internal import SkerryMerge
internal import Synchronization

/// The live object of a replica, and who hears of its changes.
// Changed only by the one job of the driver that runs; read by anybody.
final class LiveState: Sendable {
    private let state: Mutex<LiveObject>
    /// The peer's head that was left to the peer to merge: after an edit it may be this side's turn, and the peer, for which nothing
    /// is new, says no more.
    private let yielded = Mutex<ObjectID?>(nil)
    private let changed: @Sendable (ObjectPatch, ObjectValue) -> Void

    init(_ object: LiveObject, _ changed: @escaping @Sendable (ObjectPatch, ObjectValue) -> Void) {
        state = Mutex(object)
        self.changed = changed
    }

    var object: LiveObject { state.withLock { $0 } }

    /// Whether something waits for the peer to merge it.
    var hasYielded: Bool { yielded.withLock { $0 != nil } }

    func edit<Store: HistoryStore>(
        _ edit: (ObjectValue) -> ObjectValue, _ author: String, _ timestamp: UInt64, _ endpoint: inout HistoryEndpoint<Store>
    ) throws(HistoryError) -> (ObjectPatch, [ExchangeMessage]) {
        var object = object
        var change = ObjectPatch(edits: [])
        let value = edit(object.value)
        let messages = try endpoint.change { history throws(HistoryError) in
            change = try object.edit(value, in: &history, author: author, timestamp: timestamp)
        }
        adopt(object, change)
        return (change, messages)
    }

    /// What was left to the peer is looked at again, after each edit.
    func edited<Store: HistoryStore>(_ endpoint: inout HistoryEndpoint<Store>) throws(HistoryError) -> [ExchangeMessage] {
        guard let other = yielded.withLock({ $0 }) else { return [] }
        return try integrate(other, &endpoint)
    }

    /// News is fetched, what was fetched is merged.
    func follow<Store: HistoryStore>(
        _ outcome: HistoryEndpoint<Store>.Outcome, _ branch: String, _ endpoint: inout HistoryEndpoint<Store>
    ) throws(HistoryError) -> [ExchangeMessage] {
        switch outcome {
        case .heard: return try endpoint.fetch()
        case .fetched(let names):
            guard let head = names[.branch(branch)] else { return [] }
            return try integrate(head, &endpoint)
        case .pushed, .pulled, .accepted: return []
        }
    }

    private func integrate<Store: HistoryStore>(
        _ other: ObjectID, _ endpoint: inout HistoryEndpoint<Store>
    ) throws(HistoryError) -> [ExchangeMessage] {
        var object = object
        var integration = LiveObject.Integration.unchanged
        let messages = try endpoint.change { history throws(HistoryError) in
            integration = try object.integrate(other, in: &history)
        }
        yielded.withLock { $0 = integration == .yielded ? other : nil }
        if case .changed(let change) = integration { adopt(object, change) }
        return messages
    }

    private func adopt(_ object: LiveObject, _ change: ObjectPatch) {
        state.withLock { $0 = object }
        if !change.isEmpty { changed(change, object.value) }
    }
}
