public import SkerryGossip
internal import Synchronization

/// What a part writes with: its place in a replica.
public final class ReplicaPart: Sendable {
    private struct Owner: Sendable {
        weak var replica: Replica?
    }

    /// The name of the part, the same on all replicas.
    public let name: String
    let prefix: [UInt8]
    // A part that outlives its replica does not keep it.
    private let owner: Mutex<Owner>

    init(name: String, prefix: [UInt8], replica: Replica) {
        self.name = name
        self.prefix = prefix
        owner = Mutex(Owner(replica: replica))
    }

    /// The replica; nil when it is gone.
    public var replica: Replica? { owner.withLock { $0.replica } }

    /// Writes an entry of the part. It is applied when the call returns, durable a little later (``Replica/durable()``).
    ///
    /// - Throws: ``FeedError`` with ``FeedError/Code/limitExceeded`` for what is too large, ``FeedError/Code/overloaded`` when too much waits to become
    ///   durable or the replica was disposed of, ``FeedError/Code/equivocation`` or ``FeedError/Code/fenced`` when it may write no more.
    @discardableResult
    public func publish(_ kind: FeedEntry.Kind = .write, key: [UInt8], value: [UInt8] = []) throws(FeedError) -> ReplicaEntry {
        guard let replica else { throw FeedError(.overloaded, "the replica of \(name) is gone") }
        return try replica.publish(kind, key: key, value: value, part: self)
    }
}
