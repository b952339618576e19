import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Three nodes in a row that write, sync, crash and lose sight of each other, breadth first over all states: the real ``FeedCore`` and ``MemoryFeedStore``.
///
/// At most three writes, two crashes and a bounded number of cuts, in every order, by every node. A crash keeps any number of the batches that were not synced. What is said over a link that is open arrives at once, so what is
/// interleaved are the losses, not the letters of the conversation.
struct FeedCrashModel {
    struct Node {
        var core: FeedCore
        var store: MemoryFeedStore
        /// Tickets of batches that are not synced, and where each ends in the bytes of the store.
        var unsynced: [(ticket: UInt64, end: Int)] = []
        /// By origin, the values of what a crash cannot take.
        var durable: [[UInt8]] = [[], [], []]
    }

    struct State {
        var nodes: [Node]
        /// Between 0 and 1, and between 1 and 2.
        var isOpen = [true, true]
        var writes = 0
        var crashes = 0
        var cuts = 0
        var sessions: UInt32 = 0
        var problem: String?
    }

    /// What makes two states the same: names of sessions and stamps do not.
    struct Key: Hashable {
        var values: [[[UInt8]]]
        var durable: [[[UInt8]]]
        var unsynced: [Int]
        var isOpen: [Bool]
        var counts: [Int]
        var lanes: [UInt64]
    }

    var defects: FeedDefects = []
    var writesMaximum = 3
    var crashesMaximum = 2
    var cutsMaximum = 1
    /// Of how many states one is healed, to see that all become equal from there.
    var healsOneOf = 1

    static let now = FeedInstant(wall: 1_700_000_000_000, monotonic: 1_000)
    static func origin(_ index: Int) -> OriginID { OriginID(rawValue: UInt64(index + 1)) }

    private func core(_ index: Int, _ store: MemoryFeedStore) -> FeedCore {
        var core = FeedCore(
            identity: FeedIdentity(cluster: 1, site: UInt64(index), origin: Self.origin(index), epoch: 1), state: store.state, now: Self.now
        )
        core.defects = defects
        return core
    }

    var start: State {
        let nodes = (0..<3).map { index -> Node in
            let store = MemoryFeedStore(log: UInt64(index))
            return Node(core: core(index, store), store: store)
        }
        var state = State(nodes: nodes)
        for link in 0..<2 { attach(link, &state) }
        return state
    }

    // MARK: Steps

    private func attach(_ link: Int, _ state: inout State) {
        guard state.isOpen[link] else { return }
        var actions: [[FeedAction]] = [[], [], []]
        for (one, other) in [(link, link + 1), (link + 1, link)] {
            state.sessions += 1
            try? state.nodes[one].core.attach(
                FeedPeerID(rawValue: UInt32(other)), session: state.sessions, isOrdered: true, now: Self.now, into: &actions[one])
        }
        carry(&actions, &state)
        tick(&state)
    }

    private func tick(_ state: inout State) {
        var actions: [[FeedAction]] = [[], [], []]
        for index in 0..<3 { state.nodes[index].core.tick(now: Self.now, into: &actions[index]) }
        carry(&actions, &state)
    }

    /// Does what is to be done until nobody has anything to say.
    private func carry(_ actions: inout [[FeedAction]], _ state: inout State) {
        var turns = 0
        while let index = actions.firstIndex(where: { !$0.isEmpty }) {
            let action = actions[index].removeFirst()
            turns += 1
            guard turns < 2_000 else { return state.problem = "they never stop talking" }
            switch action {
            case .send(let peer, let bytes):
                let other = Int(peer.rawValue)
                guard state.isOpen[min(index, other)] else { continue }
                bytes.withUnsafeBytes {
                    state.nodes[other].core.receive($0, from: FeedPeerID(rawValue: UInt32(index)), now: Self.now, into: &actions[other])
                }
            case .persist(let batch):
                state.nodes[index].store.append(batch)
                state.nodes[index].unsynced.append((batch.ticket, state.nodes[index].store.bytes.count))
            case .read(let read):
                let rows = read.starts.map { state.nodes[index].store.read($0.origin, from: $0.sequence, charge: read.charge) }
                state.nodes[index].core.supply(rows, for: read, now: Self.now, into: &actions[index])
            case .readLink(let query):
                let link = state.nodes[index].store.read(query.dot.origin, from: query.dot.sequence, charge: 0).first?.link
                state.nodes[index].core.supply(link: link, for: query, now: Self.now, into: &actions[index])
            case .report(.refused(_, let error)): state.problem = "node \(index) refused what an honest node sent: \(error)"
            case .report(.equivocation(_, let dot, _, _)): state.problem = "node \(index) found two histories of \(dot)"
            case .report: break
            }
        }
    }

