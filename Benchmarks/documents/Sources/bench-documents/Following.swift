import SkerryCRDT

/// A concurrent trace followed by an empty replica: update by update, and whole.
enum Following {
    /// One update for each transaction, as its writer sends it; writers' ids ascend with their numbers.
    static func updates(of trace: Trace) -> (frames: [[UInt8]], senders: [Int]) {
        let documents = (0..<trace.writers).map { Document(origin: OriginID(rawValue: UInt64($0) + 1)) }
        var encoders = documents.map { _ in UpdateEncoder() }
        // For each writer, a decoder for what each other sends.
        let decoders: [Decoders] = documents.map { _ in Decoders(count: trace.writers) }
        var made = Array(repeating: [Int](), count: trace.writers)
        var taken = Array(repeating: Array(repeating: 0, count: trace.writers), count: trace.writers)
        var clocks: [[Int]] = []
        var frames: [[UInt8]] = [], senders: [Int] = []
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
            documents[writer].change { change in
                let text = change.text("t")
                for patch in transaction.patches {
                    text.replace(patch.position..<patch.position + patch.deleted, in: .scalars, with: patch.inserted)
                }
            }
            let frame = (try? encoders[writer].encode(documents[writer])) ?? []
            made[writer].append(frames.count)
            clock[writer] = made[writer].count
            clocks.append(clock)
            frames.append(frame)
            senders.append(writer)
        }
        return (frames, senders)
    }

    static func follow(_ updates: (frames: [[UInt8]], senders: [Int]), writers: Int) -> Document {
        let document = Document(origin: OriginID(rawValue: 1000))
        let decoders = Decoders(count: writers)
        for (frame, sender) in zip(updates.frames, updates.senders) { decoders.apply(frame, from: sender, to: document) }
        return document
    }

    static func run(_ name: String, _ trace: Trace, bar: Double?, wholeBar: Double?) {
        let updates = updates(of: trace)
        let count = Double(updates.frames.count)
        let live = Measure.median(runs: 7) { follow(updates, writers: trace.writers) }
        Measure.check(live.last.text("t").string == trace.final, "\(name): the text of the follower")
        Measure.figure("\(name).live_update", live.milliseconds * 1000 / count, "us", bar: bar)
        let bytes = updates.frames.reduce(0) { $0 + $1.count }
        Measure.figure("\(name).wire_bytes_per_update", Double(bytes) / count, "B", bar: 16)
        var encoder = UpdateEncoder()
        let whole = (try? encoder.encode(live.last)) ?? []
        let bulk = Measure.median(runs: 7) {
            let document = Document(origin: OriginID(rawValue: 1000))
            let decoders = Decoders(count: 1)
            decoders.apply(whole, from: 0, to: document)
            return document
        }
        Measure.check(bulk.last.text("t").string == trace.final, "\(name): the text of the whole history")
        Measure.figure("\(name).whole_history", bulk.milliseconds, "ms", bar: wholeBar)
        Measure.figure("\(name).whole_history_bytes", Double(whole.count), "B")
    }
}

/// One decoder for each sender.
struct Decoders {
    private final class Box {
        var decoder = UpdateDecoder()
    }

    private let boxes: [Box]

    init(count: Int) { boxes = (0..<count).map { _ in Box() } }

    func apply(_ frame: [UInt8], from sender: Int, to document: Document) {
        do {
            let result = try boxes[sender].decoder.apply(frame, to: document)
            Measure.check(result.missing == nil, "an update came before its past")
        } catch { Measure.check(false, "\(error)") }
    }
}

extension CausalContext {
    func without(_ origin: OriginID) -> CausalContext { CausalContext(covering: dots.filter { $0.origin != origin }) }
}
