internal import Synchronization

/// An observer that hears events until it is cancelled or forgotten. Keep it as long as it should hear.
public final class Observation: Sendable {
    private let end: Mutex<(@Sendable () -> Void)?>

    init(_ end: @escaping @Sendable () -> Void) { self.end = Mutex(end) }

    deinit { cancel() }

    /// The observer hears nothing that happens from now on. Idempotent.
    public func cancel() {
        let end = end.withLock { end in
            defer { end = nil }
            return end
        }
        end?()
    }
}
