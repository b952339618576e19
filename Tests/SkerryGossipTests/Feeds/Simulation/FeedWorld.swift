@testable import SkerryGossip

/// Virtual time: what is to happen, in order of time and then of planning. One generator decides everything, so one seed gives one run.
final class FeedWorld {
    private struct Entry {
        var at: UInt64
        var order: Int
        var action: () -> Void
    }

    /// Milliseconds.
    private(set) var now: UInt64 = 1_000_000
    private var state: UInt64
    /// A heap, the next one first.
    private var queue: [Entry] = []
    private var lastOrder = 0
    private(set) var events = 0
    private(set) var problems: [String] = []
    /// FNV-1a over all that happened.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    var faults = FeedFaults()

    init(seed: UInt64) { state = seed &* 0x2545_F491_4F6C_DD1D &+ 0x9E37_79B9 }

    func at(_ moment: UInt64, _ action: @escaping () -> Void) {
        lastOrder += 1
        queue.append(Entry(at: max(moment, now), order: lastOrder, action: action))
        var child = queue.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    func after(_ milliseconds: Int, _ action: @escaping () -> Void) { at(now + UInt64(max(0, milliseconds)), action) }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (a, b) = (queue[left], queue[right])
        return a.at != b.at ? a.at < b.at : a.order < b.order
    }

    private func pop() -> Entry {
        let first = queue[0]
        let last = queue.removeLast()
        guard !queue.isEmpty else { return first }
        queue[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < queue.count && precedes(child, least) { least = child }
            guard least != parent else { return first }
            queue.swapAt(least, parent)
            parent = least
        }
    }

    /// Runs until the moment, the number of events, or a problem.
    func run(until end: UInt64 = .max, events limit: Int = .max, isDone: () -> Bool = { false }) {
        let last = limit == .max ? Int.max : events + limit
        while !queue.isEmpty, queue[0].at <= end, events < last, problems.isEmpty, !isDone() {
            let entry = pop()
            now = entry.at
            events += 1
            entry.action()
        }
        if end != .max, problems.isEmpty, events < last { now = max(now, end) }
    }

    func note(_ values: UInt64...) {
        mix(now)
        for value in values { mix(value) }
    }

    private func mix(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01B3 }

    func problem(_ text: String) { if problems.count < 5 { problems.append("\(now) ms: \(text)") } }

    func check(_ condition: Bool, _ text: @autoclosure () -> String) { if !condition { problem(text()) } }

    func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    func below(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(next() % UInt64(bound)) }
    func chance(_ percent: Int) -> Bool { below(100) < percent }
}
