internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryMerge

/// What is known of entries that are in the store and need no longer be applied.
struct Baseline: Sendable {
    /// Of entries that these cover, those that are alive stand beside the log; what the log still holds of them is there for peers alone.
    var covered = CausalContext()
    /// But of parts whose entries build on each other the log's count too.
    var whole: [[UInt8]] = []

    /// Whether an entry of the log counts when the replica is opened.
    func isApplied(_ entry: FeedEntry) -> Bool { !covered.covers(entry.dot) || entry.isOf(whole) }

    var bytes: [UInt8] {
        var writer = FieldWriter()
        writer.count(covered.dots.count)
        for dot in covered.dots {
            writer.word(dot.origin.rawValue)
            writer.integer(dot.sequence)
        }
        writer.count(whole.count)
        for prefix in whole { writer.string(prefix) }
        return writer.bytes
    }

    init(covered: CausalContext = CausalContext(), whole: [[UInt8]] = []) {
        self.covered = covered
        self.whole = whole
    }

    init(bytes: [UInt8]) throws(FormatError) {
        var reader = FieldReader(bytes)
        covered = CausalContext(covering: try reader.dots())
        for _ in 0..<(try reader.count(ofAtLeast: 2, maximum: Replica.partsMaximum)) {
            whole.append(Array(try reader.string(maximum: PartName.maximum + 1)))
        }
        try reader.end()
    }
}
