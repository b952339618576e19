public import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
public import SkerryHTTP
internal import Synchronization

/// Serves an ``HTTPService`` over HTTP/1.1 on TCP.
///
/// ```swift
/// let server = HTTPServer(configuration: .init(host: "127.0.0.1", port: 9000), service: service, logger: logger)
/// let address = try await server.start()
/// try await server.run()          // until shutdownGracefully() is called or this task is cancelled
/// ```
///
/// A server starts once and stops once.
public final class HTTPServer: Sendable {
    /// Where a server listens.
    public struct Address: Sendable, Hashable, CustomStringConvertible {
        public var host: String
        public var port: Int

        /// `127.0.0.1:9000`, `[::1]:9000`.
        public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    private let configuration: HTTPServerConfiguration
    private let service: any HTTPService
    private let security: (any ConnectionSecurity)?
    private let logger: Logger
    private let state = Mutex(State.new)

    public convenience init(configuration: HTTPServerConfiguration, service: any HTTPService, logger: Logger) {
        self.init(configuration: configuration, service: service, security: nil, logger: logger)
    }

    package init(
        configuration: HTTPServerConfiguration, service: any HTTPService, security: (any ConnectionSecurity)?, logger: Logger
    ) {
        self.configuration = configuration
        self.service = service
        self.security = security
        self.logger = logger
    }

    /// Binds and begins to accept.
    ///
    /// - Returns: The address bound, with the port the system chose when 0 was asked for.
    /// - Throws: ``HTTPServerError``; nothing is left running then.
    @discardableResult
    public func start() async throws(HTTPServerError) -> Address {
        try beginStart()
        let carrier = Carrier(configuration: configuration)
        do {
            let channel = try await carrier.bind(configuration, service: service, security: security, logger: logger)
            let address = Address(host: channel.localAddress?.ipAddress ?? configuration.host, port: channel.localAddress?.port ?? 0)
            state.withLock { $0 = .running(carrier, channel, stopping: nil) }
            logger.info("serving HTTP", metadata: ["address": "\(address)"])
            // A shutdown that came during the start found nothing to stop.
            if shutdownSignal.isSent { await shutdownGracefully() }
            return address
        } catch {
            await carrier.stop()
            state.withLock { $0 = .stopped }
            shutdownSignal.send()
            throw HTTPServerError(error, configuration)
        }
    }

    /// Returns after a graceful shutdown, which cancelling the task begins as well. Starts the server if ``start()`` was not called.
    public func run() async throws(HTTPServerError) {
        if state.withLock({ $0.isNew }) { try await start() }
        let signal = shutdownSignal
        await withTaskCancellationHandler {
            await signal.wait()
        } onCancel: {
            signal.send()
        }
        await shutdownGracefully()
    }

    /// Stops accepting, lets requests under way finish, closes idle connections, and returns when all is closed.
    ///
    /// After ``HTTPServerConfiguration/Timeouts/shutdown`` what is left is cut and its tasks are cancelled.
    /// Further calls return when the first one does.
    public func shutdownGracefully() async {
        await shutdownGracefully(within: configuration.timeouts.shutdown)
    }

    /// As ``shutdownGracefully()``, with another patience.
    package func shutdownGracefully(within patience: Duration) async {
        shutdownSignal.send()
        let stopping: Task<Void, Never>? = state.withLock { state in
            switch state {
            case .new:
                state = .stopped
                return nil
            case .running(let carrier, let channel, nil):
                let task = Task { await self.stop(carrier, channel, within: patience) }
                state = .running(carrier, channel, stopping: task)
                return task
            case .running(_, _, let task):
                return task
            case .starting, .stopped:
                return nil
            }
        }
        await stopping?.value
    }

    /// What the server does right now; zero before the start, the last figures after the end.
    public var statistics: HTTPServerStatistics {
        state.withLock { state in
            if case .running(let carrier, _, _) = state { carrier.statistics } else { HTTPServerStatistics() }
        }
    }

    private let shutdownSignal = ShutdownSignal()

    private enum State {
        case new
        case starting
        case running(Carrier, any Channel, stopping: Task<Void, Never>?)
        case stopped

        var isNew: Bool {
            if case .new = self { true } else { false }
        }
    }

    private func beginStart() throws(HTTPServerError) {
        let isNew = state.withLock { state in
            guard state.isNew else { return false }
            state = .starting
            return true
        }
        guard isNew else { throw HTTPServerError(.alreadyStarted, "the server was started before") }
    }

    private func stop(_ carrier: Carrier, _ channel: any Channel, within patience: Duration) async {
        logger.info("shutting down", metadata: ["connections": "\(carrier.statistics.openConnections)"])
        try? await channel.close()
        let isEmpty = await carrier.drain(within: patience)
        if isEmpty {
            await carrier.stop()
        } else {
            // Threads under a task that does not end cannot be taken away; they are left to the end of the process.
            logger.warning(
                "requests did not end after their connections were cut", metadata: ["requests": "\(carrier.statistics.activeRequests)"])
        }
    }
}
