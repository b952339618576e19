import Glibc
import Synchronization

/// A thread of our own for the committer, since it blocks in syncs all day.
final class CommitThread: Sendable {
    private let thread: pthread_t
    private let isJoined = Atomic(false)

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) throws(ObjectError) {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(body))
        let result = pthread_create(
            &thread, nil,
            { argument in
                // The thread owns the retained start and runs it once.
                let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            start.release()
            throw ObjectError(.storage, "The system gives no thread to the committer (errno \(result)).")
        }
        self.thread = thread
    }

    /// Waits for the body to return. For one caller: others return at once.
    func join() {
        guard !isJoined.exchange(true, ordering: .relaxed) else { return }
        pthread_join(thread, nil)
    }
}
