/// The marks of one text: the side index of Peritext (Litt, Lim, Kleppmann, van Hardenberg, CSCW 2022).
///
/// A mark covers the characters between two *anchors*, each a character's name and a side of it, so it moves with its text and takes in what others
/// insert in the middle of it. Of the marks of one kind that cover a character the one with the largest (stamp, dot) holds, and later marks have larger
/// stamps than what they had seen; kinds do not touch each other. So what is marked is a function of the set of events.
struct MarkState: ~Copyable, Sendable {
    struct Anchor: BitwiseCopyable, Sendable, Hashable {
        /// A unit of the sequence, ``edge`` for the beginning of the text (after nothing) or its end (before nothing).
        var unit: UInt32
        var isAfter: Bool

        static let edge = UInt32.max
        static let beginning = Anchor(unit: edge, isAfter: true)
        static let end = Anchor(unit: edge, isAfter: false)
    }

    struct Entry: Sendable {
        var mark: TextMark
        var dot: Dot
        /// The local version; of no meaning for the marks of the base.
        var version: UInt32
        // Found when somebody asks.
        var start = Anchor.end
        var end = Anchor.beginning

        /// Whether this mark holds against another of its kind.
        func wins(over other: Entry) -> Bool {
            if isDefective(.markByArrival) { return version > other.version }
            return mark.stamp != other.mark.stamp ? mark.stamp > other.mark.stamp : dot > other.dot
        }
    }

    /// The events as they came in.
    var log = ValueLog()
    /// By local version; first those of the base.
    private(set) var entries: [Entry] = []
    /// The first entries, whose anchors are known.
    private(set) var resolvedCount = 0
    /// Entries that came with a snapshot and are not in the log.
    private var baseCount = 0
    /// What watchers have been told, nil for a text without marks.
    var told: [MarkStretch]?

    init() {}

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ mark: TextMark, dot: Dot, version: UInt32) {
        entries.append(Entry(mark: mark, dot: dot, version: version))
    }

    mutating func appendBase(_ entry: Entry) {
        entries.append(entry)
        baseCount += 1
        resolvedCount += 1
    }

    mutating func resolveNext(start: Anchor, end: Anchor) {
        entries[resolvedCount].start = start
        entries[resolvedCount].end = end
        resolvedCount += 1
    }

    /// Forgets the newest events of the log.
    mutating func truncate(to count: Int) {
        log.truncate(to: count)
        if entries.count > baseCount + count { entries.removeLast(entries.count - baseCount - count) }
        resolvedCount = min(resolvedCount, entries.count)
    }

    /// Reads the log anew, which now holds what the base held.
    mutating func rebuild(_ graph: borrowing EventGraph) {
        entries.removeAll()
        resolvedCount = 0
        baseCount = 0
        for index in 0..<log.count {
            guard case .mark(let mark)? = try? ValueEvent(log.payload(index), for: .text) else {
                preconditionFailure("a mark was checked when it came in")
            }
            let version = log.entries[index].version
            append(mark, dot: graph.dot(of: Int(version)), version: version)
        }
    }
}
