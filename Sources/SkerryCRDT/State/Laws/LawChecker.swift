/// Looks for a session of replicas after which a state type breaks the laws of a ``DeltaState``, and shortens it.
///
/// States are not drawn from the air but made as replicas make them: three of them change their own state, join each other's states and
/// deltas. All
/// ordered triples of the states of a session are checked, so a session of a dozen steps checks a thousand. What it finds it shortens by
/// leaving out
/// steps as long as a law stays broken.
///
/// ```swift
/// let checker = LawChecker<GCounter, UInt64>(draw: { $0.next() % 10 }) { amount, origin, state in
///     try! state.add(amount, by: origin)
/// }
/// let found = checker.check(triples: 10_000, seed: 1)                     // nil: nothing found
/// ```
public struct LawChecker<State: DeltaState, Operation: Sendable>: Sendable {
    public typealias Violation = LawViolation<State, Operation>
    public typealias Step = Violation.Step

    let draw: @Sendable (inout LawRandom) -> Operation
    let apply: @Sendable (Operation, OriginID, inout State) -> State

    /// - Parameters:
    ///   - draw: an operation at random.
    ///   - apply: changes a state by an operation in the name of an origin, and returns the delta.
    public init(
        draw: @escaping @Sendable (inout LawRandom) -> Operation, apply: @escaping @Sendable (Operation, OriginID, inout State) -> State
    ) {
        self.draw = draw
        self.apply = apply
    }

    /// Checks the laws on triples of states.
    ///
    /// - Parameters:
    ///   - triples: how many, at least; each with the laws on pairs and single states that belong to it.
    ///   - seed: sessions are the same for the same one.
    /// - Returns: the first violation, shortened; nil when none was found.
    public func check(triples: Int, seed: UInt64) -> Violation? {
        var random = LawRandom(seed: seed)
        var checked = 0
        while checked < triples {
            let (violation, count) = run(session(&random))
            if let violation { return shrunk(violation) }
            checked += count
        }
        return nil
    }

    // MARK: - Sessions

    static var stepCount: Int { 9 }
    static var replicaCount: Int { 3 }

    private func session(_ random: inout LawRandom) -> [Step] {
        (0..<Self.stepCount).map { _ in
            let replica = random.below(Self.replicaCount)
            let other = (replica + 1 + random.below(Self.replicaCount - 1)) % Self.replicaCount
            switch random.below(8) {
            case 0: return .join(into: replica, from: other)
            case 1: return .joinDelta(into: replica, from: other)
            default: return .mutate(replica: replica, draw(&random))
            }
        }
    }

    /// Runs a session and checks what it made; returns how many triples.
    private func run(_ steps: [Step]) -> (Violation?, Int) {
        var replicas = Array(repeating: State(), count: Self.replicaCount), deltas = replicas
        var states = [State()]
        for step in steps {
            let changed: Int
            switch step {
            case .mutate(let replica, let operation):
                let old = replicas[replica]
                deltas[replica] = apply(operation, OriginID(rawValue: UInt64(replica) + 1), &replicas[replica])
                if let law = check(old, deltas[replica], replicas[replica], among: replicas) {
                    return (Violation(law: law, states: [old, deltas[replica], replicas[replica]], steps: steps), 0)
                }
                changed = replica
                if !states.contains(deltas[replica]) { states.append(deltas[replica]) }
            case .join(let replica, let other):
                replicas[replica].join(replicas[other])
                changed = replica
            case .joinDelta(let replica, let other):
                replicas[replica].join(deltas[other])
                changed = replica
            }
            if !states.contains(replicas[changed]) { states.append(replicas[changed]) }
        }
        let found = check(states)
        return (found.map { Violation(law: $0.law, states: $0.states, steps: steps) }, states.count * states.count * states.count)
    }

    // MARK: - Laws

    /// A mutation: it grows, and its delta is enough, for its own state and for those of others.
    private func check(_ old: State, _ delta: State, _ new: State, among others: [State]) -> Violation.Law? {
        if !new.covers(old) { return .grows }
        if old.joined(with: delta) != new { return .deltaIsEnough }
        for other in others where other.joined(with: old).joined(with: delta) != other.joined(with: new) { return .deltaIsEnough }
        return nil
    }

    private func check(_ states: [State]) -> (law: Violation.Law, states: [State])? {
        for state in states {
            if state.joined(with: state) != state { return (.isIdempotent, [state]) }
            if state.joined(with: State()) != state || State().joined(with: state) != state { return (.keepsBottom, [state]) }
        }
        var joins: [[State]] = []
        for one in states { joins.append(states.map { one.joined(with: $0) }) }
        for (one, left) in states.enumerated() {
            for (two, right) in states.enumerated() {
                let both = joins[one][two]
                if both != joins[two][one] { return (.commutes, [left, right]) }
                if !both.covers(left) || !both.covers(right) || left.covers(right) != (both == left) {
                    return (.isMonotone, [left, right])
                }
            }
        }
        for one in states.indices {
            for two in states.indices {
                for three in states.indices where joins[one][two].joined(with: states[three]) != states[one].joined(with: joins[two][three])
                {
                    return (.associates, [states[one], states[two], states[three]])
                }
            }
        }
        return nil
    }

    // MARK: - Shrinking

    private func shrunk(_ violation: Violation) -> Violation {
        var best = violation
        var index = 0
        while index < best.steps.count {
            var steps = best.steps
            steps.remove(at: index)
            if let found = run(steps).0 {
                best = found
                index = 0
            } else {
                index += 1
            }
        }
        return best
    }
}
