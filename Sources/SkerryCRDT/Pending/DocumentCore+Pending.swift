extension DocumentCore {
    /// Takes in the events of a batch: applies what it can, keeps what builds on missing events, and applies what had waited for these.
    ///
    /// - Parameter isOwn: whether this replica wrote it down itself, so that no stamp in it is from the future.
    /// - Throws: ``DocumentError``; the batch is refused whole, and what waited waits on.
    mutating func take(_ batch: borrowing ChangeBatch, isOwn: Bool) throws(DocumentError) -> ImportResult {
        trustsStamps = isOwn
        defer { trustsStamps = false }
        let applied = try apply(batch)
        if applied.waiting.isEmpty, pending.isEmpty { return applied.result }
        var result = applied.result
        var names: [(name: Dot, missing: Dot)] = []
        for (index, missing) in applied.waiting where !isDefective(.pendingDropped) {
            let run = PendingRun(index, of: batch)
            do throws(DocumentError) {
                try pending.insert(run, missing: missing)
                names.append((run.name, missing))
            } catch { result.refuse(run.range, missing: missing, error) }
        }
        if !isDefective(.pendingForgotten) { settlePending(&result) }
        for (name, _) in names {
            guard let missing = pending.missing(for: name), let range = pending.range(of: name) else { continue }
            result.wait(range, for: missing)
        }
        return result
    }

    /// Applies what waited for events that have come, and what waited for those.
    private mutating func settlePending(_ result: inout ImportResult) {
        var news = result.appliedRanges
        var next = 0
        while next < news.count {
            for run in pending.takeWaiting(for: news[next]) {
                do throws(DocumentError) {
                    let applied = try apply(run.batch())
                    if let (_, missing) = applied.waiting.first {
                        // It was within the limits before.
                        try pending.insert(run, missing: missing)
                    }
                    for range in applied.result.appliedRanges {
                        result.apply(range)
                        news.append(range)
                    }
                } catch { result.refuse(run.range, missing: nil, error) }
            }
            next += 1
        }
    }
}

extension PendingEvents {
    func range(of name: Dot) -> EventRange? { runs[name]?.run.range }
}
