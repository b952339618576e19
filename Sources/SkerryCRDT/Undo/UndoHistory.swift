/// The own changes that can be taken back, and those taken back that can be made again.
struct UndoHistory: Sendable {
    /// One change: what it did, in the terms of this replica.
    struct Step: Sendable {
        /// Its events.
        var versions: Range<Int>
        var effects: [(container: UInt32, effect: ValueState.Effect)]
        var steps: [(container: UInt32, step: ListState.Step)]
        var marks: [MarkStep]
        var erasures: [MarkErasure]
    }

    /// Changes that are taken back together.
    struct Group: Sendable {
        var steps: [Step]
        /// When the last of them was made.
        var time: UInt64
        /// Who made them, nil when nobody said so.
        var author: String?
    }

    /// Groups kept; older ones are forgotten.
    var limit: Int
    var undoable: [Group] = []
    var redoable: [Group] = []
    /// The number of explicit groups that are open, and whether a step has gone into the outermost one.
    var openGroups = 0
    var isGroupBegun = false
    /// True when the next change begins a group, however soon it comes.
    var isGroupClosed = true
    /// Changes no further apart than this are taken back together, milliseconds.
    var joiningWithin: UInt64?
    var revivals = Revivals()
    /// Runs of ``revivals`` above which those that no step needs are looked for.
    var revivalsKept = UndoHistory.revivalsMinimum
    /// Own events by which undo brought back what another replica or author had written, by sequence: the writes that they stand for.
    var standIns: [UInt64: Dot] = [:]
    /// Entries of ``standIns`` above which those that no step can meet are looked for; of the authors, likewise.
    var standInsKept = UndoHistory.standInsMinimum
    private var authorsKept = UndoHistory.authorsMinimum
    /// Where the step being made goes, instead of among the new changes.
    var direction: Direction?
    /// Who makes the change at hand, and whether it takes back what this author did and leaves what others of this replica did.
    var author: String?
    var isByAuthor = false
    /// From which local version on who made the own events; only where that changes, so a replica with one author has one entry.
    private(set) var authors: [(version: Int, author: String?)] = []

    static let revivalsMinimum = 256
    static let standInsMinimum = 256
    static let authorsMinimum = 256

    /// The local version at which the oldest change begins that can be taken back or made again.
    var oldestVersion: Int? { (undoable + redoable).compactMap { $0.steps.first?.versions.lowerBound }.min() }

    enum Direction: Sendable { case undo, redo }

    init(limit: Int) { self.limit = limit }

    /// Adds a step to the newest group, or begins another with it.
    mutating func append(_ step: Step, now: UInt64) {
        defer { isGroupClosed = false }
        if joins(now: now), let last = undoable.last, last.author == author {
            undoable[undoable.count - 1].steps.append(step)
            undoable[undoable.count - 1].time = now
        } else {
            undoable.append(Group(steps: [step], time: now, author: author))
            isGroupBegun = true
        }
    }

    /// Takes out the newest group of one side, of an author or of anybody.
    mutating func take(_ direction: Direction, by author: String?) -> Group? {
        let groups = direction == .undo ? undoable : redoable
        guard let index = author == nil ? groups.indices.last : groups.lastIndex(where: { $0.author == author }) else { return nil }
        return direction == .undo ? undoable.remove(at: index) : redoable.remove(at: index)
    }

    // MARK: - Authors

    /// Notes who made the own events from a local version on.
    mutating func noteAuthor(from version: Int) {
        // Before the first entry nobody said who it was.
        if author != authors.last?.author ?? nil { authors.append((version, author)) }
    }

    /// Lets go of who made what is older than every step: whoever it was, no step takes it back. O(n) in steps, once there are twice as many.
    mutating func forgetAuthors(now version: Int) {
        guard authors.count > authorsKept else { return }
        let oldest = oldestVersion ?? version
        authors.removeFirst(max(0, (authors.firstIndex { $0.version > oldest } ?? authors.count) - 1))
        authorsKept = max(2 * authors.count, UndoHistory.authorsMinimum)
    }

    /// Lets go of the oldest steps beyond the limit.
    mutating func forgetSteps() {
        if undoable.count > limit { undoable.removeFirst(undoable.count - limit) }
        // Authors who change nothing more keep theirs, so there may be more of them than were ever undoable at once.
        if redoable.count > limit { redoable.removeFirst(redoable.count - limit) }
    }

    /// Who made the own event at a local version; nil when nobody said so, or when it is older than every step.
    func author(of version: Int) -> String? {
        var low = 0, high = authors.count
        while low < high {
            let middle = (low + high) / 2
            if authors[middle].version <= version { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : authors[low - 1].author
    }

    private func joins(now: UInt64) -> Bool {
        if openGroups > 0 { return isGroupBegun }
        guard let joiningWithin, !isGroupClosed, let last = undoable.last else { return false }
        return now >= last.time && now - last.time <= joiningWithin
    }
}
