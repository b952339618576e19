import SkerryCRDT
import SkerryReplication

// Fault model: one thread, virtual time in milliseconds, everything drawn from the seed. Messages are delayed by 1 to 40 ms each, so they overtake each other;
// some are lost, some come twice. Links are cut (what is under way goes), processes restart (documents, logs and cursors are on disk, the rest is not).
// The source's disk may come back as another log.

/// A source, a sink, a bad network and what happens to them.
struct ExchangeWorld {
    struct Faults: Hashable {
        var lost = 0
        var doubled = 0
        var cuts = 0
        var sinkRestarts = 0
        var sourceRestarts = 0
        var restores = 0
    }

    private struct Delivery {
        var at: UInt64
        var number: Int
        var toSource: Bool
        var link: Int
        var bytes: [UInt8]
    }

    let source = ExchangeNode("source", origin: 0x1000)
    let sink = ExchangeNode("sink", origin: 0x2000_0000)
    private(set) var faults = Faults()
    /// Of everything that was carried, in order.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var carried = 0
    private(set) var now: UInt64 = 0
    private var draws: SeededDraws
    private var deliveries: [Delivery] = []
    private var number = 0
    private var link = 0
    private var isLinked = false
    private var interest: DocumentInterest
    /// Of a hundred.
    var loss = 8

    init(seed: UInt64) throws {
        draws = SeededDraws(seed: seed)
        interest = try DocumentInterest(names: ["b/3"], prefixes: ["a/"])
        for number in 0..<40 { _ = source.change("\(number % 2 == 0 ? "a" : "b")/\(number)", "start") }
    }

    /// Lets things happen for so many milliseconds.
    mutating func disturb(for duration: UInt64) throws {
        let end = now + duration
        while now < end {
            now += 10
            if draws.next(below: 12) == 0 { change() }
            switch draws.next(below: 400) {
            case 0: cut()
            case 1: try restartSink()
            case 2: try restartSource()
            case 3 where faults.restores < 2: restoreSource()
            case 4...6: try changeInterest()
            default: break
            }
            step()
        }
    }

    /// No more faults; goes on until nothing moves.
    mutating func heal() -> Bool {
        loss = 0
        for _ in 0..<4_000 {
            now += 10
            step()
            if deliveries.isEmpty, sink.sink?.isCaughtUp ?? false, sink.sink?.cursor.offset == UInt64(source.commits.count) || isQuiet {
                return true
            }
        }
        return false
    }

    /// Whether what is behind the sink's place is of no interest to it.
    private var isQuiet: Bool {
        guard let cursor = sink.sink?.cursor, cursor.log == source.log else { return false }
        return source.commits[Int(cursor.offset)...].allSatisfy { name in !interest.matches(name) || source.text(name) == sink.text(name) }
    }

    /// What the sink should have, and has.
    func verify() -> [String] {
        var wrong: [String] = []
        for (name, document) in source.documents where interest.matches(name) && sink.documents[name]?.version != document.version {
            wrong.append("\(name): \(document.text("body").string) | \(sink.text(name) ?? "-")")
        }
        for (name, document) in sink.documents {
            let own = document.version.dots.filter { $0.origin.rawValue >= 0x2000_0000 }
            if !own.allSatisfy({ source.documents[name]?.version.covers($0) ?? false }) {
                wrong.append("\(name): own changes are not at the source")
            }
        }
        return wrong.sorted()
    }

    private mutating func step() {
        if !isLinked { connect() }
        if now % DocumentLimits.tickInterval == 0 {
            var actions: [DocumentExchangeAction] = []
            sink.sink?.tick(now: now, into: &actions)
            send(sink.perform(actions, asSource: false), toSource: true)
        }
        while let place = deliveries.indices.min(by: {
            (deliveries[$0].at, deliveries[$0].number) < (deliveries[$1].at, deliveries[$1].number)
        }),
            deliveries[place].at <= now
        {
            let delivery = deliveries.remove(at: place)
            guard delivery.link == link else { continue }
            note(delivery)
            let node = delivery.toSource ? source : sink
            let actions = node.receive(delivery.bytes, now: now, asSource: delivery.toSource)
            send(node.perform(actions, asSource: delivery.toSource), toSource: !delivery.toSource)
        }
    }

    private mutating func note(_ delivery: Delivery) {
        carried += 1
        for byte in delivery.bytes + [delivery.toSource ? 1 : 0] { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    private mutating func send(_ messages: [[UInt8]], toSource: Bool) {
        for bytes in messages {
            if draws.next(below: 100) < loss {
                faults.lost += 1
                continue
            }
            let copies = loss > 0 && draws.next(below: 30) == 0 ? 2 : 1
            faults.doubled += copies - 1
            for _ in 0..<copies {
                number += 1
                // Mostly in order, now and then not.
                let delay = draws.next(below: 10) == 0 ? UInt64(draws.next(below: 40)) + 1 : 20
                deliveries.append(Delivery(at: now + (loss > 0 ? delay : 20), number: number, toSource: toSource, link: link, bytes: bytes))
            }
        }
    }

    private mutating func connect() {
        isLinked = true
        link += 1
        send(
            sink.perform(sink.subscribe(interest, session: UInt32(truncatingIfNeeded: draws.next()), now: now), asSource: false),
            toSource: true)
    }

    private mutating func change() {
        let isSource = draws.next(below: 3) > 0
        let node = isSource ? source : sink
        let name =
            isSource || draws.next(below: 2) == 0
            ? "\(draws.next(below: 2) == 0 ? "a" : "b")/\(draws.next(below: 50))" : "a/own\(draws.next(below: 5))"
        send(node.perform(node.change(name, isSource ? "+" : "-"), asSource: isSource), toSource: !isSource)
    }

    private mutating func cut() {
        faults.cuts += 1
        isLinked = false
        sink.sink?.detach()
        source.source.detach()
        deliveries = []
    }

    private mutating func restartSink() throws {
        cut()
        faults.sinkRestarts += 1
        try sink.restart()
    }

    private mutating func restartSource() throws {
        cut()
        faults.sourceRestarts += 1
        try source.restart()
    }

    private mutating func restoreSource() {
        cut()
        faults.restores += 1
        source.log += 1
        source.source = DocumentSource(log: source.log, end: UInt64(source.commits.count))
    }

    private mutating func changeInterest() throws {
        let choices: [DocumentInterest] = [
            try DocumentInterest(names: ["b/3"], prefixes: ["a/"]), try DocumentInterest(names: ["b/3", "b/5"], prefixes: ["a/1", "a/o"]),
            .all,
            try DocumentInterest(names: ["a/2"]),
        ]
        let next = choices[draws.next(below: choices.count)]
        interest = next
        var actions: [DocumentExchangeAction] = []
        if isLinked, sink.sink != nil {
            try sink.sink?.change(to: next, now: now, into: &actions)
        } else {
            sink.cursor = try sink.cursor.moved(from: sink.interest, to: next)
        }
        sink.interest = next
        send(sink.perform(actions, asSource: false), toSource: true)
    }
}
