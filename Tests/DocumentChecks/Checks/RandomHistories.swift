import SkerryCRDT

/// Random histories against the model: replicas that work, hear of each other and end alike, with every notice followed and anchors kept.
enum RandomHistories {
    /// One history: 2 to 5 replicas, each with so many changes.
    static func run(seed: Int, changes: ClosedRange<Int>) throws {
        var random = CheckRandom(seed: seed &+ 9_000_000)
        let session = Session(seed: seed, replicas: 2 + seed % 4, keepsCommits: false, isMarking: seed / 4 % 4 == 1)
        // Long ones are rarer: the smallest of three draws.
        let drawn = (0..<3).map { _ in random.below(changes.count) }.min()!
        try session.run(changes: changes.lowerBound + drawn)
    }
}

/// Histories replayed in other orders, through encodings at any point, and in no order at all.
enum Replays {
    static func run(seed: Int, changes: ClosedRange<Int>, orders: Int) throws {
        var random = CheckRandom(seed: seed &+ 8_000_000)
        let replicas = 2 + seed % 4
        let session = Session(seed: seed &+ 100_000, replicas: replicas, keepsCommits: true, isMarking: seed / 4 % 4 == 1)
        try session.run(changes: (changes.lowerBound + random.below(changes.count)) / replicas)
        let expected = Plain(session.documents[0])
        for order in 0..<orders {
            let document = try causally(session, &random)
            try require(Plain(document) == expected, "seed \(seed): another state in order \(order)")
            try require(document.version == session.documents[0].version, "seed \(seed): another version in order \(order)")
        }
        try anyhow(session, expected, seed, &random)
    }

    /// Every commit after what it had seen.
    private static func causally(_ session: Session, _ random: inout CheckRandom) throws -> Document {
        let origin = OriginID(rawValue: 5)
        var document = Document(origin: origin, now: { 9_000_000 })
        var queues = session.documents.map { _ in [Session.Commit]() }
        for commit in session.commits { queues[commit.replica].append(commit) }
        var done = session.documents.map { _ in 0 }
        var last = 0
        let stays = random.pick([0, 50, 95])
        for _ in session.commits {
            let ready = queues.indices.filter { replica in
                done[replica] < queues[replica].count && zip(queues[replica][done[replica]].seen, done).allSatisfy { $0 <= $1 }
            }
            if !ready.contains(last) || !random.chance(stays) { last = ready[random.below(ready.count)] }
            let result = try document.merge(queues[last][done[last]].bytes)
            try require(result.missing == nil && result.applied > 0 && result.refused.isEmpty, "a commit that was ready: \(result)")
            done[last] += 1
            if random.below(150) == 0 { document = try reopened(document, origin, &random) }
        }
        return document
    }

    private static func reopened(_ document: Document, _ origin: OriginID, _ random: inout CheckRandom) throws -> Document {
        let chunks = try document.history()
        if random.chance(50) {
            return try Document(origin: origin, snapshot: document.snapshot(), now: { 9_000_000 }, history: { chunks })
        }
        let copy = Document(origin: origin, now: { 9_000_000 })
        if random.chance(50) {
            var work = DocumentImport(chunks)
            while !work.isDone { try work.step(into: copy) { random.chance(70) } }
        } else {
            try copy.merge(chunks)
        }
        return copy
    }

    /// In any order, some twice: what comes too early waits.
    private static func anyhow(_ session: Session, _ expected: Plain, _ seed: Int, _ random: inout CheckRandom) throws {
        let document = Document(origin: OriginID(rawValue: 5), now: { 9_000_000 })
        var deliveries = session.commits
        for commit in session.commits where random.chance(10) { deliveries.append(commit) }
        // Everything at once in any order, or each a little too early or late.
        if random.chance(50) {
            deliveries.shuffle(using: &random)
        } else {
            for index in deliveries.indices { deliveries.swapAt(index, min(deliveries.count - 1, index + random.below(6))) }
        }
        var applied = 0
        var waited = false
        for (index, delivery) in deliveries.enumerated() {
            let result = try document.merge(delivery.bytes)
            try require(result.refused.isEmpty, "seed \(seed): \(result.refused)")
            applied += result.applied
            waited = waited || !result.pending.isEmpty
            if index % 97 == 0 {
                let opened = try Document(origin: OriginID(rawValue: 6), snapshot: document.snapshot())
                try require(opened.version == document.version && opened.pending.events == 0, "seed \(seed): what waits was exported")
            }
        }
        let events = document.version.dots.reduce(0) { $0 + Int($1.sequence) }
        try require(applied == events, "seed \(seed): \(applied) events were reported, \(events) are here")
        try require(document.pending.events == 0 && document.pending.bytes == 0, "seed \(seed): \(document.pending) wait for ever")
        try require(Plain(document) == expected, "seed \(seed): another state after deliveries in no order")
        try require(waited || session.commits.count < 20, "seed \(seed): nothing ever waited")
    }
}
