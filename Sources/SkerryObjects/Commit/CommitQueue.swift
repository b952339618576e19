import Glibc
import SkerryStorage

/// The writers waiting for the committer, in order.
///
/// Bounded: a full queue refuses instead of growing. A condition variable and not a `Mutex`, because the committer's thread sleeps on it.
///
/// @unchecked Sendable: `state` is touched only between `pthread_mutex_lock` and `unlock`; the two pthread objects live in memory of their own.
final class CommitQueue: @unchecked Sendable {
    /// Commits that may wait.
    static let waitingMaximum = 8192
    /// Commits that share one sync.
    static let groupMaximum = 1024
    /// Bytes of bodies that share one sync.
    static let groupBytesMaximum = 8 << 20

    private struct State {
        var tickets: [CommitTicket] = []
        /// Tickets before this index are taken; the array is cut when half of it is.
        var first = 0
        var isClosed = false
        var count: Int { tickets.count - first }
    }

    private var state = State()
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Puts a ticket at the end.
    func submit(_ ticket: CommitTicket) throws(ObjectError) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !state.isClosed else { throw ObjectError(.shuttingDown, "The store is stopping.") }
        guard state.count < CommitQueue.waitingMaximum else {
            var error = ObjectError(.slowDown, "\(CommitQueue.waitingMaximum) writes are waiting for the disk.")
            error.retryAfter = 1
            throw error
        }
        state.tickets.append(ticket)
        if state.count == 1 { pthread_cond_signal(condition) }
    }

    /// Commits that wait now.
    var waitingCount: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return state.count
    }

    /// Waits for work and takes the next group; nil when the queue is closed and empty.
    ///
    /// A group holds at most one commit per key, and a commit that may touch anything stands alone: so each commit is evaluated
    /// against an index that has all commits before it.
    func nextGroup() -> [CommitTicket]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while state.count == 0 {
            if state.isClosed { return nil }
            pthread_cond_wait(condition, mutex)
        }
        return takeGroup()
    }

    func close() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        state.isClosed = true
        pthread_cond_broadcast(condition)
    }

    private func takeGroup() -> [CommitTicket] {
        var group: [CommitTicket] = []
        var footprints = Set<CommitTicket.Footprint>()
        var bytes = 0
        while state.first < state.tickets.count, group.count < CommitQueue.groupMaximum, bytes < CommitQueue.groupBytesMaximum {
            let ticket = state.tickets[state.first]
            if ticket.footprint == .everything {
                guard group.isEmpty else { break }
            } else {
                guard footprints.insert(ticket.footprint).inserted else { break }
            }
            group.append(ticket)
            bytes += ticket.byteCount
            state.first += 1
            if ticket.footprint == .everything { break }
        }
        if state.first * 2 > state.tickets.count {
            state.tickets.removeFirst(state.first)
            state.first = 0
        }
        return group
    }
}
