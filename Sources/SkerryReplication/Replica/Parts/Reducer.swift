/// A function that takes updates into a state: `reduce(state, update) → change`, empty when nothing changed (repred).
///
/// Replicas are equal whatever order updates come in, and however often, when the reducer is commutative and idempotent; ``ReducerLaws`` looks for
/// updates for which it is not. Unions, maxima, minima, bounds: what only grows (monotone designs, CALM).
public protocol Reducer: Sendable {
    associatedtype State: Sendable
    associatedtype Update: ReplicaValue

    /// Before the first update.
    var initial: State { get }

    /// Takes an update in.
    ///
    /// - Returns: the part of the update that changed something, which has the same effect as the whole; nil when nothing changed.
    func reduce(_ state: inout State, _ update: Update) -> Update?

    /// One update that takes the initial state to this one; nil where there is none. With it, ``ReplicatedReduce/compact()`` replaces a history.
    func summary(of state: State) -> Update?
}

extension Reducer {
    public func summary(of state: State) -> Update? { nil }
}

/// Tells whether a reducer keeps the laws on which convergence rests.
public enum ReducerLaws {
    /// A case in which a reducer breaks a law: after `before`, from the initial state.
    public enum Counterexample<R: Reducer>: Sendable {
        /// Taking both updates in the other order leads elsewhere.
        case notCommutative(before: [R.Update], R.Update, R.Update)
        /// Taking the update twice leads elsewhere than once.
        case notIdempotent(before: [R.Update], R.Update)
        /// It said that nothing changed and something had, or the reverse.
        case wrongChange(before: [R.Update], R.Update)
        /// The change that it returned does not do what the update did.
        case changeDiffers(before: [R.Update], R.Update)
        /// The summary of the state does not lead to it.
        case wrongSummary(of: [R.Update])
    }

    /// Tries all pairs of some updates behind rows of others, the shortest first.
    ///
    /// - Parameters:
    ///   - updates: samples; the more alike some are, the more is found.
    ///   - depth: most updates before a pair.
    ///   - equal: whether two states are the same.
    /// - Returns: the smallest case that was found, nil when none was.
    /// - Complexity: O(n^(depth + 2)) reductions.
    public static func check<R: Reducer>(
        _ reducer: R, updates: [R.Update], depth: Int = 2, equal: (R.State, R.State) -> Bool
    ) -> Counterexample<R>? {
        var rows: [[R.Update]] = [[]]
        for _ in 0...max(0, depth) {
            for row in rows {
                if let found = check(reducer, behind: row, updates, equal) { return found }
            }
            rows = rows.flatMap { row in updates.map { row + [$0] } }
        }
        return nil
    }

    public static func check<R: Reducer>(_ reducer: R, updates: [R.Update], depth: Int = 2) -> Counterexample<R>? where R.State: Equatable {
        check(reducer, updates: updates, depth: depth, equal: ==)
    }

    private static func check<R: Reducer>(
        _ reducer: R, behind row: [R.Update], _ updates: [R.Update], _ equal: (R.State, R.State) -> Bool
    ) -> Counterexample<R>? {
        let state = reduced(reducer, row, from: reducer.initial)
        if let summary = reducer.summary(of: state), !equal(reduced(reducer, [summary], from: reducer.initial), state) {
            return .wrongSummary(of: row)
        }
        for first in updates {
            var once = state
            let change = reducer.reduce(&once, first)
            if (change == nil) != equal(once, state) { return .wrongChange(before: row, first) }
            if let change, !equal(reduced(reducer, [change], from: state), once) { return .changeDiffers(before: row, first) }
            if !equal(reduced(reducer, [first], from: once), once) { return .notIdempotent(before: row, first) }
            for second in updates {
                let there = reduced(reducer, [second], from: once)
                let back = reduced(reducer, [second, first], from: state)
                if !equal(there, back) { return .notCommutative(before: row, first, second) }
            }
        }
        return nil
    }

    private static func reduced<R: Reducer>(_ reducer: R, _ updates: [R.Update], from state: R.State) -> R.State {
        var state = state
        for update in updates { _ = reducer.reduce(&state, update) }
        return state
    }
}
