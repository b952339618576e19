/// Errors that tests put into the core, to see that their checkers find them. Release builds have none of it.
package struct Defects: OptionSet, Sendable, Hashable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    #if DEBUG
    /// What is wrong in this task.
    @TaskLocal package static var active: Defects = []
    #endif

    // Texts and lists.

    /// Of two insertions at one place, the one from the larger origin comes first.
    package static let tieFlipped = Defects(rawValue: 1 << 0)
    /// Local numbers of origins settle ties.
    package static let tieByLocalNumber = Defects(rawValue: 1 << 1)
    /// A lane is not moved back over what an event had not seen.
    package static let retreatSkipped = Defects(rawValue: 1 << 2)
    /// A lane is moved over a deletion twice.
    package static let advanceTwice = Defects(rawValue: 1 << 3)
    /// What stood on the right of an insertion plays no part.
    package static let rightOriginIgnored = Defects(rawValue: 1 << 4)
    /// A character that two deleted is taken out twice.
    package static let deletionCountedTwice = Defects(rawValue: 1 << 5)
    /// The placeholder stands for one event too many.
    package static let placeholderTooLong = Defects(rawValue: 1 << 6)

    // Lists, maps, registers, sets, counters.

    /// Of two moves, the one that came last wins.
    package static let moveByArrival = Defects(rawValue: 1 << 7)
    /// A move is a deletion and an insertion.
    package static let moveIsReinsertion = Defects(rawValue: 1 << 8)
    /// A write replaces what it had not seen.
    package static let writeReplacesAll = Defects(rawValue: 1 << 9)
    /// Of concurrent writes, the one that came last wins.
    package static let writeByArrival = Defects(rawValue: 1 << 10)
    /// Adding what is there says nothing.
    package static let addLosesToRemove = Defects(rawValue: 1 << 11)

    // Imports, undo, encodings.

    /// What was applied before is applied again.
    package static let appliedTwice = Defects(rawValue: 1 << 12)
    /// Events whose past is missing are dropped.
    package static let pendingDropped = Defects(rawValue: 1 << 13)
    /// What waited is not looked at again.
    package static let pendingForgotten = Defects(rawValue: 1 << 14)
    /// A refused import keeps its events.
    package static let refusalKeepsEvents = Defects(rawValue: 1 << 15)
    /// Undo deletes at the place of a character that another deleted.
    package static let undoDeletesNeighbour = Defects(rawValue: 1 << 16)
    /// A decoder does not check how much it unpacks.
    package static let decoderUnbounded = Defects(rawValue: 1 << 17)
    /// A change is told with positions of after it.
    package static let noticeMisplaced = Defects(rawValue: 1 << 18)

    // The clock.

    /// A snapshot forgets the largest stamp.
    package static let clockNotPersisted = Defects(rawValue: 1 << 19)
    /// A full count starts again without a carry.
    package static let countWraps = Defects(rawValue: 1 << 20)
    /// A stamp from the future is taken.
    package static let futureAdopted = Defects(rawValue: 1 << 21)

    // States.

    /// On equal stamps a register keeps its own value.
    package static let registerTieKeepsOwn = Defects(rawValue: 1 << 22)
    /// A set of dots has seen all dots before its last.
    package static let contextHasNoGaps = Defects(rawValue: 1 << 23)

    // Marks, moves, gaps, what is taken back, what is told, presence.

    /// A mark that grows nowhere grows on both sides, and the other way round.
    package static let markGrowsAtWrongSide = Defects(rawValue: 1 << 24)
    /// Of two marks, the one that came last holds.
    package static let markByArrival = Defects(rawValue: 1 << 25)
    /// A snapshot has no marks.
    package static let snapshotForgetsMarks = Defects(rawValue: 1 << 26)
    /// A move brings back an element that was deleted.
    package static let moveRevivesDeleted = Defects(rawValue: 1 << 27)
    /// An event is taken though one of its origin before it is missing.
    package static let gapTaken = Defects(rawValue: 1 << 28)
    /// A change that threw is kept.
    package static let abandonedChangeKept = Defects(rawValue: 1 << 29)
    /// Undo takes back what others wrote.
    package static let undoTakesOthers = Defects(rawValue: 1 << 30)
    /// A look at the past sees the present.
    package static let pastIsPresent = Defects(rawValue: 1 << 31)
    /// An anchor names the character on its other side.
    package static let anchorOnNeighbour = Defects(rawValue: 1 << 32)
    /// Changes that are told together leave marks where they were before later edits.
    package static let joinedMarksStay = Defects(rawValue: 1 << 33)
    /// What is late in coming is taken for what is new.
    package static let presenceGoesBack = Defects(rawValue: 1 << 34)
    /// An import in slices begins each piece of a run but the first one operation late.
    package static let sliceLosesEvents = Defects(rawValue: 1 << 35)
}

/// Whether an error is put in. Constant false in release builds.
@inline(__always)
func isDefective(_ defect: Defects) -> Bool {
    #if DEBUG
    return !Defects.active.isDisjoint(with: defect)
    #else
    return false
    #endif
}
