import SkerryCRDT

/// A trace of a lone writer, one commit a transaction, and what its document costs.
enum Sequential {
    static func document(of transactions: some Sequence<Trace.Transaction>) -> Document {
        let document = Document(origin: OriginID(rawValue: 1))
        for transaction in transactions { transaction.commit(to: document) }
        return document
    }

    static func run(_ trace: Trace, runs: Int, isRecorded: Bool) -> [(String, Double)] {
        var measures: [(String, Double)] = []
        let before = Measure.resident()
        var kept: Document? = document(of: trace.transactions)
        measures.append(("memory", Measure.resident() - before))
        if isRecorded { Measure.check(kept!.text("t").string == trace.final, "the final text is another") }
        measures += Encodings.run(kept!)
        kept = nil
        measures.append(("replay", Measure.median(runs: runs) { document(of: trace.transactions) }.milliseconds))
        measures += exports(trace)
        if !trace.hasValues { measures += versions(trace) + undo(trace) }
        return measures
    }

    /// What is new written out after every transaction, at most 5,000 of them.
    private static func exports(_ trace: Trace) -> [(String, Double)] {
        let transactions = trace.transactions.prefix(5000)
        var bytes = 0
        let time = Measure.median(runs: 3) {
            let document = Document(origin: OriginID(rawValue: 1))
            bytes = 0
            for transaction in transactions {
                let known = document.version
                transaction.commit(to: document)
                bytes += ((try? document.history(since: known)) ?? []).count
            }
        }
        let frames = Measure.median(runs: 3) {
            let document = Document(origin: OriginID(rawValue: 1))
            var encoder = UpdateEncoder()
            for transaction in transactions {
                transaction.commit(to: document)
                while let frame = try? encoder.encode(document), !frame.isEmpty {}
            }
        }
        return [
            ("exports", time.milliseconds), ("exports-bytes", Double(bytes) / Double(transactions.count)),
            ("frames", frames.milliseconds),
        ]
    }

    private static func versions(_ trace: Trace) -> [(String, Double)] {
        let half = trace.transactions.count / 2
        let document = document(of: trace.transactions.prefix(half))
        let middle = document.version, said = document.text("t").string
        for transaction in trace.transactions.dropFirst(half) { transaction.commit(to: document) }
        do {
            let fork = try Measure.median(runs: 3) { try document.fork(origin: OriginID(rawValue: 2)) }
            Measure.check(fork.last.text("t").string == document.text("t").string, "the fork says something else")
            let at = try Measure.median(runs: 3) { try document.at(middle).text("t").string }
            Measure.check(at.last == said, "the old version says something else")
            let diff = try Measure.median(runs: 3) { try document.diff(from: middle, to: document.version) }
            return [("fork", fork.milliseconds), ("at", at.milliseconds), ("diff", diff.milliseconds)]
        } catch { Measure.check(false, "\(error)") }
        return []
    }

    /// The last transactions taken back one by one, made again, and taken back once more, each for at most a second: milliseconds a step.
    private static func undo(_ trace: Trace) -> [(String, Double)] {
        let document = Document(origin: OriginID(rawValue: 1))
        do { try document.enableUndo(limit: 1000) } catch { Measure.check(false, "\(error)") }
        for transaction in trace.transactions { transaction.commit(to: document) }
        let text = document.text("t").string
        func steps(_ step: () -> Bool) -> Double {
            let start = Measure.cpu()
            var count = 0
            while count < 1000, Measure.cpu() - start < 1000, step() { count += 1 }
            return (Measure.cpu() - start) / Double(count)
        }
        let back = steps { document.undo() }, again = steps { document.redo() }
        while document.canRedo { document.redo() }
        Measure.check(document.text("t").string == text, "what was taken back and made again is another text")
        return [("undo-step", back), ("redo-step", again), ("undo-again-step", steps { document.undo() })]
    }
}
