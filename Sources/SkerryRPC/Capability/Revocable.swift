import SkerryCSP
import SkerrySession

/// Takes a right back that was given away; see ``Reference/revocable()``.
public final class Revoker: Sendable {
    fileprivate let target: Locked<(any ReferenceTarget)?>

    fileprivate init(_ target: any ReferenceTarget) {
        self.target = Locked(target)
    }

    /// From now on every call through the revocable reference fails with ``CallError/Code/noSuchReference``, and the object behind it is let go of.
    /// Calls that have begun go on.
    public func revoke() {
        // The object goes outside the lock.
        var target: (any ReferenceTarget)?
        self.target.withLock { swap(&$0, &target) }
    }

    /// Whether the right was taken back.
    public var isRevoked: Bool { target.withLock { $0 == nil } }
}

extension Reference {
    /// A reference to the same object that can be made useless, and what makes it so.
    public func revocable() -> (reference: Reference, revoker: Revoker) {
        let revoker = Revoker(target)
        return (Reference(target: RevocableTarget(revoker)), revoker)
    }
}

/// A target until it is revoked.
private final class RevocableTarget: ReferenceTarget {
    private let revoker: Revoker

    init(_ revoker: Revoker) {
        self.revoker = revoker
    }

    private var target: (any ReferenceTarget)? { revoker.target.withLock { $0 } }

    /// Nil although the object may be near: a client that called it directly could not be stopped.
    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat { target?.format(for: method) ?? .cbor }

    func descriptor(of method: String) -> MethodDescriptor? { target?.descriptor(of: method) }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        guard let target else { throw Self.revoked }
        return try await target.perform(invocation)
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        guard let target else { throw Self.revoked }
        try await target.send(invocation)
    }

    private static var revoked: CallError { CallError(.noSuchReference, "the reference was revoked") }
}
