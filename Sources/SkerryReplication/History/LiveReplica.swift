public import SkerryMerge
public import SkerryStorage
public import SkerryWire

/// A live object that is kept equal with a peer's over a link, in the background.
///
/// ```swift
/// let note = LiveReplica(history, branch: "note", peer: "hull", executor: pool) { change, value in view.apply(change) }
/// note.start(on: try await connector.connect())
/// try await note.edit(.map(["title": .string("Plan")]), timestamp: now)
/// history = await note.close()
/// ```
///
/// Each edit is a commit, news of the peer is fetched and merged as soon as it is heard of, and conflicts go by the policy of the ``LiveObject``. Both sides
/// come to the same value and the same commit. The history belongs to the replica until ``close()`` gives it back; with a new replica over a new
/// link it goes on where it was.
public final class LiveReplica<Store: HistoryStore>: Sendable {
    private let driver: ExchangeDriver<Store>
    private let live: LiveState
    private let branch: String

    /// - Parameters:
    ///   - branch: the branch that holds the value, the same on both sides.
    ///   - peer: what the peer is called in remote names, the same each time.
    ///   - policy: settles what both sides changed differently; the same on both sides.
    ///   - executor: where the store is called, which blocks.
    ///   - patience: how long nothing may come before the link is cut; nil: for ever, which suits a value that changes rarely.
    ///   - changed: hears, on the executor, of every change of the value, own ones too, in order, with the value after it.
    /// - Throws: ``HistoryError`` when the branch holds something else than a value.
    public init(
        _ history: History<Store>, branch: String, peer: String, policy: ObjectMerge.Policy = .greatest, executor: any BlockingExecutor,
        patience: Duration? = nil, changed: @escaping @Sendable (ObjectPatch, ObjectValue) -> Void = { _, _ in }
    ) throws(HistoryError) {
        var object = LiveObject(branch: branch, policy: policy)
        _ = try object.load(from: history)
        let live = LiveState(object, changed)
        self.live = live
        self.branch = branch
        driver = ExchangeDriver(
            HistoryEndpoint(history, peer: peer, pushRule: .none), executor: executor, patience: patience, progress: { _ in },
            accepted: { _ in },
            follow: { (outcome, endpoint) throws(HistoryError) in try live.follow(outcome, branch, &endpoint) })
    }

    /// Begins to keep both sides equal. Called once.
    public func start(on link: any Link) {
        driver.start(on: link)
        driver.perform({ endpoint throws(HistoryError) in try endpoint.fetch() })
    }

    /// The value as it is here.
    public var value: ObjectValue { live.object.value }

    /// The commit of the value; nil before the first edit.
    public var head: ObjectID? { live.object.head }

    /// Changes the value, and returns when the change is committed here; the peer hears of it by and by, also after a link that broke was replaced.
    ///
    /// - Parameter edit: makes the new value of the present one; called once, on the executor.
    /// - Returns: the change.
    @discardableResult
    public func edit(
        author: String = "", timestamp: UInt64, _ edit: @escaping @Sendable (ObjectValue) -> ObjectValue
    ) async throws(HistoryError) -> ObjectPatch {
        let live = live
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<ObjectPatch, HistoryError>, Never>) in
            driver.perform(
                { endpoint throws(HistoryError) in
                    let messages: [ExchangeMessage]
                    do throws(HistoryError) {
                        let change: ObjectPatch
                        (change, messages) = try live.edit(edit, author, timestamp, &endpoint)
                        continuation.resume(returning: .success(change))
                    } catch {
                        // The edit failed, not the conversation.
                        continuation.resume(returning: .failure(error))
                        return []
                    }
                    return messages + (try live.edited(&endpoint))
                }, refused: { continuation.resume(returning: .failure($0)) })
        }
        return try result.get()
    }

    /// Waits until the link ends.
    ///
    /// - Throws: ``HistoryError`` when it did not end by ``close()`` of either side.
    public func ended() async throws(HistoryError) { try await driver.ended() }

    /// Ends the link politely, if it has not ended, and gives the history back.
    public func close() async -> History<Store> {
        driver.close()
        try? await driver.ended()
        return driver.history
    }
}
