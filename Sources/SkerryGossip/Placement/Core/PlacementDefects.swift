/// Errors put in on purpose, to see that the tests find them. Without effect in release builds.
struct PlacementDefects: OptionSet, Sendable {
    let rawValue: UInt32

    /// One answer less than the quorum is enough.
    static let quorumOneTooFew = PlacementDefects(rawValue: 1)
    /// Where stand-ins should not count, they do.
    static let standInsCount = PlacementDefects(rawValue: 1 << 1)
    /// Copies that were behind are not mended.
    static let repairSkipped = PlacementDefects(rawValue: 1 << 2)
    /// Nobody is asked in place of a slow member.
    static let neverHedges = PlacementDefects(rawValue: 1 << 3)
    /// A stand-in says that it keeps the copy, and does not.
    static let hintNotKept = PlacementDefects(rawValue: 1 << 4)
    /// A hint is dropped when it is sent, not when the home has it.
    static let hintDroppedWhenSent = PlacementDefects(rawValue: 1 << 5)
    /// A copy that comes replaces the one that stands.
    static let siblingsOverwritten = PlacementDefects(rawValue: 1 << 6)
    /// A write replaces all that its coordinator holds, whatever its writer had seen.
    static let contextIgnored = PlacementDefects(rawValue: 1 << 7)
    /// All members are in one zone.
    static let zonesIgnored = PlacementDefects(rawValue: 1 << 8)
    /// Comparing members send all that they have of the range, not what differs.
    static let comparisonSendsAll = PlacementDefects(rawValue: 1 << 9)
    /// A comparison finds out what differs and sends nothing.
    static let comparisonSendsNothing = PlacementDefects(rawValue: 1 << 10)
    /// A coordinator writes under the sequence of its last write.
    static let sequenceReused = PlacementDefects(rawValue: 1 << 11)
    /// A read does not look at hints.
    static let hintsNotRead = PlacementDefects(rawValue: 1 << 12)
    /// What comes from the application as seen is believed, though nobody knows of it.
    static let contextBelieved = PlacementDefects(rawValue: 1 << 13)
    /// Hints for a member that left stay where they are.
    static let hintsOfLeaversStay = PlacementDefects(rawValue: 1 << 14)
    /// What this member is no home of is dropped before the homes have it.
    static let droppedEarly = PlacementDefects(rawValue: 1 << 15)
    /// A store that has dropped a copy goes on under its origin.
    static let originKept = PlacementDefects(rawValue: 1 << 16)
}
