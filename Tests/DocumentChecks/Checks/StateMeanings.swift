import SkerryCRDT

/// States with dots beside the plainest model of them: every write by its dot, alive or not, in ordinary sets.
enum StateMeanings {
    private struct Model {
        struct Write: Hashable {
            var dot: Dot
            var key: String
            var member: Int64
        }

        var alive: Set<Write> = []
        var seen: Set<Dot> = []

        mutating func join(_ other: Model) {
            alive =
                alive.intersection(other.alive)
                .union(alive.filter { !other.seen.contains($0.dot) })
                .union(other.alive.filter { !seen.contains($0.dot) })
            seen.formUnion(other.seen)
        }
    }

    /// A map of sets on three replicas that exchange states, and deltas in any order.
    static func run(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 500)
        var states = Array(repeating: ORMap<String, DotMap<Int64, DotSet>>(), count: 3)
        var models = Array(repeating: Model(), count: 3)
        var deltas: [(ORMap<String, DotMap<Int64, DotSet>>, Model)] = []
        var sequences: [UInt64] = [0, 0, 0]
        for step in 0..<60 {
            let who = random.below(3)
            let key = random.pick(["a", "b"]), member = Int64(random.below(4))
            var news = Model()
            switch random.below(10) {
            case 0..<4:
                sequences[who] += 1
                let write = Model.Write(
                    dot: Dot(origin: OriginID(rawValue: UInt64(who)), sequence: sequences[who]), key: key, member: member)
                news.alive = [write]
                news.seen = Set(models[who].alive.filter { $0.key == key && $0.member == member }.map(\.dot)).union([write.dot])
                deltas.append((states[who].update(key) { $0.insert(member, by: write.dot.origin) }, news))
                models[who].join(news)
            case 4:
                news.seen = Set(models[who].alive.filter { $0.key == key && $0.member == member }.map(\.dot))
                deltas.append((states[who].update(key) { $0.remove(member) }, news))
                models[who].join(news)
            case 5:
                news.seen = Set(models[who].alive.filter { $0.key == key }.map(\.dot))
                deltas.append((states[who].removeKey(key), news))
                models[who].join(news)
            case 6:
                let other = random.below(3)
                states[who].join(states[other])
                models[who].join(models[other])
            default:
                guard !deltas.isEmpty else { continue }
                let (delta, model) = deltas[random.below(deltas.count)]
                states[who].join(delta)
                models[who].join(model)
            }
            try compare(states[who], models[who], "seed \(seed), step \(step)")
        }
    }

    private static func compare(_ state: ORMap<String, DotMap<Int64, DotSet>>, _ model: Model, _ place: String) throws {
        for key in ["a", "b"] {
            let members = Set(model.alive.filter { $0.key == key }.map(\.member)).sorted()
            let actual = state.state(of: key)?.members() ?? []
            try require(actual == members, "\(place): \(key) holds \(actual) and not \(members)")
        }
        try require(model.seen.allSatisfy(state.context.contains), "\(place): a dot was forgotten")
        let seen = state.context.runs.reduce(0) { $0 + Int($1.last - $1.first + 1) }
        try require(seen == model.seen.count, "\(place): \(seen) dots were seen and not \(model.seen.count)")
    }
}
