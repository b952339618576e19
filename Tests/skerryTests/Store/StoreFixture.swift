import Logging
import SkerryObjects
import SkerryStorage

@testable import skerry

/// Runs `body` with a new store in memory, and closes it.
func withMemoryStore(_ body: (ObjectStore) async throws -> Void) async throws {
    let packs = try PackLog(files: MemoryFileLayer(), directory: "/packs")
    let store = try await ObjectStore.open(
        metadata: MemoryMetadataEngine(), packs: packs, blocking: InlineExecutor(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    do {
        try await body(store)
    } catch {
        try? await store.close()
        throw error
    }
    try await store.close()
}
