import SkerryCSP
import SkerrySession
import SkerryWire

// How many calls made on other threads than the loop of the link come to leave in one write.
//
// A read that answers many calls resumes as many callers in the pool, and they call again within microseconds of one another. A loop that sends the first
// of these calls at once wakes, writes and sleeps for a few; one that waits behind the callers for their processor leaves the peer without work until all
// have called. So a loop that is woken waits a moment for the callers that are expected, once for each read, and a caller whose call makes a write full
// leaves the loop its processor. On two cores, with 64 in flight, that gives a tenth more calls a second (medians 356,000
// and 391,000), more than half of it by the latter.

extension Session {
    /// So many calls are worth a write of their own. With 8 the loop is in the kernel too often; with 32 the peer is without work for too long.
    private static let callsPerWrite = 16

    /// What a caller has to do when it has left the lock.
    struct Departure: Sendable {
        /// Is to be woken, and not under the lock: the kernel may give the loop the processor of the caller then, and the loop asks for the lock first.
        var asleep: (any Link)?
        /// Has been awake, and enough calls wait for it.
        var awaited: (any Link)?
        var mustDrain: Bool
    }

    /// Settles what a call of this side has led to. Under the lock, which the caller leaves next.
    func departing(_ state: inout SessionState, _ now: Moment) -> Departure {
        state.callsUnsent += 1
        if state.callersExpected > 0 { state.callersExpected -= 1 }
        let asleep = settleAsleep(&state, now)
        let isEnough = state.callsUnsent % Self.callsPerWrite == 0
        return Departure(asleep: asleep, awaited: isEnough ? state.attachment?.link : nil, mustDrain: state.hasUrgentEffects)
    }

    func depart(_ departure: Departure) {
        departure.asleep?.wake()
        if departure.mustDrain { drain() }
        departure.awaited?.giveWay()
    }

    /// Whether more calls are about to come than those that wait to be sent.
    var isGathering: Bool { state.withLock { $0.callersExpected > 0 && $0.callsUnsent < Self.callsPerWrite } }

    /// Nobody is waited for until further callers are resumed.
    func endGathering() { state.withLock { $0.callersExpected = 0 } }
}
