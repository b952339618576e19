import SkerryCRDT
import Testing

@testable import SkerryGossip

/// The ledger decides whether a run of the simulation is right, so it is tested itself: what it must forget, and what it must not.
@Suite("Ledger of the simulation of feeds")
struct FeedLedgerTests {
    private static let seeds: [UInt64] = [1, 2, 3, 191, 266]

    /// Two nodes without faults. The clusters of scenarios differ in links and delays only.
    private func cluster(_ seed: UInt64) -> FeedRunner {
        let runner = FeedRunner(seed: seed, isCalm: true, isForged: false, nodes: 2)
        runner.begin()
        return runner
    }

    private func wait(_ milliseconds: UInt64, _ runner: FeedRunner) { runner.world.run(until: runner.world.now + milliseconds) }

    /// A node writes, crashes before the write is durable, and starts again. The number that its next entry has again.
    private func loseWrite(_ key: [UInt8], of node: FeedNode, _ runner: FeedRunner) -> Dot {
        let before = node.core.durable.sequence(of: node.origin)
        node.publish(.write, key, [1, 2])
        node.crash()
        node.start()
        #expect(node.core.durable.sequence(of: node.origin) == before, "the crash took the write")
        return Dot(origin: node.origin, sequence: before + 1)
    }

    private func check(_ runner: FeedRunner) {
        for node in runner.nodes { runner.ledger.check(node.table, runner.world) }
        #expect(runner.world.problems == [])
        // Each node collects its tombstones in its own time.
        let live = runner.nodes.map { $0.table.rows.filter { !$0.value.isRemoval } }
        #expect(live[0] == live[1])
    }

    @Test("a write that a crash took does not count as acknowledged when a statement about members has its number", arguments: seeds)
    func statementAfterCrash(_ seed: UInt64) {
        let runner = cluster(seed)
        let dot = loseWrite([11], of: runner.nodes[0], runner)
        // An acknowledgement of members comes by itself.
        wait(4_000, runner)
        #expect(runner.nodes.allSatisfy { $0.synced.covers(dot) && $0.table.rows.isEmpty })
        #expect(runner.ledger.writes.isEmpty)
        check(runner)
    }

    @Test("a write that a crash took does not become the removal of another key that has its number", arguments: seeds)
    func removalAfterCrash(_ seed: UInt64) {
        let runner = cluster(seed)
        let node = runner.nodes[0]
        node.publish(.write, [2], [1])
        node.publish(.write, [8], [1])
        wait(1_000, runner)
        let dot = loseWrite([2], of: node, runner)
        node.publish(.removal, [8], [])
        wait(1_000, runner)
        #expect(runner.ledger.writes[dot].map { $0.key == [8] && $0.isRemoval && $0.isAcknowledged } == true)
        #expect(runner.nodes.allSatisfy { $0.table[[2]] == [1] && $0.table[[8]] == nil })
        check(runner)
    }

    @Test("a lost disk excuses no write that another node is about to make durable", arguments: seeds)
    func lossElsewhere(_ seed: UInt64) {
        let runner = cluster(seed)
        let (writer, loser) = (runner.nodes[0], runner.nodes[1])
        writer.publish(.write, [5], [1])
        loser.loseDisk()
        loser.start()
        wait(6_000, runner)
        let dot = Dot(origin: writer.origin, sequence: 1)
        #expect(runner.ledger.writes[dot].map { $0.isAcknowledged && !$0.isExcused } == true)
        #expect(loser.table[[5]] == [1])
        check(runner)
    }

    @Test("a lost disk destroys what nobody else had: nobody is blamed for it")
    func lossOfTheOnlyDisk() {
        let runner = cluster(1)
        let node = runner.nodes[0]
        runner.nodes[1].crash()
        node.publish(.write, [5], [1])
        wait(100, runner)
        let dot = Dot(origin: node.origin, sequence: 1)
        #expect(runner.ledger.writes[dot].map { $0.isAcknowledged && !$0.isExcused } == true)
        node.loseDisk()
        #expect(runner.ledger.writes[dot]?.isExcused == true)
    }

    private func entry(_ sequence: UInt64, _ kind: FeedEntry.Kind = .write) -> FeedEntry {
        FeedEntry(
            dot: Dot(origin: OriginID(rawValue: 7), sequence: sequence), stamp: HybridTimestamp(rawValue: sequence), kind: kind, body: [1],
            keyLength: kind == .registry ? 0 : 1, digest: .zero, link: .zero)
    }

    @Test("a crash that takes an acknowledged write is found")
    func acknowledgedAndTaken() {
        let (ledger, world) = (FeedLedger(), FeedWorld(seed: 1))
        for sequence in 1...3 as ClosedRange<UInt64> { ledger.issued(entry(sequence), world) }
        ledger.acknowledged(entry(2).dot)
        ledger.vanished(OriginID(rawValue: 7), behind: 2, world)
        #expect(world.problems.isEmpty && ledger.order == [entry(1).dot, entry(2).dot])
        ledger.vanished(OriginID(rawValue: 7), behind: 1, world)
        #expect(world.problems.count == 1 && world.problems[0].contains("a crash took an acknowledged write"))
    }

    @Test(
        "a number that two writes have is found, and so is one that a write and a statement have",
        arguments: [.write, .registry] as [FeedEntry.Kind])
    func numberOfTwo(_ kind: FeedEntry.Kind) {
        let (ledger, world) = (FeedLedger(), FeedWorld(seed: 1))
        ledger.issued(entry(1), world)
        #expect(world.problems.isEmpty)
        ledger.issued(entry(1, kind), world)
        #expect(world.problems.count == 1 && world.problems[0].contains("is the number of two writes"))
    }

    @Test("an acknowledged write that a table lacks is found, and so is a deleted key that it has")
    func lostAndBack() {
        let (ledger, world) = (FeedLedger(), FeedWorld(seed: 1))
        ledger.issued(entry(1), world)
        ledger.acknowledged(entry(1).dot)
        ledger.check(KeyTable(), world)
        #expect(world.problems.count == 1 && world.problems[0].contains("an acknowledged write is lost"))
        var table = KeyTable()
        table.apply(entry(1))
        ledger.issued(entry(2, .removal), world)
        ledger.acknowledged(entry(2).dot)
        ledger.check(table, world)
        #expect(world.problems.count == 2 && world.problems[1].contains("a deleted key is back"))
    }
}
