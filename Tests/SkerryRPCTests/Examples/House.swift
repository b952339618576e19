import SkerryCSP
import SkerryCodec
import SkerryRPC

// Services whose methods return services, three deep, for promises. `House+Generated.swift` is printed.

/// Why a house has no door of a name.
// @Shape
enum HouseError: Error, Equatable {
    case noSuchDoor(String)
}

/// A house with doors.
// @Service(errors: HouseError.self)
protocol House: Sendable {
    /// The door of that name; ``HouseError/noSuchDoor(_:)`` when there is none.
    // @Default("name", "front")
    func door(_ name: String) async throws -> DoorClient

    /// Whatever it was given.
    func echo(_ reference: Reference) async throws -> Reference

    /// The state of a lock, whoever hosts it.
    func state(of lock: LockClient) async throws -> String
}

/// A door with a lock.
// @Service
protocol Door: Sendable {
    func lock() async throws -> LockClient
}

/// A lock.
// @Service
protocol Lock: Sendable {
    func turn() async throws -> String
    func state() async throws -> String
    /// Turns, without an answer.
    // @OneWay
    func nudge() async throws
}

/// A house of one door, which notes what happens to it.
struct Cottage: House {
    let journal = Journal<String>()
    /// Holds up `door` until it is opened.
    let gate = Gate()

    init(isOpen: Bool = true) { if isOpen { gate.open() } }

    func door(_ name: String) async throws -> DoorClient {
        journal.add("door \(name)")
        await withTaskCancellationHandler {
            await gate.wait()
        } onCancel: {
            journal.add("cancelled")
            gate.open()
        }
        guard name == "front" else { throw HouseError.noSuchDoor(name) }
        return DoorService.client(DoorService.reference(to: Door(journal: journal)))
    }

    func echo(_ reference: Reference) -> Reference { reference }

    func state(of lock: LockClient) async throws -> String { try await lock.state() }

    struct Door: SkerryRPCTests.Door {
        let journal: Journal<String>

        func lock() -> LockClient {
            journal.add("lock")
            return LockService.client(LockService.reference(to: Bolt(journal: journal)))
        }
    }

    final class Bolt: Lock {
        private let journal: Journal<String>
        private let turns = Locked(0)

        init(journal: Journal<String>) { self.journal = journal }

        func turn() -> String {
            journal.add("turn")
            return turns.withLock { turns in
                turns += 1
                return turns % 2 == 1 ? "shut" : "open"
            }
        }

        func state() -> String { turns.withLock { $0 % 2 == 1 ? "shut" : "open" } }

        func nudge() { _ = turn() }
    }
}
