import Logging
import ServiceLifecycle
import SkerryHTTPServer

/// An HTTP server as a service of the group: runs until the group shuts down, then drains.
struct HTTPServerService: Service {
    let server: HTTPServer

    func run() async throws {
        // run() itself ends when its task is cancelled; draining is what a graceful shutdown asks for.
        try await cancelWhenGracefulShutdown { try await server.run() }
    }
}

/// The open store as a service of the group: waits for the shutdown, then closes. It stands first in the group and so ends last.
struct StoreService: Service {
    let open: OpenStore
    let logger: Logger

    func run() async throws {
        // Cancellation ends the wait as well: a group that lost a server closes the store all the same.
        try? await gracefulShutdown()
        logger.info("closing the store")
        try await open.close()
    }
}
