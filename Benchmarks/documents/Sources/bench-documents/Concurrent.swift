import SkerryCRDT

/// A trace of several writers, followed by an empty replica: update by update, and whole.
struct Concurrent {
    var documents: [Document]
    /// One update for each transaction, as its writer sends it.
    var frames: [[UInt8]] = []
    var senders: [Int] = []

    /// Writers' ids ascend with their numbers.
    init(_ trace: Trace, isRecorded: Bool) {
        documents = (0..<trace.writers).map { Document(origin: OriginID(rawValue: UInt64($0) + 1)) }
        var encoders = documents.map { _ in UpdateEncoder() }
        // For each writer, a decoder for what each other sends.
        var decoders: [Decoders] = documents.map { _ in Decoders(count: trace.writers) }
        var made = Array(repeating: [Int](), count: trace.writers)
        var taken = Array(repeating: Array(repeating: 0, count: trace.writers), count: trace.writers)
        var clocks: [[Int]] = []
        for transaction in trace.transactions {
            let writer = transaction.writer
            var clock = Array(repeating: 0, count: trace.writers)
            for parent in transaction.parents { for other in 0..<trace.writers { clock[other] = max(clock[other], clocks[parent][other]) } }
            // In the order of the trace, which is causal.
            var needed: [Int] = []
            for other in 0..<trace.writers where other != writer {
                needed += made[other][taken[writer][other]..<max(clock[other], taken[writer][other])]
                taken[writer][other] = max(clock[other], taken[writer][other])
            }
            for index in needed.sorted() { decoders[writer].apply(frames[index], from: senders[index], to: documents[writer]) }
            if !needed.isEmpty { encoders[writer].peerHas(documents[writer].version.without(documents[writer].origin)) }
            (isRecorded ? transaction : transaction.clamped(to: documents[writer])).commit(to: documents[writer])
            let frame = (try? encoders[writer].encode(documents[writer])) ?? []
            made[writer].append(frames.count)
            clock[writer] = made[writer].count
            clocks.append(clock)
            frames.append(frame)
            senders.append(writer)
        }
    }

    func follow() -> Document {
        let document = Document(origin: OriginID(rawValue: 1000))
        var decoders = Decoders(count: documents.count)
        for (frame, sender) in zip(frames, senders) { decoders.apply(frame, from: sender, to: document) }
        return document
    }

    static func run(_ trace: Trace, runs: Int, isRecorded: Bool) -> [(String, Double)] {
        let session = Concurrent(trace, isRecorded: isRecorded)
        var measures: [(String, Double)] = []
        let before = Measure.resident()
        var document = session.follow()
        measures.append(("memory", Measure.resident() - before))
        let live = Measure.median(runs: runs) { session.follow() }
        document = live.last
        if isRecorded { Measure.check(document.text("t").string == trace.final, "the text of the follower is another") }
        measures.append(("live", live.milliseconds))
        measures.append(("update-bytes", Double(session.frames.reduce(0) { $0 + $1.count }) / Double(session.frames.count)))
        measures += Encodings.run(document)
        measures.append(("merge", session.merge(document)))
        return measures
    }

    /// Writer 0 hears of everything else at once.
    private func merge(_ document: Document) -> Double {
        do {
            let missing = try document.history(since: documents[0].version)
            let start = Measure.cpu()
            try documents[0].merge(missing)
            let time = Measure.cpu() - start
            Measure.check(
                documents[0].snapshot() == document.snapshot() || document.text("t").string == documents[0].text("t").string,
                "replicas differ")
            return time
        } catch { Measure.check(false, "\(error)") }
        return 0
    }
}

/// One decoder for each sender.
struct Decoders {
    private final class Box {
        var decoder = UpdateDecoder()
    }

    private var boxes: [Box?]

    init(count: Int) { boxes = Array(repeating: nil, count: count) }

    mutating func apply(_ frame: [UInt8], from sender: Int, to document: Document) {
        if boxes[sender] == nil { boxes[sender] = Box() }
        do {
            let result = try boxes[sender]!.decoder.apply(frame, to: document)
            Measure.check(result.missing == nil, "an update came before its past")
        } catch { Measure.check(false, "\(error)") }
    }
}

extension CausalContext {
    func without(_ origin: OriginID) -> CausalContext { CausalContext(covering: dots.filter { $0.origin != origin }) }
}
