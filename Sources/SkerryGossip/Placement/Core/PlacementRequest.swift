internal import SkerryCRDT

/// Who waits for a read or a write.
indirect enum PlacementAsker: Sendable {
    /// The application, under a ticket.
    case application(UInt64)
    /// Another member that handed a write over.
    case member(MemberID, number: UInt64)
    /// A write whose coordinator first has to learn what its writer had seen.
    case write(PlacementWrite)
}

struct PlacementWrite: Sendable {
    var key: [UInt8]
    /// Nil for a deletion.
    var value: [UInt8]?
    var seen: CausalContext
    var asker: PlacementAsker
}

/// A read or a write that is coordinated here.
struct PlacementRequest: Sendable {
    var key: [UInt8]
    var isRead: Bool
    var quorum: QuorumRequest
    var asker: PlacementAsker
}

/// A message that waits for its answer.
struct PlacementPending: Sendable {
    enum Purpose: Sendable {
        /// Part of a request.
        case request(UInt64)
        /// A copy for a member that was behind: whether it comes is not waited for.
        case repair
        case hint(HintTable.Hint)
        case transfer(PlacementComparison.Name)
        /// A write that another member coordinates.
        case forwarded(PlacementAsker)
    }

    var member: MemberID
    var purpose: Purpose
    var expiresAt: UInt64
}

/// A comparison with another member, and the copies it sends because of it.
struct PlacementComparison: Sendable {
    struct Name: Sendable, Hashable, Comparable {
        var peer: MemberID
        /// Given by the side that began it.
        var number: UInt64
        var isMine: Bool

        static func < (left: Name, right: Name) -> Bool {
            (left.peer, left.number, left.isMine ? 1 : 0) < (right.peer, right.number, right.isMine ? 1 : 0)
        }
    }

    var core: ReconciliationCore
    /// What the peer lacks and has not been sent, the next last.
    var transfers: [WriteRange] = []
    var inFlight = 0
    /// When it is given up, unless something happens.
    var expiresAt: UInt64

    var isOver: Bool { core.isComplete && transfers.isEmpty && inFlight == 0 }
}
