public import SkerryCRDT

/// A type of one's own that a ``Replica`` keeps equal with its peers' (scuttlebutt's contract for subclasses).
///
/// ``apply(_:)``, ``history(since:)`` and ``digest`` are called under the lock of the replica, one after the other, so they must return soon and
/// must not call the replica. Observers are told in ``tell()``, when no lock is held.
///
/// Equal replicas follow when the state depends on the *set* of applied entries alone: entries of one origin come in their order, those of
/// different origins in any, and after a repair some come again. Order by ``ReplicaEntry/<(_:_:)`` whatever needs an order.
public protocol Replicated: AnyObject, Sendable {
    /// Takes one entry of this part, own ones too.
    ///
    /// - Returns: whether anything changed; false for what is old, doubled or cannot be read.
    func apply(_ entry: ReplicaEntry) -> Bool

    /// The entries still alive that a digest lacks, ascending: what takes somebody who has the digest to this state.
    func history(since digest: CausalContext) -> [ReplicaEntry]

    /// What the state already holds. A replica to which the part is added applies what the digest lacks.
    var digest: CausalContext { get }

    /// Whether its entries build on each other, so that the log has to hold all of them: a replica with such a part trims nothing
    /// (``Replica/compact()``). Constant.
    var needsLog: Bool { get }

    /// Whether the last entry of a key stands for all before it, as it does where entries of kind removal remove: of such parts removals are forgotten when all
    /// members have seen them (``MemberRules``, ``forgetsRemovals``). Constant.
    var isKeyed: Bool { get }

    /// Whether removals may be forgotten when all members have seen them: what is left must not depend on when that is. By default true of keyed parts. Constant.
    var forgetsRemovals: Bool { get }

    /// Takes entries out of the state, and out of ``history(since:)``, as if they had never come: removals that all have seen, and what this replica wrote while it
    /// was retired. Called under the lock of the replica, as ``apply(_:)`` is. A part with ``needsLog`` is not asked. By default nothing goes: fit only for a
    /// part whose replica has no ``MemberRules``.
    ///
    /// - Returns: what went.
    func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry]

    /// The part is now a replica's, and writes by the handle. Called once, before entries are applied.
    func attached(_ handle: ReplicaPart)

    /// All that was there when the part was added is applied.
    func caughtUp()

    /// Tells observers what was applied since the last call. Called without any lock, by any thread, after whatever changed something.
    func tell()

    /// The replica was disposed of: streams of changes end.
    func disposed()

    /// Rows of an index to be committed together with the entries that were applied since the last call (``ReplicaView``).
    func takeRows() -> [ReplicaRow]
}

extension Replicated {
    public var needsLog: Bool { false }
    public var isKeyed: Bool { false }
    public var forgetsRemovals: Bool { isKeyed }
    public func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry] { [] }
    public func attached(_ handle: ReplicaPart) {}
    public func caughtUp() {}
    public func tell() {}
    public func disposed() {}
    public func takeRows() -> [ReplicaRow] { [] }
}
