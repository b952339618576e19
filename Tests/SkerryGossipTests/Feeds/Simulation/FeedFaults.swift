/// How often each kind of fault was put in. A run of all seeds that never put one in proves nothing about it.
struct FeedFaults {
    var counts: [String: Int] = [:]

    static let kinds = [
        "loss", "duplication", "reordering", "cut", "one-way cut", "flapping", "crash", "torn tail", "disk loss", "restored backup",
        "clock ahead",
        "clock behind", "clock jump", "join", "retirement", "return", "return after collection", "late entry", "refused stamp", "forgery",
        "repair", "stranger",
    ]

    mutating func add(_ kind: String, _ count: Int = 1) { counts[kind, default: 0] += count }

    mutating func merge(_ other: FeedFaults) { counts.merge(other.counts) { $0 + $1 } }

    var missing: [String] { Self.kinds.filter { counts[$0, default: 0] == 0 } }

    var description: String { Self.kinds.map { "\($0) \(counts[$0, default: 0])" }.joined(separator: ", ") }
}
