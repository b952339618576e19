import SkerryCRDT

/// Shapes of concurrency that traces do not have, made up from a seed.
enum Shapes {
    /// Writers that each type a while unheard and then hear of each other, or never do.
    static func writers(_ writers: Int, events: Int, hearEvery: Int, backwards: Bool = false, delay: Int = 0) -> Trace {
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let documents = (0..<writers).map { Document(origin: OriginID(rawValue: UInt64($0) + 1)) }
        var carets = Array(repeating: 0, count: writers), last = Array(repeating: -1, count: writers)
        var transactions: [Trace.Transaction] = []
        var encoders = Array(repeating: Array(repeating: UpdateEncoder(), count: writers), count: writers)
        let decoders = (0..<writers).map { _ in Decoders(count: writers) }
        for index in 0..<events {
            let writer = index % writers
            var parents = last[writer] >= 0 ? [last[writer]] : []
            if hearEvery > 0, index / writers % hearEvery == hearEvery - 1 {
                for other in 0..<writers where other != writer {
                    if let frame = try? encoders[other][writer].encode(documents[other]) {
                        encoders[writer][other].peerHas(documents[other].version)
                        decoders[writer].apply(frame, from: other, to: documents[writer])
                        if last[other] >= 0 { parents.append(last[other]) }
                    }
                }
            }
            let length = documents[writer].text("t").count(in: .scalars)
            if random(20) == 0 { carets[writer] = random(length + 1) }
            carets[writer] = min(carets[writer], length)
            var patch = Trace.Patch(position: carets[writer], deleted: 0, inserted: "x")
            if random(8) == 0, carets[writer] > 0 {
                patch = Trace.Patch(position: carets[writer] - 1, deleted: 1, inserted: "")
                carets[writer] -= 1
            } else if !backwards {
                carets[writer] += 1
            }
            documents[writer].change {
                $0.text("t").replace(patch.position..<patch.position + patch.deleted, in: .scalars, with: patch.inserted)
            }
            last[writer] = index
            transactions.append(Trace.Transaction(writer: writer, parents: parents, patches: [patch]))
        }
        return Trace(writers: writers, transactions: transactions, final: "")
    }

    /// A lone writer who pastes and deletes large stretches.
    static func pastes(events: Int) -> Trace {
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let line = "The quick brown fox jumps over the lazy dog, again and again.\n"
        var length = 0
        var transactions: [Trace.Transaction] = []
        for _ in 0..<events {
            let position = random(length + 1)
            var patch = Trace.Patch(position: position, deleted: min(length - position, random(60_000)), inserted: "")
            if random(3) > 0 { patch = Trace.Patch(position: position, deleted: 0, inserted: String(repeating: line, count: random(800))) }
            length += patch.inserted.utf8.count - patch.deleted
            transactions.append(Trace.Transaction(writer: 0, parents: [], patches: [patch]))
        }
        return Trace(writers: 1, transactions: transactions, final: "")
    }

    static func follow(_ name: String, _ trace: Trace) {
        let updates = Following.updates(of: trace)
        let live = Measure.median(runs: 3) { Following.follow(updates, writers: trace.writers) }
        Measure.figure("shape.\(name).live_update", live.milliseconds * 1000 / Double(updates.frames.count), "us")
        let whole = UpdateEncoder.whole(live.last)
        let bulk = Measure.median(runs: 3) {
            let document = Document(origin: OriginID(rawValue: 1000))
            Decoders(count: 1).apply(whole, from: 0, to: document)
            return document
        }
        Measure.check(bulk.last.text("t").string == live.last.text("t").string, "\(name): the text of the whole history")
        Measure.figure("shape.\(name).whole_history", bulk.milliseconds, "ms")
    }

    static func run() {
        follow("two_offline", writers(2, events: 20_000, hearEvery: 0))
        follow("three_offline", writers(3, events: 20_000, hearEvery: 0))
        follow("three_live", writers(3, events: 20_000, hearEvery: 2))
        follow("three_slow", writers(3, events: 20_000, hearEvery: 40))
        follow("eight_live", writers(8, events: 20_000, hearEvery: 3))
        follow("two_backwards", writers(2, events: 20_000, hearEvery: 10, backwards: true))
        let pastes = pastes(events: 2000)
        let time = Measure.median(runs: 3) { Replay.document(of: pastes) }
        Measure.figure("shape.pastes.replay", time.milliseconds, "ms")
    }
}

extension UpdateEncoder {
    static func whole(_ document: Document) -> [UInt8] {
        var encoder = UpdateEncoder()
        return (try? encoder.encode(document)) ?? []
    }
}

extension Trace {
    init(writers: Int, transactions: [Transaction], final: String) {
        self.writers = writers
        self.transactions = transactions
        self.final = final
    }
}
