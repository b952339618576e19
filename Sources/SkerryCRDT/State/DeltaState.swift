/// A state that replicas join: a join semilattice with a bottom, and mutators that return what they added.
///
/// Replicas change their own copy, send the whole state or only the deltas that their mutators returned, and join what comes. Because
/// ``join(_:)``
/// commutes, associates and is idempotent, states and deltas may come in any order, any number of times and by any way.
/// Almeida, Shoker and Baquero, "Delta State Replicated Data Types" (2018).
///
/// The convention for mutators: they change the state, and return the delta, a state of the same type with `old.join(delta)` equal to
/// the new one. Joining the delta to any other state says the same as joining the new state to one that has the old one.
///
/// ``LawChecker`` finds out whether a type of your own keeps the laws.
public protocol DeltaState: Sendable, Equatable {
    /// The bottom: what no replica has changed yet. Joining it changes nothing.
    init()

    /// Becomes the least state that covers both.
    mutating func join(_ other: Self)

    /// Whether this state says everything that another says: joining the other would change nothing.
    func covers(_ other: Self) -> Bool
}

extension DeltaState {
    public static var bottom: Self { Self() }

    public var isBottom: Bool { self == Self() }

    public func covers(_ other: Self) -> Bool { joined(with: other) == self }

    /// The least state that covers both.
    public func joined(with other: Self) -> Self {
        var result = self
        result.join(other)
        return result
    }
}
