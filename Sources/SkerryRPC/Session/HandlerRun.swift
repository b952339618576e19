import Glibc
import SkerrySession
import Synchronization

/// Handlers of calls that came together, run one after the other by one task for as long as none of them suspends.
///
/// A task costs more than most handlers do. So a task that has answered a call goes on to the next one, and the replies of all are given to the session at
/// once. A task whose handler suspends stays with its call and answers it by itself, later; another one takes up the rest. So calls start in the order in
/// which they came, and whoever cancels the task of a call meets no other call.
// The calls and replies are touched by the thread that starts the run alone, and only until it has left it: see `isInside()`.
final class HandlerRun: @unchecked Sendable {
    private let calls: ArraySlice<InboundCall>
    private var next: Int
    private(set) var answered: [(InboundCall, InboundCall.Reply)] = []
    private(set) var running: [(AnswerID, Task<Void, Never>)] = []

    init(_ calls: ArraySlice<InboundCall>) {
        self.calls = calls
        next = calls.startIndex
        answered.reserveCapacity(calls.count)
    }

    var count: Int { calls.count }

    /// The thread that starts the handlers is in a task's first part. Whoever else runs the task runs what follows a suspension.
    final class Start: Sendable {
        private let thread = pthread_self()
        private let hasReturned = Atomic(false)

        /// Whether the caller is still what the starting thread waits for. On another thread it is not, and on this one it is until `Task.immediate` returns.
        ///
        /// Never inlined: C promises of `pthread_self` that it gives the same for ever, so in the body of a task the optimiser would ask once and keep the
        /// answer over a suspension, behind which the thread is another.
        @inline(never)
        func isInside() -> Bool { pthread_equal(thread, pthread_self()) != 0 && !hasReturned.load(ordering: .acquiring) }

        func returned() { hasReturned.store(true, ordering: .releasing) }
    }

    /// Starts all handlers, each up to its first suspension.
    ///
    /// A task may begin later and elsewhere, when the caller runs on an actor. So its first call is its own from the beginning.
    func start(in session: Session) {
        while next < calls.endIndex {
            let start = Start()
            let first = takeNext()
            let task = Task.immediate { [self] in
                var call = first
                while true {
                    let reply = await session.answer(call)
                    guard start.isInside() else { return session.finish(call, reply) }
                    answered.append((call, reply))
                    guard next < calls.endIndex, !Task.isCancelled else { return }
                    call = takeNext()
                }
            }
            start.returned()
            if answered.count + running.count < next - calls.startIndex { running.append((calls[next - 1].id, task)) }
        }
    }

    private func takeNext() -> InboundCall {
        defer { next += 1 }
        return calls[next]
    }
}
