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
        encodings(name, kept!, trace)
        kept = nil
        let time = Measure.median(runs: 9) { document(of: trace) }
        Measure.figure("\(name).replay", time.milliseconds, "ms", bar: bar)
        Measure.figure("\(name).live_memory", grown, "MiB", bar: name == "automerge-paper" ? 5 : nil)
    }

    private static func encodings(_ name: String, _ document: Document, _ trace: Trace) {
        let written = Measure.median(runs: 3) { (try? document.history()) ?? [] }
        let bytes = written.last
        Measure.figure("\(name).history_bytes", Double(bytes.count), "B", bar: name == "automerge-paper" ? 130_000 : nil)
        Measure.figure("\(name).history_write", written.milliseconds, "ms")
        let read = Measure.median(runs: 3) {
            let other = Document(origin: OriginID(rawValue: 2))
            do { try other.merge(bytes) } catch { Measure.check(false, "\(error)") }
            return other
        }
        Measure.check(read.last.text("t").string == trace.final, "\(name): the text of the history read back")
        Measure.figure("\(name).history_read", read.milliseconds, "ms")
        let snapshot = document.snapshot()
        Measure.figure("\(name).snapshot_bytes", Double(snapshot.count), "B")
        let opened = Measure.median(runs: 9) { try? Document(origin: OriginID(rawValue: 3), snapshot: snapshot).text("t").string }
        Measure.check(opened.last == trace.final, "\(name): the text of the snapshot")
        Measure.figure("\(name).open_to_text", opened.milliseconds, "ms", bar: 1)
    }
}
