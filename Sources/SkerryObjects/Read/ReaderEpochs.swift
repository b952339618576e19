import Synchronization

/// Which epochs still have readers. The collector removes a block only when every reader that began before it was found unused has ended.
final class ReaderEpochs: Sendable {
    private struct State {
        var current: UInt64 = 1
        var readers: [UInt64: Int] = [:]
    }

    private let state = Mutex(State())

    /// A reader begins; give the ticket back by dropping it.
    func enter() -> Ticket {
        let epoch = state.withLock { state in
            state.readers[state.current, default: 0] += 1
            return state.current
        }
        return Ticket(epochs: self, epoch: epoch)
    }

    /// Begins a new epoch and returns the one that ended: what is found unused now may go when its readers are gone.
    func advance() -> UInt64 {
        state.withLock { state in
            state.current += 1
            return state.current - 1
        }
    }

    /// Whether nobody reads who began in `epoch` or before. O(epochs with readers).
    func isQuiet(through epoch: UInt64) -> Bool { state.withLock { state in !state.readers.keys.contains { $0 <= epoch } } }

    private func leave(_ epoch: UInt64) {
        state.withLock { state in
            if let count = state.readers[epoch], count > 1 { state.readers[epoch] = count - 1 } else { state.readers[epoch] = nil }
        }
    }

    /// The presence of one reader.
    final class Ticket: Sendable {
        private let epochs: ReaderEpochs
        private let epoch: UInt64

        init(epochs: ReaderEpochs, epoch: UInt64) {
            self.epochs = epochs
            self.epoch = epoch
        }

        deinit { epochs.leave(epoch) }
    }
}
