import SkerryCRDT

/// Runs of more operations than one piece of an import in slices takes.
enum LongRuns {
    /// What each operation of a run does: none goes on where the one before it ended, so that they stay operations of their own.
    enum Shape: CaseIterable {
        case forward, backward, deletions, elements, moves, keys

        func write(_ number: Int, of count: Int, in change: Change) {
            switch self {
            case .forward where number % 2 == 0: change.text("t").insert("\(number % 10)", at: change.text("t").count())
            case .forward: change.list("l").insert(.int(Int64(number)), at: change.list("l").count)
            case .backward: change.text("t").insert(number % 3 == 0 ? "é" : "\(number % 10)", at: 0)
            case .deletions where number == 0: change.text("t").insert(String(repeating: "0123456789", count: count / 5 + 1), at: 0)
            case .deletions: change.text("t").replace(number..<number + 1, with: "")
            case .elements: change.list("l").insert(.int(Int64(number)), at: 0)
            case .moves where number < 8: change.list("l").insert(.int(Int64(number)), at: 0)
            case .moves where number % 2 == 0: change.list("l").move(from: 7, to: 0)
            case .moves: change.list("l").move(from: 0, to: 7)
            case .keys: change.map("m")["k\(number % 7)"] = .int(Int64(number))
            }
        }
    }

    /// Operations of a piece.
    private static let piece = 128

    /// One run that a single replica wrote, alone in its history.
    static func alone(_ shape: Shape, operations: Int) throws {
        let writer = document(1)
        for number in 0..<operations { writer.change { shape.write(number, of: operations, in: $0) } }
        let slices = try compare(try writer.history(), of: writer, "\(shape), \(operations) operations")
        // A slice to decode, one for each piece, and one that finds the chunk done.
        let expected = 2 + (operations + piece - 1) / piece
        try require(slices == expected, "\(shape), \(operations) operations: \(slices) slices, not \(expected)")
        if operations <= 1_000 { try restarts(try writer.history(), of: writer, "\(shape), \(operations) operations") }
    }

    /// Runs that know of another branch, beside that branch, taken in by one who writes meanwhile.
    static func branches(_ shape: Shape, operations: Int) throws {
        let what = "\(shape), \(operations) operations and a branch"
        let writer = document(1), other = document(2)
        for number in 0..<operations {
            writer.change { shape.write(number, of: operations, in: $0) }
            if number == operations / 3 { try other.merge(writer) }
            if number == operations * 2 / 3 {
                for number in 0..<piece + 20 {
                    other.change {
                        $0.text("t").insert("b", at: number % 2 == 0 ? 0 : $0.text("t").count())
                        $0.list("l").insert(.int(-1), at: 0)
                        $0.map("m")["b"] = .int(Int64(number))
                    }
                }
                try writer.merge(other)
            }
        }
        let bytes = try writer.history()
        let slices = try compare(bytes, of: writer, what)
        try require(slices > 4, "\(what): \(slices) slices")
        let busy = document(4)
        let mirror = Mirror(busy)
        var work = DocumentImport(bytes)
        while !work.isDone {
            try work.step(into: busy) { false }
            busy.change {
                $0.text("t").insert("own", at: $0.text("t").count(in: .scalars) / 2, in: .scalars)
                $0.list("l").insert(.int(-2), at: $0.list("l").count / 2)
                $0.map("m")["k1"] = "own"
            }
            try mirror.check()
        }
        try writer.merge(busy)
        try busy.merge(writer)
        try require(Plain(busy) == Plain(writer), "\(what): one who wrote between slices says something else")
    }

    private static func document(_ origin: UInt64) -> Document { Document(origin: OriginID(rawValue: origin), now: { 1_000_000 }) }

    /// Takes a history in at once and slice by slice: the same document, the same events, the same notices. Returns the number of slices.
    private static func compare(_ bytes: [UInt8], of writer: Document, _ what: String) throws -> Int {
        let whole = document(3), sliced = document(3)
        let expected = try whole.merge(bytes)
        let mirror = Mirror(sliced)
        var work = DocumentImport(bytes)
        var slices = 0
        while !work.isDone {
            let before = sliced.version, applied = work.result.applied
            try work.step(into: sliced) { false }
            try mirror.check()
            try require(sliced.version.covers(before), "\(what): a slice took something away")
            try require(
                events(sliced.version) - events(before) == work.result.applied - applied, "\(what): a slice says another number of events")
            slices += 1
            // As if a shorter history had come.
            if slices < 12 || work.isDone {
                try require(Past(sliced) == Past(writer.at(sliced.version)), "\(what): slice \(slices) left another document")
            }
        }
        try require(work.result.missing == nil && work.result.applied == expected.applied, "\(what): \(work.result.applied) events")
        try require(joined(work.result) == joined(expected), "\(what): other events than at once")
        try require(sliced.version == writer.version && sliced.snapshot() == whole.snapshot(), "\(what): slices left something else")
        try require(Plain(sliced) == Plain(writer), "\(what): another state in slices")
        return slices
    }

    /// Given up after every slice and begun again: with the same bytes, of which ever more is known, and with what is still missing.
    private static func restarts(_ bytes: [UInt8], of writer: Document, _ what: String) throws {
        let again = document(3), rest = document(3)
        var slices = 0
        while again.version != writer.version {
            slices += 1
            var work = DocumentImport(bytes)
            for _ in 0..<1 + slices where !work.isDone { try work.step(into: again) { false } }
            try require(slices < 1_000, "\(what): begun again and again it does not end")
        }
        while rest.version != writer.version {
            var work = DocumentImport(try writer.history(since: rest.version))
            let before = rest.version
            for _ in 0..<2 { try work.step(into: rest) { false } }
            try require(rest.version != before, "\(what): a piece of the rest brought nothing")
        }
        try require(again.snapshot() == writer.snapshot(), "\(what): begun again it left something else")
        try require(rest.snapshot() == writer.snapshot(), "\(what): piece by piece of the rest left something else")
    }

    private static func events(_ version: CausalContext) -> Int { version.dots.reduce(0) { $0 + Int($1.sequence) } }

    /// What became part of a document, neighbours of an origin in one.
    private static func joined(_ result: ImportResult) -> [EventRange] {
        var joined: [EventRange] = []
        for range in result.appliedRanges {
            if let last = joined.last, last.origin == range.origin, last.last + 1 == range.first {
                joined[joined.count - 1] = EventRange(origin: range.origin, first: last.first, last: range.last)
            } else {
                joined.append(range)
            }
        }
        return joined
    }
}
