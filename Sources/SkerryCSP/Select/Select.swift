import Synchronization

/// Which of several ready arms goes through.
@frozen
public enum SelectOrder: Sendable {
    /// One at random, so that a busy channel does not starve the others. The numbers come from a generator in the channel of the first
    /// arm: the same history gives the same choices.
    case fair
    /// The first ready one in the order they are written.
    case priority
    /// The first ready one, beginning with the arm of this index and going round.
    case starting(at: Int)
}

/// Waits for the first of several operations that can go through, and does exactly that one.
///
/// ```swift
/// try await select {
///     requests.on { request in await answer(request) }
///     results.onSend(next) { next = produce() }
///     after(.seconds(1)) { await report("nothing happened") }
/// }
/// ```
///
/// Exactly one arm goes through; its closure is called after that, without any lock, and its result is that of the select. The others are as if they had
/// never been written: nothing was received from them, nothing sent.
///
/// First each arm is tried without waiting, beginning with a random one. If none is ready, the locks of all channels are
/// taken in the order of their ids, all arms are tried again, and if still none is ready the select stands in line at all of them with one shared token. A select
/// that waits is therefore visible at all its channels or at none, and whoever meets it has one token to win, never two.
///
/// Cancellation: a task that is cancelled while it waits throws `CancellationError` and no arm has gone through.
///
/// - Throws: what the closure throws; what a receiving arm's channel was closed with; ``ChannelClosed`` of a sending arm;
///   `CancellationError`; ``TooManyWaiters`` when one of the channels has no place to wait.
@inlinable @inline(__always)
public func select<Arms: SelectArm>(_ order: SelectOrder = .fair, @SelectBuilder _ arms: () -> Arms) async throws -> Arms.Output {
    let arms = arms()
    let start = firstArm(arms, order)
    if let taken = attempt(arms, from: start) {
        if let output = try arms._finishPromptly(taken) { return output }
        return try await arms._finish(taken)
    }
    return try await arms._finish(waitForArm(arms, from: start))
}

@inlinable @inline(__always)
func firstArm<Arms: SelectArm>(_ arms: Arms, _ order: SelectOrder) -> Int {
    let count = arms._count
    switch order {
    case .priority: return 0
    case .starting(let index): return count == 0 ? 0 : Int(UInt(bitPattern: index) % UInt(count))
    case .fair:
        guard count > 1, let turn = arms._nextTurn() else { return 0 }
        // The upper bits, scaled to the count: the lower ones of this generator are less random.
        return Int((UInt64(turn) &* UInt64(count)) >> 32)
    }
}

/// Lets the first ready arm through.
@inlinable @inline(__always)
func attempt<Arms: SelectArm>(_ arms: Arms, from start: Int) -> Arms._Taken? {
    let count = arms._count
    var index = start
    for _ in 0..<count {
        if let taken = arms._attempt(index) { return taken }
        index = index + 1 == count ? 0 : index + 1
    }
    return nil
}

@inlinable @inline(never)
func waitForArm<Arms: SelectArm>(_ arms: Arms, from start: Int) async throws -> Arms._Taken {
    let otherwise = arms._otherwise
    if otherwise == nil, arms._spin(for: arms) == true, let taken = attempt(arms, from: start) { return taken }
    let selection = Selection()
    var entries: [SelectEntry] = []
    arms._enroll(selection, &entries)
    let winner =
        if let otherwise { selection.poll(entries, from: start, otherwise: otherwise) } else {
            try await selection.wait(entries, from: start)
        }
    return arms._taken(winner, entries[winner])
}

extension Selection {
    /// Waits until one of the entries went through, and returns its index.
    @usableFromInline
    func wait(_ entries: [SelectEntry], from start: Int) async throws -> Int {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                self.continuation = continuation
                for entry in entries { entry.start() }
                if !park(entries, from: start) { resume() }
                for entry in entries { entry.fire() }
            }
        } onCancel: {
            interrupt(as: Selection.cancelled)
        }
        let winner = winner.load(ordering: .acquiring)
        for index in entries.indices where index != winner { entries[index].leave() }
        switch winner {
        case Selection.cancelled: throw CancellationError()
        case Selection.refused: throw TooManyWaiters(limit: entries.map(\.waiterLimit).min() ?? 0)
        default: return winner
        }
    }

    /// Goes through with one entry, or with the one at `otherwise` if at one moment none was ready.
    @usableFromInline
    func poll(_ entries: [SelectEntry], from start: Int, otherwise: Int) -> Int {
        let channels = inLockingOrder(entries)
        for channel in channels { channel.lock() }
        let index = heldAttempt(entries, from: start) ?? otherwise
        for channel in channels.reversed() { channel.unlock() }
        for entry in entries { entry.fire() }
        return index
    }

    /// Goes through with one entry, or lets all of them wait. True says that somebody else will resume.
    private func park(_ entries: [SelectEntry], from start: Int) -> Bool {
        let channels = inLockingOrder(entries)
        for channel in channels { channel.lock() }
        defer { for channel in channels.reversed() { channel.unlock() } }
        // Interrupted before it began.
        guard winner.load(ordering: .acquiring) == Selection.preparing else { return false }
        if let index = heldAttempt(entries, from: start) {
            // A timer or a cancellation may have been faster by a moment; what was done is done, and they wake nobody.
            winner.store(index, ordering: .releasing)
            return false
        }
        guard advance(to: heldHavePlaces(entries) ? Selection.open : Selection.refused) else { return false }
        guard winner.load(ordering: .relaxed) != Selection.refused else { return false }
        for entry in entries { entry.heldPark() }
        return true
    }

    private func heldAttempt(_ entries: [SelectEntry], from start: Int) -> Int? {
        for offset in entries.indices {
            let index = (start + offset) % entries.count
            if entries[index].heldAttempt() { return index }
        }
        return nil
    }

    /// Each entry finds a place to wait, beside those before it that wait at the same side of the same channel.
    private func heldHavePlaces(_ entries: [SelectEntry]) -> Bool {
        entries.indices.allSatisfy { index in
            let entry = entries[index]
            return entries[..<index].count { $0.channelID == entry.channelID && $0.isSender == entry.isSender } < entry.heldPlaces
        }
    }

    /// One entry for each channel, by ascending id: the order in which everybody takes the locks of more than one channel.
    private func inLockingOrder(_ entries: [SelectEntry]) -> [SelectEntry] {
        var channels = entries.filter { $0.channelID != nil }
        channels.sort { $0.channelID! < $1.channelID! }
        var last: ChannelID?
        channels.removeAll { entry in
            defer { last = entry.channelID }
            return entry.channelID == last
        }
        return channels
    }
}
