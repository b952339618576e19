import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Two cores with a line between them: what each found out, and what crossed.
struct Exchange<Store: RangeSummaryStore & ~Copyable>: ~Copyable where Store.Failure == Never {
    struct Side {
        var core: ReconciliationCore
        var events: [ReconciliationEvent] = []
        var inbox: [[UInt8]] = []
        var bytes = 0
        var frames = 0
        var violation: ReconciliationViolation?
        var largestFrame = 0
    }

    var first: Side
    var second: Side
    let firstStore: Store
    let secondStore: Store
    /// Messages one way or the other, where all that one side has to say at once is one message.
    var messages = 0
    var peakPending = 0

    init(
        _ firstStore: consuming Store, _ secondStore: consuming Store, horizons: (HybridTimestamp, HybridTimestamp) = (.zero, .zero),
        over ranges: [WriteRange] = [.all], limits: ReconciliationLimits = ReconciliationLimits(), nonce: UInt64 = 1
    ) {
        let secret: [UInt8] = [1, 2, 3]
        first = Side(
            core: ReconciliationCore(
                initiator: ReconciliationNonce(low: nonce, high: 9), secret: secret, horizon: horizons.0, over: ranges, limits: limits))
        second = Side(core: ReconciliationCore(responder: secret, horizon: horizons.1, limits: limits))
        self.firstStore = firstStore
        self.secondStore = secondStore
    }

    /// One side says all that it can, then the other, until nobody has anything to say.
    mutating func run(messagesMaximum: Int = 10_000) {
        while messages < messagesMaximum {
            let spoke = Self.pull(&first, firstStore, to: &second)
            if spoke { messages += 1 }
            Self.deliver(&second)
            note()
            let answered = Self.pull(&second, secondStore, to: &first)
            if answered { messages += 1 }
            Self.deliver(&first)
            note()
            guard spoke || answered else { return }
        }
    }

    /// Pulls and deliveries in random order, a frame at a time.
    mutating func run(_ draws: inout Draws, steps: Int = 1_000_000) {
        var idle = 0
        for _ in 0..<steps where idle < 40 {
            idle += 1
            switch draws.below(4) {
            case 0: if Self.pullOne(&first, firstStore, to: &second) { idle = 0 }
            case 1: if Self.pullOne(&second, secondStore, to: &first) { idle = 0 }
            case 2: if Self.deliverOne(&first) { idle = 0 }
            default: if Self.deliverOne(&second) { idle = 0 }
            }
        }
    }

    var problem: ReconciliationViolation? { first.violation ?? second.violation }
    var bytes: Int { first.bytes + second.bytes }

    private static func pull(_ side: inout Side, _ store: borrowing Store, to other: inout Side) -> Bool {
        var spoke = false
        while pullOne(&side, store, to: &other) { spoke = true }
        return spoke
    }

    private static func pullOne(_ side: inout Side, _ store: borrowing Store, to other: inout Side) -> Bool {
        guard side.violation == nil else { return false }
        var frame: [UInt8] = []
        guard side.core.nextFrame(into: &frame, from: store, events: &side.events) else { return false }
        side.bytes += frame.count
        side.frames += 1
        side.largestFrame = max(side.largestFrame, frame.count)
        other.inbox.append(frame)
        return true
    }

    private static func deliver(_ side: inout Side) { while deliverOne(&side) {} }

    private static func deliverOne(_ side: inout Side) -> Bool {
        guard side.violation == nil, !side.inbox.isEmpty else { return false }
        let frame = side.inbox.removeFirst()
        do throws(ReconciliationViolation) { try side.core.receive(frame, events: &side.events) } catch { side.violation = error }
        return true
    }

    private mutating func note() {
        for side in [first, second] {
            let ranges = side.core.pending.map(\.count).max() ?? 0
            peakPending = max(peakPending, ranges)
        }
    }
}

/// What a side was told, with ranges opened up.
struct Findings: Equatable {
    /// Keys to send, each as often as it was named.
    var sends: [WriteKey] = []
    var lacks: [WriteKey] = []
    var differs: [WriteKey] = []
    var offered: UInt64 = 0
    var completed: Bool?

    init<Store: RangeSummaryStore & ~Copyable>(_ events: [ReconciliationEvent], _ store: borrowing Store) where Store.Failure == Never {
        for event in events {
            switch event {
            case .greeted: break
            case .peerLacks(let range, let count):
                let before = sends.count
                store.visit(range) {
                    sends.append($0.key); return true
                }
                if sends.count - before != Int(count) { Issue.record("a range says \(count) and holds \(sends.count - before)") }
            case .wanted(let key): sends.append(key)
            case .lacks(let key): lacks.append(key)
            case .differs(let key, _): differs.append(key)
            case .offered(let count): offered += count
            case .completed(let isEqual): completed = isEqual
            }
        }
        sends.sort()
        lacks.sort()
        differs.sort()
    }
}

extension Exchange where Store: ~Copyable {
    /// What is wrong with the findings, measured at the sets themselves. Empty when all is right.
    func problems(_ left: [WriteKey: EntryDigest], _ right: [WriteKey: EntryDigest], from horizon: HybridTimestamp = .zero) -> [String] {
        var problems: [String] = []
        if let problem { return ["violation \(problem)"] }
        let floor = WriteKey(startOf: horizon)
        let onlyLeft = left.keys.filter { $0 >= floor && right[$0] == nil }.sorted()
        let onlyRight = right.keys.filter { $0 >= floor && left[$0] == nil }.sorted()
        let differing = left.keys.filter { key in key >= floor && right[key].map { $0 != left[key] } ?? false }.sorted()
        let (one, two) = (Findings(first.events, firstStore), Findings(second.events, secondStore))
        if one.sends != onlyLeft { problems.append("the initiator sends \(one.sends.count) of \(onlyLeft.count)") }
        if two.sends != onlyRight { problems.append("the responder sends \(two.sends.count) of \(onlyRight.count)") }
        if one.differs != differing || two.differs != differing {
            problems.append("\(one.differs.count), \(two.differs.count) of \(differing.count) differ")
        }
        if one.lacks.count + Int(one.offered) != onlyRight.count {
            problems.append("the initiator expects \(one.lacks.count) + \(one.offered)")
        }
        if two.lacks.count + Int(two.offered) != onlyLeft.count {
            problems.append("the responder expects \(two.lacks.count) + \(two.offered)")
        }
        let isEqual = onlyLeft.isEmpty && onlyRight.isEmpty && differing.isEmpty
        if one.completed != isEqual || two.completed != isEqual {
            problems.append("completed as \(String(describing: one.completed)), \(String(describing: two.completed))")
        }
        if !first.core.openRanges.isEmpty || !second.core.openRanges.isEmpty { problems.append("ranges stay open") }
        return problems
    }
}
