@testable import SkerryMerge
@testable import SkerryReplication

/// Some live objects, the links between them and whatever happens to these, all by one seed.
///
/// The state, the session and the endpoint are those of the product; what a link's driver does for each of its jobs is done here, one job at a
/// time, in an order that the seed chooses.
struct LiveSimulation {
    /// What went wrong, and in which run.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How often what was to be tried happened.
    struct Coverage {
        var runs = 0
        var editsBetweenGreetings = 0
        var editsWithoutLink = 0
        var editsAfterYield = 0
        var merges = 0
        var cuts = 0
        var cutsUnderWay = 0
        var restarts = 0
        var conflicts = 0
        var deletions = 0

        var isComplete: Bool {
            [
                editsBetweenGreetings, editsWithoutLink, editsAfterYield, merges, cuts, cutsUnderWay, restarts, conflicts, deletions,
            ].allSatisfy { $0 > 0 }
        }

        mutating func add(_ other: Coverage) {
            runs += 1
            editsBetweenGreetings += other.editsBetweenGreetings
            editsWithoutLink += other.editsWithoutLink
            editsAfterYield += other.editsAfterYield
            merges += other.merges
            cuts += other.cuts
            cutsUnderWay += other.cutsUnderWay
            restarts += other.restarts
            conflicts += other.conflicts
            deletions += other.deletions
        }
    }

    private enum Job {
        case start, fetch
    }

    private struct Node {
        var endpoint: HistoryEndpoint<MemoryHistoryStore>
        var live: LiveState
        var partner: Int?
        /// What the replica's owner asked for and the driver has not done.
        var jobs: [Job] = []
        var inbox: [ExchangeMessage] = []
        var hasStarted = false
        var hasHeard = false
        var hasYielded = false
    }

    static let policies: [(name: String, policy: ObjectMerge.Policy)] = [
        ("greatest", .greatest), ("ours", .ours), ("theirs", .theirs), ("base", .base),
    ]

    private static let branch = "note"
    private static let shared = "shared"

    private let seed: Int
    private let policy: (name: String, policy: ObjectMerge.Policy)
    /// Whether an object that yielded looks again after an edit of its own, as it must.
    private let looksAgain: Bool
    /// Whether several make a first value, of which the policy keeps one.
    private let isBornTwice: Bool
    /// Whether two objects on one link that holds are all there is, which leaves more time for both to edit at once.
    private let isCalm: Bool
    private var random: SeededRandom
    private var nodes: [Node] = []
    private var clock: UInt64 = 0
    private var kept: Set<String> = []
    private var deleted: Set<String> = []
    /// Commits that wrote the shared field, by what they wrote.
    private var writes: [Int64: ObjectID] = [:]
    private(set) var coverage = Coverage()
    /// Everything that happened, in order.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

    init(seed: Int, looksAgain: Bool = true) throws {
        self.seed = seed
        self.looksAgain = looksAgain
        policy = Self.policies[seed / 2 % Self.policies.count]
        isBornTwice = seed % 16 == 14
        isCalm = seed % 2 == 1
        random = SeededRandom(seed)
        for _ in 0..<(isCalm ? 2 : 2 + random.below(3)) { nodes.append(try node(MemoryHistoryStore())) }
    }

    /// Runs until everything was quiet and everybody has met everybody.
    mutating func run() throws {
        try begin()
        let haste = 5 + random.below(60), trouble = isCalm ? 0 : random.below(4), patience = 5 + random.below(60)
        var edits = 6 + random.below(20), turn = 0
        if isCalm { try link(0, 1) }
        while edits > 0 {
            if random.chance(patience) { turn = random.below(nodes.count) }
            if random.chance(trouble) {
                try disturb(turn)
            } else if nodes[turn].partner == nil, random.chance(30) {
                try connect(turn)
            } else if random.chance(haste) {
                try edit(turn)
                edits -= 1
            } else if try !step(turn) {
                turn = random.below(nodes.count)
            }
        }
        try settle()
        try check()
    }

    private mutating func begin() throws {
        try edit(0)
        if isBornTwice { return try edit(1) }
        for other in 1..<nodes.count {
            try link(0, other)
            try drain()
            cut(0)
        }
    }

    // MARK: Links

    private func node(_ store: MemoryHistoryStore) throws -> Node {
        var object = LiveObject(branch: Self.branch, policy: policy.policy)
        let history = try History(store: store)
        _ = try object.load(from: history)
        return Node(endpoint: HistoryEndpoint(history, peer: "peer", pushRule: .none), live: LiveState(object) { _, _ in })
    }

