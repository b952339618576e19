extension SequenceState {
    /// Brings the tracker of the whole history up to date. Where the history begins with a snapshot, its text has the names of the placeholder.
    ///
    /// - Complexity: O(n log n) in the history the first time, then O(log n) for each event since.
    mutating func identify(graph: borrowing EventGraph, scratch: inout DifferenceScratch) {
        identify(upTo: graph.count, graph: graph, scratch: &scratch)
    }

    /// As ``identify(graph:scratch:)``, with the events before a local version.
    mutating func identify(upTo version: Int, graph: borrowing EventGraph, scratch: inout DifferenceScratch) {
        swap(&tracker, &identity)
        if !tracker.isWarm { tracker.start(at: graph.base.count - 1, firstUnit: 0) }
        if tracker.nextVersion < version { catchUp(to: version, graph: graph, scratch: &scratch) }
        swap(&tracker, &identity)
    }

    /// A lane of the identities that sees what an event saw that changes nothing of the sequence; the identities have come to right before it.
    mutating func identityLane(at version: Int, graph: borrowing EventGraph, scratch: inout DifferenceScratch) -> Int {
        swap(&tracker, &identity)
        let span = VersionSpan(start: UInt32(version), end: UInt32(version + 1))
        let run = graph.run(of: version)
        let lane = prepareLane(for: span, run: run, graph: graph, scratch: &scratch)
        stand(lane, behind: span, run: run, graph: graph)
        tracker.nextVersion = version + 1
        swap(&tracker, &identity)
        return lane
    }

    /// The unit that an element in the sequence came from. The identities are up to date.
    func unit(at position: Int) -> UInt32 {
        let cursor = identity.find(UInt32(position), by: Tracker.inText)
        return identity.entries(of: cursor.leaf)[cursor.slot].id + cursor.offset
    }

    /// The unit that an element came from, and how many neighbours it has to the left, and to the right with itself, that came with it.
    func stretch(at position: Int) -> (unit: UInt32, before: UInt32, after: UInt32) {
        let cursor = identity.find(UInt32(position), by: Tracker.inText)
        let entry = identity.entries(of: cursor.leaf)[cursor.slot]
        return (entry.id + cursor.offset, cursor.offset, entry.count - cursor.offset)
    }

    /// Where a unit stands, or stood, and whether it is in the sequence. The identities are up to date.
    func place(ofUnit unit: UInt32) -> (position: Int, isDeleted: Bool) {
        let place = identity.locate(unit)
        let before = identity.prefix(leaf: place.leaf, slot: place.slot)[Tracker.inText]
        let isDeleted = identity.entries(of: place.leaf)[place.slot].isDeleted
        return (Int(before) + (isDeleted ? 0 : Int(place.offset)), isDeleted)
    }

    /// The units that a unit of a deletion, and those after it, deleted: at least one, at most `count`, ascending. The identities are up to date.
    func targets(ofUnit unit: UInt32, count: UInt32) -> (first: UInt32, count: UInt32) {
        let deletion = identity.deletions[Int(identity.places[Int(unit)] & ~Tracker.deletionBit)]
        let skipped = unit - deletion.unit
        let taken = min(count, deletion.count - skipped)
        let first = deletion.backwards ? deletion.target + deletion.count - skipped - taken : deletion.target + skipped
        return (first, taken)
    }
}

extension Tracker {
    /// How many units, deleted or not, stand before a unit; and how many next to it, before and from it on, share its state.
    func standing(_ unit: UInt32) -> (order: UInt32, before: UInt32, after: UInt32) {
        let place = locate(unit)
        return (
            order(leaf: place.leaf, slot: place.slot) + place.offset, place.offset, entries(of: place.leaf)[place.slot].count - place.offset
        )
    }

    /// How many units from one on stand one after another and share their state: at least one.
    func standingTogether(with unit: UInt32) -> UInt32 {
        let place = locate(unit)
        return entries(of: place.leaf)[place.slot].count - place.offset
    }
}
