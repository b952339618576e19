// bench-reconciliation [ENTRIES]: the tree of counts and sums, and sessions between two of them. CPU milliseconds of one core; all data from seeds.
//
// Bytes and messages of a session are all that the two cores say to each other: hello, fingerprints, lists of entries (key and half a digest each) and
// wishes. The entries themselves, which then travel once each, are not among them. A message is all that one side says before it has to wait.

import SkerryCRDT
import SkerryGossip

let entries = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1])! : 1_000_000

func key(_ index: Int) -> WriteKey {
    // 140 writes a second at three origins.
    WriteKey(
        stamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + UInt64(index) * 7, count: 0),
        origin: OriginID(rawValue: UInt64(1 + index % 3)),
        sequence: UInt64(index / 3 + 1))
}

let digests: [EntryDigest] = (0..<entries).map { EntryDigest(key: key($0), content: []) }

func build(_ holds: (Int) -> Bool) -> ReconciliationTree {
    var tree = ReconciliationTree()
    for index in 0..<entries where holds(index) { tree.insert(key(index), digests[index]) }
    return tree
}

// MARK: The tree

func tree() {
    let resident = Measure.resident()
    let start = Measure.cpu()
    var ordered = build { _ in true }
    let time = Measure.cpu() - start
    Measure.figure("tree.insert-in-order.million", time / Double(entries) * 1e6, "ms", bar: 2_000)
    Measure.figure("tree.bytes-per-key.in-order", Double(ordered.bytesAllocated) / Double(entries), "B", bar: 56)
    Measure.figure("tree.resident-per-key.in-order", Double(Measure.resident() - resident) / Double(entries), "B")
    let removal = Measure.cpu()
    for index in stride(from: 0, to: entries, by: 10) { Measure.check(ordered.remove(key(index)) != nil, "an entry is missing") }
    Measure.figure("tree.remove", (Measure.cpu() - removal) / Double(entries / 10) * 1e6, "ns")
}

func scattered() {
    var tree = ReconciliationTree()
    // A step that shares no divisor with the number of entries goes through all of them.
    var index = 0
    let start = Measure.cpu()
    for _ in 0..<entries {
        index = (index + 618_033_989) % entries
        tree.insert(key(index), digests[index])
    }
    Measure.figure("tree.insert-scattered.million", (Measure.cpu() - start) / Double(entries) * 1e6, "ms")
    Measure.figure("tree.bytes-per-key.scattered", Double(tree.bytesAllocated) / Double(tree.count), "B")
    let questions = 100_000
    var sum: UInt64 = 0
    let asked = Measure.cpu()
    for question in 0..<questions {
        let lower = question * 7_919 % (entries / 2)
        sum &+= tree.summary(of: WriteRange(lower: key(lower), upper: key(lower + entries / 3))).count
    }
    Measure.figure("tree.range-summary", (Measure.cpu() - asked) / Double(questions) * 1e6, "ns")
    Measure.check(sum == UInt64(questions) * UInt64(entries / 3), "a range is wrong")
}

// MARK: Sessions

struct Cost {
    var bytes = 0
    var messages = 0
    var milliseconds = 0.0
    var differences = 0
}

func take(_ frame: [UInt8], by core: inout ReconciliationCore, _ events: inout [ReconciliationEvent]) {
    do throws(ReconciliationViolation) { try core.receive(frame, events: &events) } catch { Measure.check(false, "\(error)") }
}

func session(_ left: borrowing ReconciliationTree, _ right: borrowing ReconciliationTree) -> Cost {
    var cost = Cost()
    var (frame, events): ([UInt8], [ReconciliationEvent]) = ([], [])
    let start = Measure.cpu()
    var first = ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 2), secret: [1])
    var second = ReconciliationCore(responder: [1])
    while !first.isComplete || !second.isComplete {
        var spoke = false
        while first.nextFrame(into: &frame, from: left, events: &events) {
            cost.bytes += frame.count
            spoke = true
            take(frame, by: &second, &events)
        }
        if spoke { cost.messages += 1 }
        spoke = false
        while second.nextFrame(into: &frame, from: right, events: &events) {
            cost.bytes += frame.count
            spoke = true
            take(frame, by: &first, &events)
        }
        if spoke { cost.messages += 1 }
    }
    cost.milliseconds = Measure.cpu() - start
    for event in events {
        switch event {
        case .peerLacks(_, let count): cost.differences += Int(count)
        case .wanted: cost.differences += 1
        default: break
        }
    }
    return cost
}

func sessions() {
    let all = build { _ in true }
    let same = build { _ in true }
    let recent = build { $0 < entries - 1_000 }
    let left = build { $0 < entries - 1_000 || $0 % 2 == 0 }
    let right = build { $0 < entries - 1_000 || $0 % 2 == 1 }
    let scattered = build { $0 % 1_000 != 500 }

    var times: [Double] = []
    for _ in 0..<51 { times.append(session(all, same).milliseconds) }
    let equal = session(all, same)
    Measure.figure("equal.bytes", Double(equal.bytes), "B", bar: 1_000)
    Measure.figure("equal.messages", Double(equal.messages), "messages", bar: 2)
    Measure.figure("equal.cpu-both-sides", times.sorted()[25], "ms", bar: 1)

    let oneSided = session(all, recent)
    Measure.check(oneSided.differences == 1_000, "\(oneSided.differences) differences")
    Measure.figure("recent-1000-one-side.bytes", Double(oneSided.bytes), "B", bar: 60_000)
    Measure.figure("recent-1000-one-side.messages", Double(oneSided.messages), "messages", bar: 6)
    let bothSided = session(left, right)
    Measure.check(bothSided.differences == 1_000, "\(bothSided.differences) differences")
    Measure.figure("recent-1000-both-sides.bytes", Double(bothSided.bytes), "B", bar: 60_000)
    Measure.figure("recent-1000-both-sides.messages", Double(bothSided.messages), "messages", bar: 6)
    Measure.figure("recent-1000-both-sides.cpu", bothSided.milliseconds, "ms")
    let spread = session(all, scattered)
    Measure.figure("scattered-\(entries / 1_000).bytes", Double(spread.bytes), "B")
    Measure.figure("scattered-\(entries / 1_000).messages", Double(spread.messages), "messages")
    Measure.figure("scattered-\(entries / 1_000).cpu", spread.milliseconds, "ms")
    let fresh = session(all, ReconciliationTree())
    Measure.check(fresh.differences == entries, "\(fresh.differences) differences")
    Measure.figure("empty-against-all.bytes", Double(fresh.bytes), "B")
}

tree()
scattered()
sessions()