    private mutating func connect(_ side: Int) throws {
        let free = nodes.indices.filter { $0 != side && nodes[$0].partner == nil }
        guard !free.isEmpty else { return }
        try link(side, free[random.below(free.count)])
    }

    private mutating func link(_ a: Int, _ b: Int) throws {
        for (side, other) in [(a, b), (b, a)] {
            // A replica has one link; over the next one there is a new replica, on the same history.
            var fresh = try node(nodes[side].endpoint.history.store)
            let history = nodes[side].endpoint.history
            fresh.endpoint = HistoryEndpoint(history, peer: "peer \(other)", pushRule: .none)
            fresh.partner = other
            fresh.jobs = [.start, .fetch]
            nodes[side] = fresh
        }
        note(1, a, b)
    }

    private mutating func cut(_ side: Int) {
        guard let other = nodes[side].partner else { return }
        coverage.cuts += 1
        if !nodes[side].inbox.isEmpty || !nodes[other].inbox.isEmpty { coverage.cutsUnderWay += 1 }
        for end in [side, other] {
            try? nodes[end].endpoint.linkEnded()
            nodes[end].partner = nil
            nodes[end].inbox = []
            nodes[end].jobs = []
        }
        note(2, side, other)
    }

    private mutating func disturb(_ side: Int) throws {
        if random.chance(50) { return cut(side) }
        // The process dies: what is in the store is what there is.
        let store = nodes[side].endpoint.history.store
        cut(side)
        nodes[side] = try node(store)
        coverage.restarts += 1
        note(3, side, 0)
    }

    // MARK: Jobs

    /// One job of a side; false when it has nothing to do.
    private mutating func step(_ side: Int) throws -> Bool {
        guard nodes[side].partner != nil else { return false }
        // What its owner asked for and what came meanwhile may be done in any order, but the start comes first.
        if let job = nodes[side].jobs.first, job == .start || nodes[side].inbox.isEmpty || random.chance(50) {
            nodes[side].jobs.removeFirst()
            nodes[side].hasStarted = true
            try perform(side) { node in job == .start ? try node.endpoint.start() : try node.endpoint.fetch() }
        } else if !nodes[side].inbox.isEmpty {
            let message = try ExchangeMessage(encoded: nodes[side].inbox.removeFirst().encoded)
            nodes[side].hasHeard = true
            try perform(side) { node in try node.endpoint.receive(message) }
        } else {
            return false
        }
        note(4, side, 0)
        return true
    }

    private mutating func perform(_ side: Int, _ body: (inout Node) throws -> [ExchangeMessage]) throws {
        let before = nodes[side].endpoint.history.graph
        var messages = try body(&nodes[side])
        var outcomes = nodes[side].endpoint.takeOutcomes()
        while !outcomes.isEmpty {
            messages += try nodes[side].live.follow(outcomes.removeFirst(), Self.branch, &nodes[side].endpoint)
            outcomes += nodes[side].endpoint.takeOutcomes()
        }
        if let head = nodes[side].live.object.head, !before.contains(head), nodes[side].endpoint.history.graph.parents(of: head)?.count == 2
        {
            coverage.merges += 1
        }
        nodes[side].hasYielded = nodes[side].live.hasYielded
        if let partner = nodes[side].partner, nodes[side].hasStarted { nodes[partner].inbox += messages }
    }

    private mutating func edit(_ side: Int) throws {
        clock += 1
        let node = nodes[side]
        if node.partner == nil { coverage.editsWithoutLink += 1 }
        if node.hasStarted, !node.hasHeard { coverage.editsBetweenGreetings += 1 }
        if node.hasYielded { coverage.editsAfterYield += 1 }
        let value = Int64(clock), key = "\(side) \(clock)"
        var fields = Self.fields(node.live.object.value)
        let mine = fields.keys.filter { kept.contains($0) }.sorted()
        let kind = random.below(10)
        if kind < 3, node.live.object.head != nil {
            fields[Self.shared] = .integer(value)
        } else if kind == 3, !isBornTwice, !mine.isEmpty {
            let doomed = mine[random.below(mine.count)]
            fields[doomed] = nil
            kept.remove(doomed)
            deleted.insert(doomed)
            coverage.deletions += 1
        } else {
            fields[key] = .integer(value)
            kept.insert(key)
        }
        let isWrite = fields[Self.shared] == .integer(value)
        let edited = ObjectValue.map(fields), time = clock, looksAgain = looksAgain
        var made: ObjectID?
        try perform(side) { node in
            var messages = try node.live.edit({ _ in edited }, "", time, &node.endpoint).1
            made = node.live.object.head
            if looksAgain { messages += try node.live.edited(&node.endpoint) }
            return messages
        }
        if isWrite { writes[value] = made }
        note(5, side, kind)
    }

