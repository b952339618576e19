/// A value that several nodes edit, kept equal through commits and merges of their histories.
///
/// An edit is a commit, news is a merge; both return what changed, for whatever shows the value. Conflicts go by a policy that depends on
/// the conflict alone, and merge commits are the same wherever they are made, so all nodes come to one value and one
/// head, whichever way the news travels.
///
/// ```swift
/// var note = LiveObject(branch: "note")
/// try note.edit(.map(["title": .string("Plan")]), in: &history, timestamp: now)
/// if case .changed(let change) = try note.integrate(theirHead, in: &history) { view.apply(change) }
/// ```
public struct LiveObject: Sendable {
    /// The branch that holds it.
    public let branch: String
    /// The value as it is here; null before the first edit.
    public private(set) var value: ObjectValue
    /// The commit of this value.
    public private(set) var head: ObjectID?
    private let policy: MergePolicy
    private let identityKey: String

    private static var path: FilePath? { FilePath("value") }

    /// - Parameter policy: settles what both sides changed differently. ``ObjectMerge/Policy/greatest`` prefers no side; ``ObjectMerge/Policy/ours``
    ///   is the side with the smaller commit identifier, on every node alike.
    public init(branch: String, policy: ObjectMerge.Policy = .greatest, identityKey: String = ObjectGraph.identityKeyDefault) {
        self.branch = branch
        value = .null
        self.identityKey = identityKey
        self.policy = .objects(policy, identityKey: identityKey)
    }

    /// Takes up what the branch holds.
    public mutating func load<Store: HistoryStore>(from history: History<Store>) throws(HistoryError) -> ObjectPatch {
        guard let id = history.names[.branch(branch)] else { return ObjectPatch(edits: []) }
        return try adopt(id, history)
    }

    /// Commits a new value; the same value again is no edit.
    ///
    /// - Parameter timestamp: milliseconds since 1970.
    /// - Returns: the change.
    @discardableResult
    public mutating func edit<Store: HistoryStore>(
        _ value: ObjectValue, in history: inout History<Store>, author: String = "", timestamp: UInt64
    ) throws(HistoryError) -> ObjectPatch {
        let change = try patch(from: self.value, to: value)
        guard !change.isEmpty || head == nil, let path = Self.path else { return change }
        head = try history.commit(Snapshot([path: value.encoded]), to: branch, author: author, message: "edit", timestamp: timestamp)
        self.value = value
        return change
    }

    /// What came of another node's head.
    public enum Integration: Sendable, Hashable {
        /// Everything in it was here.
        case unchanged
        /// The value here is another now.
        case changed(ObjectPatch)
        /// Both sides have something new, and it is the other's turn to merge.
        case yielded
    }

    /// Takes in another node's head, whose commits must be in the history.
    ///
    /// When both sides have something new, the side with the smaller head merges and the other follows. Two nodes that both merged whatever
    /// they hear of would, with news always on the way, merge each other's merges without end. A side that yielded asks again with the same
    /// head after each own edit, which may have made its head the smaller one; else both may yield, and wait for each other for ever.
    ///
    /// - Parameter insists: merges in any case; for a node that yielded and has heard nothing since, because the other has left. If it has
    ///   not, both make the same commit.
    public mutating func integrate<Store: HistoryStore>(
        _ other: ObjectID, in history: inout History<Store>, insists: Bool = false
    ) throws(HistoryError) -> Integration {
        if let head, !insists, other < head, !history.graph.isAncestor(head, of: other), !history.graph.isAncestor(other, of: head) {
            return .yielded
        }
        if history.names[.branch(branch)] == nil { try history.createBranch(branch, at: other) }
        _ = try history.merge(other, into: branch, policy: policy)
        let merged = try history.resolve(.branch(branch))
        return merged == head ? .unchanged : .changed(try adopt(merged, history))
    }

    private mutating func adopt<Store: HistoryStore>(_ id: ObjectID, _ history: History<Store>) throws(HistoryError) -> ObjectPatch {
        let snapshot = try history.checkout(id)
        guard let path = Self.path, let bytes = snapshot.files[path], let value = try? ObjectValue(encoded: bytes) else {
            throw HistoryError(.corrupt, "\(branch) holds no value", object: id)
        }
        let change = try patch(from: self.value, to: value)
        (self.value, head) = (value, id)
        return change
    }

    private func patch(from old: ObjectValue, to new: ObjectValue) throws(HistoryError) -> ObjectPatch {
        do throws(ObjectError) {
            return ObjectPatch(
                from: try ObjectGraph(old, identityKey: identityKey), to: try ObjectGraph(new, identityKey: identityKey))
        } catch {
            throw HistoryError(.corrupt, "\(error)")
        }
    }
}