    private func write(_ index: Int, _ state: inout State) {
        state.writes += 1
        var actions: [[FeedAction]] = [[], [], []]
        _ = try? state.nodes[index].core.publish(.write, key: [UInt8(state.writes)], now: Self.now, into: &actions[index])
        carry(&actions, &state)
        tick(&state)
    }

    private func sync(_ index: Int, _ state: inout State) {
        guard let last = state.nodes[index].unsynced.last else { return }
        state.nodes[index].store.sync()
        state.nodes[index].unsynced = []
        state.nodes[index].durable = Self.values(state.nodes[index])
        var actions: [[FeedAction]] = [[], [], []]
        state.nodes[index].core.persisted(last.ticket, now: Self.now, into: &actions[index])
        carry(&actions, &state)
        tick(&state)
    }

    /// Loses its memory, and of what was not synced all but the first `kept` batches.
    private func crash(_ index: Int, keeping kept: Int, _ state: inout State) {
        state.crashes += 1
        let node = state.nodes[index]
        let end = kept == 0 ? node.store.synced : node.unsynced[kept - 1].end
        let store = MemoryFeedStore(log: UInt64(index), recovering: Array(node.store.bytes[..<end]))
        state.nodes[index] = Node(core: core(index, store), store: store)
        state.nodes[index].durable = Self.values(state.nodes[index])
        for link in [index - 1, index] where link >= 0 && link < 2 {
            state.nodes[link].core.detach(FeedPeerID(rawValue: UInt32(link + 1)))
            state.nodes[link + 1].core.detach(FeedPeerID(rawValue: UInt32(link)))
            attach(link, &state)
        }
    }

    private func set(_ link: Int, isOpen: Bool, _ state: inout State) {
        state.isOpen[link] = isOpen
        if !isOpen { state.cuts += 1 }
        state.nodes[link].core.detach(FeedPeerID(rawValue: UInt32(link + 1)))
        state.nodes[link + 1].core.detach(FeedPeerID(rawValue: UInt32(link)))
        attach(link, &state)
    }

    /// All states one step away.
    func next(_ state: State) -> [State] {
        var result: [State] = []
        func add(_ step: (inout State) -> Void) {
            var next = state
            step(&next)
            result.append(next)
        }
        for index in 0..<3 {
            if state.writes < writesMaximum { add { write(index, &$0) } }
            if !state.nodes[index].unsynced.isEmpty { add { sync(index, &$0) } }
            guard state.crashes < crashesMaximum else { continue }
            for kept in 0...state.nodes[index].unsynced.count { add { crash(index, keeping: kept, &$0) } }
        }
        for link in 0..<2 where !state.isOpen[link] || state.cuts < cutsMaximum { add { set(link, isOpen: !state.isOpen[link], &$0) } }
        return result
    }

    // MARK: What must hold in every state

    /// By origin, the keys of what a node has.
    static func values(_ node: Node) -> [[UInt8]] {
        (0..<3).map { index in node.store.read(origin(index), from: 1, charge: .max).map { $0.key.first ?? 0 } }
    }

    func problem(_ state: State) -> String? {
        if let problem = state.problem { return problem }
        let values = state.nodes.map(Self.values)
        for (index, node) in state.nodes.enumerated() {
            if node.store.gaps > 0 { return "node \(index) wrote a gap" }
            for origin in 0..<3 {
                if origin != index, !state.nodes[origin].durable[origin].starts(with: values[index][origin]) {
                    return "node \(index) has what a crash of \(origin) may take, or took"
                }
                guard let number = node.core.numbers[Self.origin(origin)] else { continue }
                for peer in node.core.peers where number < peer.lanes.count {
                    let theirs = state.nodes[Int(peer.id.rawValue)].durable[origin]
                    if peer.lanes[number].known > UInt64(theirs.count) {
                        return "node \(peer.id.rawValue) acknowledged what is not durable"
                    }
                }
            }
        }
        return nil
    }

