import Logging
import SkerryObjects
import SkerryStorage

/// A store that is open over a data directory; closing both is one step.
struct OpenStore: Sendable {
    let store: ObjectStore
    let directory: StoreDirectory

    /// Opens the store over `directory`, which is closed again when that fails.
    init(_ directory: StoreDirectory, _ options: StoreOptions, _ logger: Logger) async throws(CommandFailure) {
        do {
            store = try await ObjectStore.open(
                metadata: directory.metadata, packs: directory.packs, blocking: directory.blocking, options: options, logger: logger)
        } catch {
            // Why the store did not open is what matters, not what closing says after it.
            try? await directory.closeEngines()
            throw CommandFailure(error, directory: directory.path)
        }
        self.directory = directory
    }

    /// Finishes what is under way, closes the engines, then gives the directory free.
    func close() async throws(CommandFailure) {
        // Before the lock goes: afterwards the file could be another server's.
        AdminEndpoint.remove(in: directory.path)
        do {
            try await store.close()
        } catch {
            // The lock goes back whatever the store says, and the store's error is the one to hear of.
            try? await directory.release()
            throw CommandFailure("closing the store failed: \(error)")
        }
        do {
            try await directory.release()
        } catch {
            throw CommandFailure(error, directory: directory.path)
        }
    }
}
