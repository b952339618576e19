import Synchronization

/// Who may hold an upload buffer: a fixed number of slots, and a bounded line of those who wait for one, first come first served.
///
/// A waiting upload holds only what the socket gave it before (at most 64 KiB), since nobody reads on.
struct UploadAdmission<Waiter> {
    private(set) var free: Int
    let waitingMaximum: Int
    private var waiting: [(id: UInt64, waiter: Waiter)] = []
    private var nextID: UInt64 = 0

    init(slots: Int, waitingMaximum: Int) {
        free = slots
        self.waitingMaximum = waitingMaximum
    }

    var waitingCount: Int { waiting.count }

    enum EnterAction { case admitted, wait(id: UInt64), refuse }

    /// An upload asks for a slot.
    mutating func enter(_ waiter: Waiter) -> EnterAction {
        if free > 0 {
            free -= 1
            return .admitted
        }
        guard waiting.count < waitingMaximum else { return .refuse }
        nextID += 1
        waiting.append((nextID, waiter))
        return .wait(id: nextID)
    }

    /// A slot is given back: it goes to the first in line, who is returned.
    mutating func leave() -> Waiter? {
        guard !waiting.isEmpty else {
            free += 1
            return nil
        }
        return waiting.removeFirst().waiter
    }

    /// A waiter gives up; nil when it was admitted meanwhile.
    mutating func cancel(id: UInt64) -> Waiter? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: index).waiter
    }
}

/// ``UploadAdmission`` for tasks.
final class UploadSlots: Sendable {
    private typealias Continuation = UnsafeContinuation<Bool, Never>
    private let admission: Mutex<UploadAdmission<Continuation>>

    init(slots: Int, waitingMaximum: Int) {
        admission = Mutex(UploadAdmission(slots: slots, waitingMaximum: waitingMaximum))
    }

    /// Waits for a slot. Throws slowDown when too many wait already, or when the task was cancelled.
    func enter() async throws(ObjectError) {
        let waiterID = Mutex<UInt64?>(nil)
        let isAdmitted = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let action = admission.withLock { admission in
                    let action = admission.enter(continuation)
                    if case .wait(let id) = action { waiterID.withLock { $0 = id } }
                    return action
                }
                switch action {
                case .admitted: continuation.resume(returning: true)
                case .refuse: continuation.resume(returning: false)
                case .wait: if Task.isCancelled { cancel(waiterID) }
                }
            }
        } onCancel: {
            cancel(waiterID)
        }
        guard isAdmitted else {
            var error = ObjectError(.slowDown, "Too many uploads are waiting for memory.")
            error.retryAfter = 2
            throw error
        }
    }

    /// Slots that nobody holds.
    var free: Int { admission.withLock { $0.free } }
    /// Uploads that wait for one.
    var waitingCount: Int { admission.withLock { $0.waitingCount } }

    func leave() {
        admission.withLock { $0.leave() }?.resume(returning: true)
    }

    private func cancel(_ waiterID: borrowing Mutex<UInt64?>) {
        guard let id = waiterID.withLock({ $0 }) else { return }
        admission.withLock { $0.cancel(id: id) }?.resume(returning: false)
    }
}
