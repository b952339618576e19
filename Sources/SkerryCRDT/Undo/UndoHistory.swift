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
    /// By container and unit of a text or slot of a list: the one that undo made in its place. What undoes the first insertion deletes the last
    /// of the chain.
    var revived: [UnitName: UInt32] = [:]
    /// The way back: from what undo made to the first of the chain.
    var originals: [UnitName: UInt32] = [:]
    /// Where the step being made goes, instead of among the new changes.
    var direction: Direction?

    struct UnitName: Hashable, Sendable {
        var container: UInt32
        var unit: UInt32
    }

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
