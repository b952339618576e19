import SkerryChunks
import Synchronization

/// Which blocks are relied upon by uploads under way, and which the collector is about to remove. A block is never both.
///
/// An upload pins first and looks the block up afterwards; the collector condemns first and removes afterwards. So either the upload
/// sees the condemnation and stores the block anew, or the collector sees the pin and leaves it.
final class PinTable: Sendable {
    private struct State {
        var pins: [BlockName: Int] = [:]
        var condemned: Set<BlockName> = []
    }

    private let state = Mutex(State())
    private let onRelease: @Sendable ([BlockName]) -> Void

    /// - Parameter onRelease: Called with the blocks of each upload that ends, after what it committed is visible.
    init(onRelease: @escaping @Sendable ([BlockName]) -> Void) { self.onRelease = onRelease }

    /// Pins the block once more. Returns whether a copy that the index knows may be relied upon.
    func pin(_ name: BlockName) -> Bool {
        state.withLock { state in
            state.pins[name, default: 0] += 1
            return !state.condemned.contains(name)
        }
    }

    func isPinned(_ name: BlockName) -> Bool { state.withLock { $0.pins[name] != nil } }

    func unpin(_ names: [BlockName]) {
        state.withLock { state in
            for name in names {
                if let count = state.pins[name], count > 1 { state.pins[name] = count - 1 } else { state.pins[name] = nil }
            }
            // Under the lock: nobody condemns the block between the end of its pin and the end of its candidacy.
            onRelease(names)
        }
    }

    /// Marks the block for removal unless it is pinned; false when it is.
    func condemn(_ name: BlockName) -> Bool {
        state.withLock { state in
            guard state.pins[name] == nil else { return false }
            state.condemned.insert(name)
            return true
        }
    }

    /// The condemned blocks are out of the index.
    func pardon(_ names: [BlockName]) {
        state.withLock { state in
            for name in names { state.condemned.remove(name) }
        }
    }
}

/// The pins of one upload, released together.
final class PinSet: Sendable {
    private let table: PinTable
    private let names = Mutex<[BlockName]>([])

    init(_ table: PinTable) { self.table = table }

    deinit { table.unpin(names.withLock { $0 }) }

    func pin(_ name: BlockName) -> Bool {
        names.withLock { $0.append(name) }
        return table.pin(name)
    }
}
