/// A law that a state type breaks, with the shortest session found that shows it.
public struct LawViolation<State: DeltaState, Operation: Sendable>: Sendable, CustomStringConvertible {
    public enum Law: String, Sendable {
        /// `a ⊔ b = b ⊔ a`
        case commutes
        /// `(a ⊔ b) ⊔ c = a ⊔ (b ⊔ c)`
        case associates
        /// `a ⊔ a = a`
        case isIdempotent
        /// `a ⊔ ⊥ = a`
        case keepsBottom
        /// `a ⊔ b` covers `a` and `b`; `a` covers `b` exactly when `a ⊔ b = a`.
        case isMonotone
        /// A mutator only adds: the new state covers the old one.
        case grows
        /// Joining a mutator's delta says what joining its new state says.
        case deltaIsEnough
    }

    /// One step of a session.
    public enum Step: Sendable {
        /// A replica changes its own state.
        case mutate(replica: Int, Operation)
        /// A replica joins another's state.
        case join(into: Int, from: Int)
        /// A replica joins the delta that another made last.
        case joinDelta(into: Int, from: Int)
    }

    public var law: Law
    /// The states that break it.
    public var states: [State]
    /// The session that made them.
    public var steps: [Step]

    public var description: String {
        (["\(State.self) breaks \"\(law.rawValue)\""] + steps.map { "  \($0)" } + states.map { "  state: \($0)" }).joined(separator: "\n")
    }
}
