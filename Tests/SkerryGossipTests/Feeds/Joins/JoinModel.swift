import SkerryCRDT

@testable import SkerryGossip

/// Joins of whole states among a few sites with one key, breadth first: the real ``Retention``, ``KeyTable`` and ``Homecoming`` with nothing else around them.
///
/// Clocks are Lamport's, so stamps tie. An entry comes from whoever still has it in its log: what came with a state does not. A tombstone goes as soon as the cut allows.
/// A step may always wait, so cuts and crashes need none of their own; only that a site is gone for ever does.
struct JoinModel {
    struct Entry: Hashable {
        var stamp: UInt64
        var change: Change
    }

    enum Change: Hashable {
        case write(isRemoval: Bool)
        case registry(RegistryChange)
    }

    /// A site, in its present life.
    struct Node: Hashable {
        var origin: Int
        /// By origin, as the next one.
        var applied = [Int](repeating: 0, count: JoinModel.origins)
        /// Where the log begins.
        var floor = [Int](repeating: 0, count: JoinModel.origins)
        var clock: UInt64 = 0
        var table = KeyTable()
        var retention = Retention(floor: 0)
        var formerSelves: [Int] = []
        var isHome: Bool
        var isGone = false
        var isRunning: Bool { isHome && !isGone }
        var id: OriginID { JoinModel.id(origin) }
    }

    /// A state on its way to a site, with whom it is of.
    struct Passage: Hashable {
        var guest: Int
        var life: Int
        var giver: Node
    }

    struct State: Hashable {
        var nodes: [Node]
        /// By origin: all that was ever written.
        var feeds: [[Entry]]
        var passage: Passage?
        var writes = 0
        var acknowledgements = 0
        var retirements = 0
        var lives: Int
        /// Entries that a returner keeps as conflicts.
        var reported: Set<Dot> = []
        /// Entries that went with the disk of a site that is gone.
        var destroyed: Set<Dot> = []
        var problem: String?
    }

    /// What happens in a step, as far as it is counted.
    enum Event: String, Hashable, CaseIterable {
        case write, removal, acknowledgement, taking, collection, retirement, departure, registration, departingState, homecoming
        case news, late, exile, orphan, otherHost, join, strangersJoin, refusedJoin, settlement
    }

    /// Errors put in on purpose, beside those of ``FeedDefects``.
    enum Defect: Hashable {
        case joinsAnybody, joinsMembersAlone, joinsTheBarred, registrationsDropped
        case registeredAfterwards, registeredElsewhere, asksSeveralHosts
    }

    static let key: [UInt8] = [1]
    /// Lives of all sites.
    static let origins = 7
    var founders = 3
    var guests = 1
    var writesMaximum = 2
    var acknowledgementsMaximum = 3
    /// Who proposes to retire which origin.
    var proposals: [(by: Int, origin: Int)] = []
    /// Sites that may be gone for ever.
    var departures: Set<Int> = []
    /// Sites that write.
    var writers: Set<Int> = [0, 1, 2, 3]
    /// Sites that register a guest.
    var hosts: Set<Int> = [0, 1, 2, 3]
    /// Lives of sites in all.
    var livesMaximum = 6
    /// Whether a state may arrive later than it is given.
    var isSlow = false
    /// Whether a state is joined also where the log would do.
    var joinsAlways = false
    /// Whether who is no member of a peer begins another life though its registration may arrive.
    var isImpatient = false
    var defect: Defect?

    static func id(_ origin: Int) -> OriginID { OriginID(rawValue: UInt64(origin + 1)) }

    static func context(_ applied: [Int]) -> CausalContext {
        CausalContext(covering: applied.indices.filter { applied[$0] > 0 }.map { Dot(origin: id($0), sequence: UInt64(applied[$0])) })
    }

    /// Founders that know each other, and guests that know nobody.
    var start: State {
        let sites = founders + guests
        var nodes = (0..<sites).map { Node(origin: $0, isHome: $0 < founders) }
        for index in 0..<founders {
            for origin in 0..<founders {
                nodes[index].retention.apply(
                    .register(origin: Self.id(origin), site: UInt64(origin), epoch: 1), dot: Dot(origin: Self.id(origin), sequence: 0),
                    own: nodes[index].id, applied: CausalContext())
            }
            nodes[index].retention.unacknowledged = 0
        }
        return State(nodes: nodes, feeds: [[Entry]](repeating: [], count: Self.origins), lives: sites)
    }

    /// What all do before anything is explored.
    enum Move {
        case write(Int), removal(Int), acknowledge(Int)
        /// A site takes all that another has.
        case take(Int, from: Int)
    }

    /// The founding, and some moves.
    func start(after moves: [Move]) -> State {
        moves.reduce(start) { state, move in
            step([], state) { state, _ in
                switch move {
                case .write(let index): say(.write(isRemoval: false), by: index, in: &state)
                case .removal(let index): say(.write(isRemoval: true), by: index, in: &state)
                case .acknowledge(let index): say(.registry(.acknowledge(Self.context(state.nodes[index].applied))), by: index, in: &state)
                case .take(let index, let peer):
                    for origin in 0..<Self.origins {
                        while state.nodes[index].applied[origin] < state.nodes[peer].applied[origin] { take(origin, by: index, in: &state) }
                    }
                }
            }.state
        }
    }

    // MARK: All states

    struct Outcome {
        var states = 0
        /// States from which nothing leads on.
        var ends = 0
        var events: [Event: Int] = [:]
        var problem: String?
        /// How the problem came about: what happened, and where each site stood then.
        var trail: [String] = []
        var isComplete = true
    }

    /// Goes through all states, up to a limit, and stops at the first problem.
    ///
    /// - Parameter start: from where; nil for the founding.
    func explore(from start: State? = nil, limit: Int) -> Outcome {
        var outcome = Outcome()
        var queue = [(state: start ?? self.start, parent: -1, events: [Event]())]
        var seen: Set<State> = [queue[0].state]
        var place = 0
        while place < queue.count, outcome.problem == nil, seen.count < limit {
            let steps = next(queue[place].state)
            if !steps.contains(where: { $0.state != queue[place].state }) {
                outcome.ends += 1
                outcome.problem = problemAtEnd(queue[place].state)
                if outcome.problem != nil { outcome.trail = Self.trail(queue, place) }
            }
            for step in steps where outcome.problem == nil {
                for event in step.events { outcome.events[event, default: 0] += 1 }
                guard seen.insert(step.state).inserted else { continue }
                queue.append((step.state, place, step.events))
                outcome.problem = problem(step.state)
                if outcome.problem != nil { outcome.trail = Self.trail(queue, queue.count - 1) }
            }
            place += 1
        }
        outcome.states = seen.count
        outcome.isComplete = place == queue.count
        return outcome
    }

    private static func trail(_ queue: [(state: State, parent: Int, events: [Event])], _ last: Int) -> [String] {
        var lines: [String] = []
        var place = last
        while place >= 0 {
            let (state, parent, events) = queue[place]
            let sites = state.nodes.map { "\($0.origin)\($0.isGone ? " gone" : $0.isHome ? "" : " away") \($0.applied)" }
            lines.append(events.map(\.rawValue).joined(separator: " and ") + ": " + sites.joined(separator: ", "))
            place = parent
        }
        return lines.reversed()
    }
}
