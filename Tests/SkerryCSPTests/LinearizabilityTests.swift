import SkerryCSP
import Synchronization
import Testing

@Suite struct LinearizabilityTests {
    @Test("the checker accepts a history of a queue and refuses impossible ones")
    func checker() {
        func holds(_ limit: Int, _ entries: [(HistoryEntry.Event, Int, Int)]) -> Bool {
            LinearizabilityChecker.accepts(entries.map { HistoryEntry(event: $0.0, start: $0.1, end: $0.2) }, limit: limit)
        }
        #expect(holds(1, [(.sent(1), 0, 1), (.received(1), 2, 3)]))
        // Overlapping, the receive may come second.
        #expect(holds(1, [(.received(1), 0, 3), (.sent(1), 1, 2)]))
        #expect(!holds(1, [(.received(1), 0, 1), (.sent(1), 2, 3)]), "received before it was sent")
        #expect(!holds(2, [(.sent(1), 0, 1), (.sent(2), 2, 3), (.received(2), 4, 5)]), "overtaken")
        #expect(!holds(1, [(.sent(1), 0, 1), (.sent(2), 2, 3)]), "more than the bound")
        #expect(!holds(2, [(.sent(1), 0, 1), (.received(1), 2, 3), (.received(1), 4, 5)]), "doubled")
        #expect(!holds(2, [(.sent(1), 0, 1), (.empty, 2, 3)]), "lost")
        #expect(!holds(2, [(.sent(1), 0, 1), (.closed, 2, 3), (.ended, 4, 5)]), "ended before it was drained")
        #expect(!holds(2, [(.closed, 0, 1), (.sent(1), 2, 3)]), "sent after closing")
    }

    @Test("random schedules on one thread are linearizable, and a seed replays", arguments: seeds(300, soak: 10_000))
    func schedules(seed: Int) throws {
        let first = try run(seed)
        #expect(try run(seed) == first, "two runs of seed \(seed) differ")
    }

    /// Returns the digest of the run.
    private func run(_ seed: Int) throws -> UInt64 {
        let simulation = Simulation(seed: seed)
        let limit = 1 + seed % 3
        let script = Script(seed: seed)
        let recorder = Recorder(Channel<Int>(.buffer(limit)))
        let tasks = script.tasks.map { steps in
            simulation.spawn { await recorder.perform(steps, yielding: true) }
        }
        for index in script.cancelled {
            simulation.run(steps: simulation.random(in: 1..<20))
            tasks[index].cancel()
        }
        simulation.run()
        // Whoever waits for ever is no part of the history; close, so that all are.
        recorder.close()
        simulation.run()
        #expect(tasks.allSatisfy { !$0.isWaiting })
        let history = recorder.history
        for entry in history { simulation.record(entry.start << 32 | entry.end) }
        #expect(LinearizabilityChecker.accepts(history, limit: limit), "seed \(seed), limit \(limit): \(history)")
        return simulation.digest
    }

    @Test("random histories of many threads are linearizable", arguments: seeds(600, soak: 20_000))
    func threads(seed: Int) async {
        let limit = 1 + seed % 3
        let script = Script(seed: seed)
        let recorder = Recorder(Channel<Int>(.buffer(limit)))
        let gate = Locked(0)
        await withTaskGroup(of: Void.self) { group in
            for steps in script.tasks {
                group.addTask {
                    // All begin at one moment, if there are processors enough.
                    gate.withLock { $0 += 1 }
                    for _ in 0..<200 where gate.withLock({ $0 }) < script.tasks.count { await Task.yield() }
                    await recorder.perform(steps, yielding: false)
                }
            }
            if !script.cancelled.isEmpty {
                for _ in 0..<seed % 50 { await Task.yield() }
                group.cancelAll()
            }
            // Enough turns for those that can go on; then close, so that nobody waits for ever.
            for _ in 0..<200 { await Task.yield() }
            recorder.close()
        }
        #expect(LinearizabilityChecker.accepts(recorder.history, limit: limit), "seed \(seed), limit \(limit): \(recorder.history)")
    }
}

/// What the tasks of one history do.
private struct Script {
    enum Step: Sendable {
        case send(Int), trySend(Int), receive, tryReceive, close
    }

    var tasks: [[Step]] = []
    var cancelled: [Int] = []

    init(seed: Int) {
        var generator = SplitMix(seed: seed)
        var element = 0
        for _ in 0..<Int.random(in: 2...4, using: &generator) {
            tasks.append(
                (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    element += 1
                    switch Int.random(in: 0..<20, using: &generator) {
                    case 0..<7: return .send(element)
                    case 7..<14: return .receive
                    case 14..<16: return .trySend(element)
                    case 16..<19: return .tryReceive
                    default: return .close
                    }
                })
        }
        for index in tasks.indices where Int.random(in: 0..<6, using: &generator) == 0 { cancelled.append(index) }
    }
}

/// Performs operations and writes down what came of them.
private final class Recorder: Sendable {
    private let channel: Channel<Int>
    private let clock = Atomic(0)
    private let entries = Locked<[HistoryEntry]>([])

    init(_ channel: Channel<Int>) {
        self.channel = channel
    }

    var history: [HistoryEntry] { entries.withLock { $0 } }

    func close() {
        record(tick()) {
            channel.sender.close(); return .closed
        }
    }

    func perform(_ steps: [Script.Step], yielding: Bool) async {
        for step in steps {
            if yielding { await Task.yield() }
            let start = tick()
            switch step {
            case .send(let element):
                let event: HistoryEntry.Event
                do {
                    try await channel.sender.send(element)
                    event = .sent(element)
                } catch {
                    event = error is ChannelClosed ? .sendRefused : .cancelled
                }
                record(start) { event }
            case .receive:
                let event: HistoryEntry.Event
                do { event = try await channel.receiver.receive().map { .received($0) } ?? .ended } catch { event = .cancelled }
                record(start) { event }
            case .trySend(let element):
                record(start) {
                    do { return try channel.sender.trySend(element) ? .sent(element) : .full } catch { return .sendRefused }
                }
            case .tryReceive:
                record(start) {
                    switch channel.receiver.tryReceive() {
                    case .element(let element): .received(element)
                    case .empty: .empty
                    case .closed: .ended
                    }
                }
            case .close:
                record(start) {
                    channel.receiver.close(); return .closed
                }
            }
        }
    }

    private func tick() -> Int { clock.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }

    private func record(_ start: Int, _ event: () -> HistoryEntry.Event) {
        let event = event()
        let end = tick()
        entries.withLock { $0.append(HistoryEntry(event: event, start: start, end: end)) }
    }
}
