import SkerryCSP
import SkerryCodec
import SkerryRPC

// A service of methods that may be done twice and others that may not. `Ledger+Generated.swift` is printed.

/// Why an amount is not added.
// @Shape
enum LedgerError: Error, Equatable {
    case negative(Int)
}

/// A sum.
// @Service(errors: LedgerError.self)
protocol Ledger: Sendable {
    /// Adds to the sum, and answers the sum.
    func add(_ amount: Int) async throws -> Int

    /// The sum.
    // @Idempotent
    func read() async throws -> Int

    /// Sends the sum into a channel of the caller.
    // @Idempotent
    func report(into sums: Sender<Int>) async throws
}

/// Counts what is done to it. The calls stand still while it is held, after they are counted.
final class Bookkeeper: Ledger {
    private struct State {
        var sum = 0
        var reads = 0
        var isHeld = false
        var gate = Gate()
    }

    private let state = Locked(State())

    var sum: Int { state.withLock { $0.sum } }
    var reads: Int { state.withLock { $0.reads } }

    /// Calls that come from now on stand still, or do not. Those that do stay.
    func hold(_ isHeld: Bool = true) { state.withLock { $0.isHeld = isHeld } }

    func letGo() {
        let gate = state.withLock { state in
            state.isHeld = false
            defer { state.gate = Gate() }
            return state.gate
        }
        gate.open()
    }

    func add(_ amount: Int) async throws -> Int {
        guard amount >= 0 else { throw LedgerError.negative(amount) }
        let sum = state.withLock { state in
            state.sum += amount
            return state.sum
        }
        await stand()
        return sum
    }

    func read() async -> Int {
        state.withLock { $0.reads += 1 }
        await stand()
        return sum
    }

    func report(into sums: Sender<Int>) async throws {
        try await sums.send(read())
        sums.close()
    }

    private func stand() async {
        let gate = state.withLock { $0.isHeld ? $0.gate : nil }
        await gate?.wait()
    }
}
