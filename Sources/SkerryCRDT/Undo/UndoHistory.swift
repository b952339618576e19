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
    /// Where the step being made goes, instead of among the new changes.
    var direction: Direction?

    static let revivalsMinimum = 256

    /// The local version at which the oldest change begins that can be taken back or made again.
    var oldestVersion: Int? { (undoable + redoable).compactMap { $0.steps.first?.versions.lowerBound }.min() }

    enum Direction: Sendable { case undo, redo }

    /// Adds a step to the newest group, or begins another with it.
    mutating func append(_ step: Step, now: UInt64) {
        defer { isGroupClosed = false }
        if joins(now: now), !undoable.isEmpty {
            undoable[undoable.count - 1].steps.append(step)
            undoable[undoable.count - 1].time = now
        } else {
            undoable.append(Group(steps: [step], time: now))
            isGroupBegun = true
        }
    }

    private func joins(now: UInt64) -> Bool {
        if openGroups > 0 { return isGroupBegun }
        guard let joiningWithin, !isGroupClosed, let last = undoable.last else { return false }
        return now >= last.time && now - last.time <= joiningWithin
    }
}
