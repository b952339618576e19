import SkerryCRDT

/// Replicas that say where they are over links that lose, repeat and delay: each knows of each what it said last of what arrived.
enum Presences {
    static func run(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 700)
        let timeToLive: UInt64 = 1_000
        var replicas = (0..<3).map {
            Presence(origin: OriginID(rawValue: UInt64($0) + 1), timeToLive: timeToLive, number: UInt64(random.below(5)))
        }
        // By replica and origin: what it should know, until when.
        var known: [[OriginID: (number: UInt64, state: DocumentValue?, end: UInt64)]] = Array(repeating: [:], count: 3)
        var links: [(to: Int, frame: [UInt8])] = []
        var now: UInt64 = 1_000
        for step in 0..<200 {
            now += UInt64(random.below(60))
            let who = random.below(3)
            switch random.below(6) {
            case 0, 1:
                let state: DocumentValue? = random.chance(15) ? nil : .int(Int64(step))
                let message = try replicas[who].say(state, now: now)
                known[who][message.origin] = (message.number, state, .max)
                for to in 0..<3 where to != who && random.chance(80) { links.append((to, message.encoded())) }
            case 2: for frame in Presence.encode(replicas[who].messages(now: now)) { links.append((random.below(3), frame)) }
            default:
                guard !links.isEmpty else { continue }
                let index = random.below(links.count)
                let (to, frame) = links[index]
                // Some come twice.
                if random.chance(80) { links.remove(at: index) }
                for message in try Presence.decode(frame) where message.origin != replicas[to].origin {
                    if let old = known[to][message.origin], old.number >= message.number { continue }
                    known[to][message.origin] = (message.number, message.state, now + message.timeToLive)
                }
                _ = try replicas[to].hear(frame, now: now)
            }
            for replica in 0..<3 {
                _ = replicas[replica].expire(now: now)
                known[replica] = known[replica].filter { $0.value.end >= now }
                let expected = known[replica].filter { $0.value.state != nil }.map { ($0.key, $0.value.state!) }.sorted { $0.0 < $1.0 }
                let states = replicas[replica].states
                try require(
                    states.elementsEqual(expected) { $0.0 == $1.0 && $0.1 == $1.1 },
                    "seed \(seed), step \(step): replica \(replica) knows \(states) and not \(expected)")
            }
        }
    }
}
