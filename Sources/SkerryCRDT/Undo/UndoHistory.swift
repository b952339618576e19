/// The own changes that can be taken back, and those taken back that can be made again.
struct UndoHistory: Sendable {
    /// One change: what it did, in the terms of this replica.
    struct Step: Sendable {
        /// Its events.
        var versions: Range<Int>
        var effects: [(container: UInt32, effect: ValueState.Effect)]
        var steps: [(container: UInt32, step: ListState.Step)]
    }

    /// Steps kept; older ones are forgotten.
    var limit: Int
    var undoable: [Step] = []
    var redoable: [Step] = []
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
}
