import SkerryCRDT

/// A trace replayed by a lone writer, one commit a patch, and what its document costs.
enum Replay {
    static func document(of trace: Trace) -> Document {
        let document = Document(origin: OriginID(rawValue: 1))
        for transaction in trace.transactions {
            for patch in transaction.patches {
                document.change { change in
                    change.text("t").replace(patch.position..<patch.position + patch.deleted, in: .scalars, with: patch.inserted)
                }
            }
        }
        return document
    }

    static func run(_ name: String, _ trace: Trace, bar: Double?) {
        let before = Measure.resident()
        var kept: Document? = document(of: trace)
        let grown = Double(Measure.resident() - before) / 1024
        Measure.check(kept!.text("t").string == trace.final, "\(name): the final text")
        kept = nil
        let time = Measure.median(runs: 9) { document(of: trace) }
        Measure.figure("\(name).replay", time.milliseconds, "ms", bar: bar)
        Measure.figure("\(name).live_memory", grown, "MiB", bar: name == "automerge-paper" ? 5 : nil)
    }
}
