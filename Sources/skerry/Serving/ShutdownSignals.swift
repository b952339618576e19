import Glibc
import ServiceLifecycle
import Synchronization
import UnixSignals

/// SIGTERM and SIGINT: the first one drains, the second one ends the process at once.
///
/// Signals are taken from the first moment on. One that comes while the store is opening is remembered, and the group drains as soon
/// as it runs; only the second one cuts an opening short, which a store survives as it survives a crash.
final class ShutdownSignals: Sendable {
    /// What a signal leads to: the pure part.
    struct Machine: Sendable, Equatable {
        enum Action: Equatable {
            case drain
            /// With 128 and the signal's number, as shells report a process ended by a signal.
            case exit(status: Int32)
        }

        private(set) var isDraining = false

        mutating func signalReceived(_ number: Int32) -> Action {
            if isDraining { return .exit(status: 128 + number) }
            isDraining = true
            return .drain
        }
    }

    private struct State {
        var machine = Machine()
        var group: ServiceGroup?
    }

    private let state = Mutex(State())

    var isDraining: Bool { state.withLock(\.machine.isDraining) }

    /// Runs `body` while signals are watched.
    func watch<Result>(during body: () async throws -> Result) async throws -> Result {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let watcher = Task {
            for await signal in signals { await signalReceived(signal.rawValue) }
        }
        defer { watcher.cancel() }
        return try await body()
    }

    /// Says who drains; at once when a signal came before.
    func attach(_ group: ServiceGroup) async {
        let isDraining = state.withLock { state in
            state.group = group
            return state.machine.isDraining
        }
        if isDraining { await group.triggerGracefulShutdown() }
    }

    private func signalReceived(_ number: Int32) async {
        let (action, group) = state.withLock { ($0.machine.signalReceived(number), $0.group) }
        switch action {
        case .drain: await group?.triggerGracefulShutdown()
        // Not exit(): no destructor may run beside threads that are still at work.
        case .exit(let status): _exit(status)
        }
    }
}