    /// All links open and all synced: do all come to have what each wrote?
    func healed(_ state: State) -> Bool {
        var state = state
        for link in 0..<2 where !state.isOpen[link] { set(link, isOpen: true, &state) }
        for _ in 0..<6 { for index in 0..<3 { sync(index, &state) } }
        let values = state.nodes.map(Self.values)
        return state.problem == nil && values.allSatisfy { $0 == values[0] }
            && (0..<3).allSatisfy { values[0][$0] == state.nodes[$0].durable[$0] }
    }

    private func key(_ state: State) -> Key {
        var lanes: [UInt64] = []
        for node in state.nodes {
            for peer in node.core.peers.sorted(by: { $0.id < $1.id }) {
                lanes.append((peer.needsFrame ? 1 : 0) | (peer.isEager ? 2 : 0))
                for origin in 0..<3 {
                    let number = node.core.numbers[Self.origin(origin)]
                    let lane = number.flatMap { $0 < peer.lanes.count ? peer.lanes[$0] : nil } ?? FeedPeer.Lane()
                    lanes += [
                        lane.known, lane.sent, lane.told, (lane.rewinds ? 1 : 0) | (lane.needsTag ? 2 : 0) | (lane.isDefined ? 4 : 0),
                    ]
                }
            }
        }
        return Key(
            values: state.nodes.map(Self.values), durable: state.nodes.map(\.durable), unsynced: state.nodes.map(\.unsynced.count),
            isOpen: state.isOpen, counts: [state.writes, state.crashes, state.cuts], lanes: lanes)
    }

    /// All states, and the first problem.
    func explore() -> (states: Int, crashed: Int, healed: Int, problem: String?) {
        var seen: Set<Key> = [key(start)]
        var frontier = [start]
        var (crashed, healed) = (0, 0)
        while !frontier.isEmpty {
            var later: [State] = []
            for state in frontier {
                for next in next(state) where seen.insert(key(next)).inserted {
                    if let problem = problem(next) { return (seen.count, crashed, healed, problem) }
                    if next.crashes > 0 { crashed += 1 }
                    if seen.count % healsOneOf == 0 {
                        healed += 1
                        guard self.healed(next) else { return (seen.count, crashed, healed, "they never become equal") }
                    }
                    later.append(next)
                }
            }
            frontier = later
        }
        return (seen.count, crashed, healed, nil)
    }
}

@Suite("Test 14: feeds with crashes over all states")
struct FeedCrashModelTests {
    private static let isSoaking = FeedSimulationTests.number("SKERRY_SOAK") == 1

    @Test("nothing that a crash can take is given away or acknowledged, no gap is written, and all become equal")
    func allStates() {
        // Three writes with two crashes, and two with a cut as well; all together, and each state healed, in the long form.
        let models =
            Self.isSoaking
            ? [FeedCrashModel()]
            : [FeedCrashModel(cutsMaximum: 0, healsOneOf: 7), FeedCrashModel(writesMaximum: 2, crashesMaximum: 1, healsOneOf: 3)]
        for model in models {
            let result = model.explore()
            print("feeds with crashes: \(result)")
            #expect(result.problem == nil)
            #expect(result.states > 1_000 && result.crashed > 500 && result.healed > 100, "the model did something")
        }
    }

    #if DEBUG
    @Test("test 13: acknowledging or sending early is found", arguments: [.acknowledgedEarly, .sentEarly] as [FeedDefects])
    func defects(_ defect: FeedDefects) {
        let result = FeedCrashModel(defects: defect, writesMaximum: 2, crashesMaximum: 1, cutsMaximum: 1, healsOneOf: 5).explore()
        print("defect: \(result)")
        #expect(result.problem != nil)
    }
    #endif
}
