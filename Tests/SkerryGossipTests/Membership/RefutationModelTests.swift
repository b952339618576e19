import Testing

@testable import SkerryGossip

/// The rules of ``MemberOpinion`` over all states that three members can reach: news come late, twice, in any order or never.
///
/// Up to three false accusations and two crashes. A state is what each is, what each holds of the others, and all news ever told, which may come at
/// any time and again.
@Suite("Test 14: refutation over all states")
struct RefutationModelTests {
    struct Rules: Sendable {
        var merge: @Sendable (MemberOpinion, MemberOpinion) -> MemberOpinion = { max($0, $1) }
        var refute: @Sendable (MemberOpinion, UInt64) -> UInt64? = { $0.refutation(own: $1) }
    }

    struct State: Hashable {
        /// 0 to 5 of each member.
        var incarnations: [UInt8] = [0, 0, 0]
        var isUp = [true, true, true]
        /// What member i holds of member j at 3 i + j.
        var opinions: [UInt8] = Array(repeating: 0, count: 9)
        /// By member, a bit for each opinion that was told.
        var told: [UInt32] = [1, 1, 1]
        var accusations: UInt8 = 0
        var crashes: UInt8 = 0
    }

    static func pack(_ opinion: MemberOpinion) -> UInt8 { UInt8(opinion.incarnation) << 2 | opinion.status.rawValue }
    static func unpack(_ packed: UInt8) -> MemberOpinion {
        MemberOpinion(incarnation: UInt64(packed >> 2), status: MemberStatus(rawValue: packed & 3)!)
    }

    /// Tells member `index` what was told of member `about`.
    static func deliver(_ news: UInt8, about: Int, to index: Int, _ state: inout State, _ rules: Rules) {
        guard index == about else {
            state.opinions[3 * index + about] = pack(rules.merge(unpack(state.opinions[3 * index + about]), unpack(news)))
            return
        }
        guard let next = rules.refute(unpack(news), UInt64(state.incarnations[index])), next < 7 else { return }
        state.incarnations[index] = UInt8(next)
        state.told[index] |= 1 << UInt32(pack(MemberOpinion(incarnation: next, status: .alive)))
    }

    static func successors(_ state: State, _ rules: Rules) -> [State] {
        var result: [State] = []
        for index in 0..<3 where state.isUp[index] {
            for about in 0..<3 {
                for news in 0..<28 as Range<UInt8> where state.told[about] & 1 << UInt32(news) != 0 {
                    var next = state
                    deliver(news, about: about, to: index, &next, rules)
                    if next != state { result.append(next) }
                }
                guard about != index else { continue }
                let opinion = unpack(state.opinions[3 * index + about])
                var next = state
                switch opinion.status {
                case .alive where state.accusations < 3: next.accusations += 1
                case .suspect: break
                default: continue
                }
                let worse = pack(MemberOpinion(incarnation: opinion.incarnation, status: opinion.status == .alive ? .suspect : .dead))
                next.opinions[3 * index + about] = worse
                next.told[about] |= 1 << UInt32(worse)
                result.append(next)
            }
            guard state.crashes < 2 else { continue }
            var next = state
            next.isUp[index] = false
            next.crashes += 1
            result.append(next)
        }
        return result
    }

    /// All that was told reaches all, in one order or the other, until nothing changes.
    static func settled(_ state: State, _ rules: Rules, backwards: Bool) -> State {
        var state = state
        for _ in 0..<12 {
            let before = state
            for step in 0..<9 * 28 {
                let (index, about, news) = (step % 3, step / 3 % 3, UInt8(backwards ? 27 - step / 9 : step / 9))
                guard state.isUp[index], state.told[about] & 1 << UInt32(news) != 0 else { continue }
                deliver(news, about: about, to: index, &state, rules)
            }
            if state == before { return state }
        }
        return state
    }

    /// What is wrong with a state; nil for nothing.
    static func problem(_ state: State, _ rules: Rules) -> String? {
        for index in 0..<3 {
            for about in 0..<3 where about != index {
                if unpack(state.opinions[3 * index + about]).incarnation > UInt64(state.incarnations[about]) {
                    return "an incarnation that its member never began"
                }
            }
        }
        let (forwards, backwards) = (settled(state, rules, backwards: false), settled(state, rules, backwards: true))
        for (end, other) in [(forwards, backwards), (backwards, forwards)] {
            for index in 0..<3 where state.isUp[index] {
                for about in 0..<3 where about != index {
                    let held = unpack(end.opinions[3 * index + about])
                    if state.isUp[about], held.status != .alive { return "one who lives is buried and cannot object" }
                    if !state.isUp[about], held != unpack(other.opinions[3 * index + about]) { return "the order of news decides" }
                }
            }
        }
        return nil
    }

    static func explore(_ rules: Rules, statesMaximum: Int = 3_000_000) -> (states: Int, problem: String?) {
        var seen: Set<State> = [State()]
        var frontier = [State()]
        while !frontier.isEmpty, seen.count < statesMaximum {
            var next: [State] = []
            for state in frontier {
                if let problem = problem(state, rules) { return (seen.count, problem) }
                for successor in successors(state, rules) where seen.insert(successor).inserted { next.append(successor) }
            }
            frontier = next
        }
        return (seen.count, frontier.isEmpty ? nil : "too many states")
    }

    @Test("who lives can always object, whatever came in which order, and of the dead all come to hold the same")
    func allStates() {
        let result = Self.explore(Rules())
        #expect(result.problem == nil)
        #expect(result.states > 1_000)
        print("\(result.states) states")
    }

    @Test("test 13: a refutation that keeps its incarnation, and older incarnations that win, are found")
    func defects() {
        var kept = Rules()
        kept.refute = { opinion, own in opinion.refutation(own: own).map { _ in own } }
        #expect(Self.explore(kept).problem != nil)
        var flipped = Rules()
        flipped.merge = { $0.incarnation != $1.incarnation ? ($0.incarnation < $1.incarnation ? $0 : $1) : max($0, $1) }
        #expect(Self.explore(flipped).problem != nil)
        var silent = Rules()
        silent.refute = { _, _ in nil }
        #expect(Self.explore(silent).problem != nil)
    }

    @Test("opinions join: in any order, grouping and number they give the same")
    func join() {
        let opinions = (0..<3 as Range<UInt64>).flatMap { incarnation in
            MemberStatus.allCases.map { MemberOpinion(incarnation: incarnation, status: $0) }
        }
        for left in opinions {
            #expect(max(left, left) == left)
            for right in opinions {
                #expect(max(left, right) == max(right, left))
                for third in opinions { #expect(max(max(left, right), third) == max(left, max(right, third))) }
            }
        }
    }
}
