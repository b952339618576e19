import Logging
import ServiceLifecycle
import SkerryObjects

/// Collects what nothing refers to, again and again, as a service of the group.
///
/// The pause stands between the end of one collection and the beginning of the next, so a store that takes long to sweep is not swept all
/// the time. A collection that fails is logged and tried again after the pause; a shutdown cuts the pause short and a collection between its steps.
struct CollectionService: Service {
    let store: ObjectStore
    let interval: Duration
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: interval)) != nil { await collect() }
        }
    }

    private func collect() async {
        do {
            let report = try await store.collect()
            guard report.removedBlocks > 0 || report.rewrittenPacks > 0 else { return }
            logger.info(
                "collected",
                metadata: [
                    "removed-blocks": "\(report.removedBlocks)", "rewritten-packs": "\(report.rewrittenPacks)",
                    "freed-bytes": "\(report.freedBytes)",
                ])
        } catch {
            // Somebody else's collection (the admin port) is as good.
            guard error.code != .conditionalConflict else { return }
            logger.warning("a collection failed", metadata: ["error": "\(error)"])
        }
    }
}