    private static func fields(_ value: ObjectValue) -> [String: ObjectValue] {
        guard case .map(let fields) = value else { return [:] }
        return fields
    }

    // MARK: The end

    /// Delivers everything, in an order the seed chooses, after which both ends of each link are equal.
    private mutating func drain() throws {
        for _ in 0..<20_000 {
            let busy = nodes.indices.filter { nodes[$0].partner != nil && (!nodes[$0].jobs.isEmpty || !nodes[$0].inbox.isEmpty) }
            guard !busy.isEmpty else { return try checkLinks() }
            _ = try step(busy[random.below(busy.count)])
        }
        throw failure("is not quiet after 20,000 messages")
    }

    private func checkLinks() throws {
        for (side, node) in nodes.enumerated() {
            guard let partner = node.partner, side < partner else { continue }
            let (mine, theirs) = (node.live.object, nodes[partner].live.object)
            guard mine.head == theirs.head, mine.value == theirs.value else { throw failure("\(side) and \(partner) wait for each other") }
        }
    }

    /// What is linked comes to rest; then all meet, until what the first one knows is with everybody.
    private mutating func settle() throws {
        try drain()
        for side in nodes.indices { cut(side) }
        for _ in 0..<2 {
            for other in 1..<nodes.count {
                try link(0, other)
                try drain()
                cut(0)
            }
        }
    }

    private mutating func check() throws {
        let end = nodes[0].live.object, graph = nodes[0].endpoint.history.graph
        for (side, node) in nodes.enumerated() {
            guard node.live.object.head == end.head, node.live.object.value == end.value else { throw failure("\(side) is another than 0") }
            guard node.endpoint.history.names[.branch(Self.branch)] == end.head else { throw failure("\(side) is not at its head") }
            guard try node.endpoint.history.verify().isSound else { throw failure("the history of \(side) is damaged") }
            var stored = LiveObject(branch: Self.branch, policy: policy.policy)
            _ = try stored.load(from: History(store: node.endpoint.history.store))
            guard stored.value == end.value else { throw failure("\(side) is another in its store") }
        }
        let fields = Self.fields(end.value)
        note(6, fields.count, Int(truncatingIfNeeded: end.head?.hashBits ?? 0))
        guard !isBornTwice else { return }
        for key in kept.sorted() where fields[key] == nil { throw failure("\"\(key)\" is lost") }
        for key in deleted.sorted() where fields[key] != nil { throw failure("\"\(key)\" is back") }
        try checkShared(fields[Self.shared], graph)
    }

    /// The shared field holds something that was written, and, where the greatest holds, nothing that somebody has written over, knowing it.
    private mutating func checkShared(_ value: ObjectValue?, _ graph: CommitGraph) throws {
        let all = writes.sorted { $0.key < $1.key }.map(\.value)
        for (index, one) in all.enumerated() {
            for other in all[(index + 1)...] where !graph.isAncestor(one, of: other) && !graph.isAncestor(other, of: one) {
                coverage.conflicts += 1
            }
        }
        guard let value else {
            guard writes.isEmpty || policy.name == "base" else { throw failure("all writes are lost") }
            return
        }
        guard case .integer(let number) = value, let winner = writes[number] else { throw failure("nobody wrote \(value)") }
        // The others choose by what the commits are called, also among the bases of a merge with several.
        guard policy.name == "greatest" else { return }
        for other in all where other != winner && graph.isAncestor(winner, of: other) { throw failure("\(number) was written over") }
    }

    private func failure(_ text: String) -> Failure {
        Failure(description: "seed \(seed), \(nodes.count) objects, \(policy.name): \(text)")
    }

    private mutating func note(_ kind: Int, _ a: Int, _ b: Int) {
        for word in [UInt64(kind), UInt64(truncatingIfNeeded: a), UInt64(truncatingIfNeeded: b), nodes[0].live.object.head?.hashBits ?? 0] {
            digest = (digest ^ word) &* 0x0000_0100_0000_01B3
        }
    }
}

extension ObjectID {
    /// Its first bytes.
    fileprivate var hashBits: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
