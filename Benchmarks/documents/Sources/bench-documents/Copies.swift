import SkerryCRDT

/// Many small documents with the same trace, each made, written, read and opened.
enum Copies {
    static func run(_ trace: Trace, count: Int, runs: Int) -> [(String, Double)] {
        let before = Measure.resident()
        let made = Measure.median(runs: runs) { (0..<count).map { _ in Sequential.document(of: trace.transactions) } }
        let documents = made.last
        let memory = Measure.resident() - before
        do {
            let sent = try Measure.median(runs: runs) { try documents.map(Encodings.frames) }
            let whole = Measure.median(runs: runs) {
                sent.last.map { frames in
                    let document = Document(origin: OriginID(rawValue: 77))
                    var decoders = Decoders(count: 1)
                    for frame in frames { decoders.apply(frame, from: 0, to: document) }
                    return (document, document.text("t").string)
                }
            }
            Measure.check(whole.last.allSatisfy { $0.1 == documents[0].text("t").string }, "a text of the whole history is another")
            let written = try Measure.median(runs: runs) { try documents.map { try $0.history() } }
            let read = try Measure.median(runs: runs) {
                try written.last.map { bytes in
                    let document = Document(origin: OriginID(rawValue: 77))
                    try document.merge(bytes)
                    return (document, document.text("t").string)
                }
            }
            Measure.check(read.last.allSatisfy { $0.1 == documents[0].text("t").string }, "a text of the history is another")
            let taken = Measure.median(runs: runs) { documents.map { $0.snapshot() } }
            let opened = try Measure.median(runs: runs) {
                try taken.last.map { snapshot in
                    let document = try Document(origin: OriginID(rawValue: 78), snapshot: snapshot)
                    return (document, document.text("t").string)
                }
            }
            func bytes(_ parts: [[UInt8]]) -> Double { Double(parts.reduce(0) { $0 + $1.count }) }
            return [
                ("memory", memory), ("replay", made.milliseconds), ("frame", sent.milliseconds), ("whole", whole.milliseconds),
                ("encode", written.milliseconds), ("bytes", bytes(written.last)), ("load", read.milliseconds),
                ("snapshot", taken.milliseconds), ("open", opened.milliseconds), ("snapshot-bytes", bytes(taken.last)),
            ]
        } catch { Measure.check(false, "\(error)") }
        return []
    }
}
