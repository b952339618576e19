@testable import SkerrySession

/// Virtual time: what is to happen, in order of time and then of planning. One generator decides everything, so one seed gives one run.
final class World {
    private struct Entry {
        var at: Moment
        var order: Int
        var action: () -> Void
    }

    private(set) var now = Moment(nanoseconds: 1_000_000_000)
    var generator: SeededGenerator
    /// Sorted with the next one last.
    private var queue: [Entry] = []
    private var lastOrder = 0
    /// What the checkers found.
    private(set) var problems: [String] = []
    /// FNV-1a over all that happened.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var steps = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    func at(_ moment: Moment, _ action: @escaping () -> Void) {
        lastOrder += 1
        let entry = Entry(at: max(moment, now), order: lastOrder, action: action)
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if (queue[middle].at, queue[middle].order) > (entry.at, entry.order) { low = middle + 1 } else { high = middle }
        }
        queue.insert(entry, at: low)
    }

    func after(_ duration: Duration, _ action: @escaping () -> Void) { at(now + duration, action) }

    /// Runs until nothing is planned, `isDone`, or the moment has come.
    func run(until end: Moment, isDone: () -> Bool = { false }) {
        while let entry = queue.last, entry.at <= end, problems.count < 5, !isDone() {
            queue.removeLast()
            now = entry.at
            steps += 1
            entry.action()
        }
        if queue.isEmpty || queue.last!.at > end { now = max(now, end) }
    }

    func note(_ what: StaticString, _ values: UInt64...) {
        for byte in UnsafeBufferPointer(start: what.utf8Start, count: what.utf8CodeUnitCount) { mix(UInt64(byte)) }
        mix(UInt64(bitPattern: now.nanoseconds))
        for value in values { mix(value) }
    }

    private func mix(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01B3 }

    func problem(_ text: String) { if problems.count < 5 { problems.append("\(now): \(text)") } }

    func check(_ condition: Bool, _ text: @autoclosure () -> String) { if !condition { problem(text()) } }

    func below(_ bound: Int) -> Int { Int(generator.below(UInt64(max(1, bound)))) }
    func chance(_ probability: Double) -> Bool { generator.chance(probability) }
    func milliseconds(_ bound: Int) -> Duration { .microseconds(below(bound * 1_000)) }
}
