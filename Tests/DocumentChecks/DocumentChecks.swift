import Foundation
import SkerryCRDT

/// The tests of documents that take many cases: optimised, on two threads, each case from its seed.
///
/// `document-checks` runs all at the counts of every change, `document-checks NAME...` some, `SKERRY_SOAK=1` at the counts of a night,
/// `SKERRY_PERCENT=5` a part of them. `SKERRY_TRACES=FOLDER` adds recorded sessions to those of the tree.
@main
enum DocumentChecks {
    static let isSoak = ProcessInfo.processInfo.environment["SKERRY_SOAK"] == "1"

    static let percent = ProcessInfo.processInfo.environment["SKERRY_PERCENT"].flatMap(Int.init) ?? 100

    static func count(_ usual: Int, soak: Int) -> Int { max(10, (isSoak ? soak : usual) * percent / 100) }

    static func main() async {
        let wanted = CommandLine.arguments.dropFirst()
        var failed = false
        for (name, body) in checks where wanted.isEmpty || wanted.contains(name) {
            let clock = ContinuousClock()
            let start = clock.now
            do {
                let result = try await body()
                say("\(name): \(result), \(clock.now - start)")
            } catch {
                say("\(name): FAILED: \(error)")
                failed = true
            }
        }
        exit(failed ? 1 : 0)
    }

    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private typealias Body = @Sendable () async throws -> String

    private static let checks: [(String, Body)] = [
        ("hostile", hostile), ("histories", histories), ("replays", replays), ("small-scope", smallScope), ("laws", laws),
        ("traces", traces),
        ("clocks", clocks),
    ]

    private static func histories() async throws -> String {
        let seeds = count(2_000, soak: 200_000)
        try await inParallel(0..<seeds) { seed in try RandomHistories.run(seed: seed, changes: 300...1_000) }
        return "\(seeds) histories of 2 to 5 replicas with 300 to 1,000 changes each agree with the model, their notices and their anchors"
    }

    private static func replays() async throws -> String {
        let seeds = count(500, soak: 50_000)
        try await inParallel(0..<seeds) { seed in try Replays.run(seed: seed, changes: 300...1_000, orders: 10) }
        return "\(seeds) histories of 300 to 1,000 changes say the same in 10 other orders, through encodings, and in no order"
    }

    private static func smallScope() async throws -> String {
        let tally = Tally()
        for length in 1...4 { try await share(length, of: length > 2 ? 2 : 1, tally) }
        // Of five events a quarter every time, all in a night.
        try await share(5, of: isSoak ? 2 : 8, tally)
        let (histories, deliveries, runs) = tally.sums
        try require(histories > 100_000 && runs > 0, "only \(histories) histories, \(runs) with runs")
        let five = isSoak ? "all" : "a quarter"
        return "every history of up to 4 events and \(five) of 5: \(histories) in \(deliveries) orders, \(runs) with runs that stay apart"
    }

    private static func share(_ length: Int, of shares: Int, _ tally: Tally) async throws {
        try await inParallel(0..<min(shares, 2)) { share in
            var scope = SmallScope()
            try scope.run(length: length, share: share, of: shares)
            tally.add(scope)
        }
    }

    private static func laws() async throws -> String {
        let triples = count(100_000, soak: 10_000_000)
        try await inParallel(0..<StateLaws.subjects.count) { index in try StateLaws.run(StateLaws.subjects[index], triples: triples) }
        let sessions = count(2_000, soak: 200_000)
        try await inParallel(0..<sessions) { seed in try StateMeanings.run(seed: seed) }
        return
            "\(StateLaws.subjects.count) state types keep their laws on \(triples) triples each, and mean the same as plain sets in \(sessions) sessions"
    }

    private static func traces() async throws -> String {
        let names = Traces.names
        try await inParallel(0..<names.count) { index in try Traces.run(names[index], looks: 100) }
        return "\(names.count) traces end on their text, and each says the same at 100 versions on the way"
    }

    private static func hostile() async throws -> String {
        let total = count(1_000_000, soak: 1_000_000_000)
        let samples = try Hostile.samples()
        try Hostile.bombs()
        Memory.resetPeak()
        let before = Memory.now
        let tally = Tally()
        // A tenth of all in each part: three of histories, two of snapshots, three of frames, two of states.
        let parts = 1_000
        try await inParallel(0..<parts) { part in
            let count = total / parts
            let result =
                switch part % 10 {
                case 0, 1, 2: try Hostile.histories(samples, seed: part, count: count)
                case 3, 4: try Hostile.snapshots(samples, seed: part, count: count)
                case 5, 6, 7: try Hostile.frames(samples, seed: part, count: count)
                default: try Hostile.states(samples, seed: part, count: count)
                }
            tally.add(result)
        }
        let grown = Memory.peak - before
        try require(grown < 64 << 20, "memory grew by \(grown) bytes")
        let (refused, taken, _) = tally.sums
        try require(refused > total / 4 && taken > total / 100, "\(refused) refused, \(taken) taken")
        return "\(total) damaged inputs, \(refused) refused without a trace, \(taken) taken, memory grew by \(grown >> 10) KiB at most"
    }

    private static func longRuns() async throws {
        let shapes = LongRuns.Shape.allCases
        try await inParallel(0..<shapes.count) { index in
            for operations in [1, 128, 129, 256, 257, 1_000, 10_000] { try LongRuns.alone(shapes[index], operations: operations) }
            for operations in [300, 1_000, 10_000] { try LongRuns.branches(shapes[index], operations: operations) }
        }
    }

    private static func clocks() async throws -> String {
        let seeds = count(500, soak: 50_000)
        try await inParallel(0..<seeds) { seed in
            try Clocks.run(seed: seed)
            try Undoing.run(seed: seed)
            try Undoing.authors(seed: seed)
            try Authors.run(seed: seed)
            try Slices.run(seed: seed)
            try Presences.run(seed: seed)
        }
        try Undoing.values()
        try Undoing.broughtBack()
        try Slices.fault()
        try await longRuns()
        try Clocks.documents()
        try Clocks.future()
        try Clocks.ownPast()
        return "\(seeds) lives of clocks, sessions with undo of all and by author, presence, and imports in slices"
    }
}
