/// Whom a call is for.
@frozen
public enum CallTarget: Hashable, Sendable {
    /// The root facet, or a reference that the peer hosts.
    case reference(ReferenceID)
    /// The reference at `index` in the reply of a call under way (promise pipelining): saves waiting for it.
    case promise(QuestionID, index: Int)

    /// The peer's root facet.
    @inlinable public static var root: CallTarget { .reference(.root) }
}
