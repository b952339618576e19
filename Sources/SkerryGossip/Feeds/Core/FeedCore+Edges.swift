/// What a node waits for: an origin's entries that a peer said it has.
struct FeedWait: Sendable {
    /// What was taken when the wait began; whatever comes ends it.
    var accepted: UInt64
    var due: UInt64
    /// Whom it asked.
    var asked: [FeedPeerID] = []
}

/// Over which edges entries go at once: Plumtree, with feeds in place of single messages.
///
/// An edge over which came only what was there is pruned: both sides send over it what they have (``FeedHave``), no entries. So the eager edges become a tree along
/// the fastest ways. Where a peer has entries that do not come, the edge to it is grafted: it sends them, and all that follows, at once. An edge that brings news is on the tree
/// whatever was said before, and nobody prunes the last one it has.
/// Leitão, Pereira and Rodrigues, "Epidemic Broadcast Trees" (2007); acknowledgements of feeds stand for its announcements, and a wait for an origin for its timers.
extension FeedCore {
    /// A frame of the peer held nothing new.
    mutating func prune(_ place: Int, into actions: inout [FeedAction]) {
        guard peers[place].features & FeedHello.edges != 0, !has(.neverPrunes) else { return }
        // After a link broke its peer may send again what it sent before it, and what was not durable yet: that says nothing of other ways.
        guard !isUnsynced(from: peers[place].id) else { return }
        guard peers.indices.contains(where: { $0 != place && peers[$0].isEager && peers[$0].phase == .established }) else { return }
        count { $0.prunes += 1 }
        peers[place].isEager = false
        peers[place].edge = .prune
        sendFrame([], to: place, into: &actions)
    }

    /// A frame of the peer held something new.
    mutating func broughtNews(_ place: Int) {
        guard !peers[place].isEager, peers[place].features & FeedHello.edges != 0 else { return }
        count { $0.grafts += 1 }
        peers[place].isEager = true
        peers[place].edge = .graft
        peers[place].needsFrame = true
    }

    /// Asks for what peers have and does not come, one peer after the other.
    ///
    /// - Complexity: O(origins · peers).
    mutating func graft(now: FeedInstant, into actions: inout [FeedAction]) {
        // Whoever has not made durable what came asks nobody for more.
        guard unsyncedCharge < FeedLimits.window / 2, !has(.neverGrafts) else { return }
        for number in origins.indices {
            let accepted = origins[number].accepted.sequence
            guard !origins[number].isFrozen, origins[number].fence.map({ accepted < $0 }) ?? true,
                peers.indices.contains(where: { isAhead($0, number, of: accepted) })
            else {
                origins[number].wait = nil
                continue
            }
            guard var wait = origins[number].wait, wait.accepted == accepted else {
                origins[number].wait = FeedWait(accepted: accepted, due: now.monotonic + FeedLimits.graftInterval)
                continue
            }
            guard wait.due <= now.monotonic else { continue }
            if let place = nextToAsk(for: number, wait) {
                wait.asked.append(peers[place].id)
                wait.due = now.monotonic + FeedLimits.graftNextInterval
                count { $0.grafts += 1 }
                peers[place].isEager = true
                peers[place].edge = .graft
                sendFrame([], to: place, into: &actions)
            } else {
                wait.asked = []
                wait.due = now.monotonic + FeedLimits.graftInterval
            }
            origins[number].wait = wait
        }
    }

    /// Whether a peer said that it has more of an origin, which would be taken from it.
    private func isAhead(_ place: Int, _ number: Int, of accepted: UInt64) -> Bool {
        peers[place].phase == .established && number < peers[place].lanes.count && peers[place].lanes[number].known > accepted
            && isAdmitted(number, from: place)
    }

    /// A lazy peer before one that may be sending already.
    private func nextToAsk(for number: Int, _ wait: FeedWait) -> Int? {
        let places = peers.indices.filter {
            isAhead($0, number, of: wait.accepted) && peers[$0].features & FeedHello.edges != 0 && !wait.asked.contains(peers[$0].id)
        }
        return places.first { !peers[$0].isEager } ?? places.first
    }

    /// Whether a lazy peer had its time to find elsewhere what it lacks.
    mutating func isOverdue(_ place: Int, now: FeedInstant) -> Bool {
        guard backlog(at: place) > 0 else {
            peers[place].behindSince = nil
            return false
        }
        let since = max(peers[place].behindSince ?? now.monotonic, peers[place].progressAt)
        peers[place].behindSince = since
        return since + FeedLimits.lazyInterval <= now.monotonic
    }
}
