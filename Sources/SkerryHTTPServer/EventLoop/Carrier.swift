internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SkerryHTTP

/// The event loops of a server and what binds connections to them.
final class Carrier: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loops: [LoopConnections]
    private let loopsByIdentity: [ObjectIdentifier: LoopConnections]
    private let identifiers = RequestIdentifiers()

    init(configuration: HTTPServerConfiguration) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopCount ?? System.coreCount)
        loops = group.makeIterator().map { LoopConnections(eventLoop: $0, configuration: configuration) }
        loopsByIdentity = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
    }

    var statistics: HTTPServerStatistics {
        loops.reduce(HTTPServerStatistics()) { $0 + $1.counters.snapshot }
    }

    func bind(
        _ configuration: HTTPServerConfiguration, service: any HTTPService, security: (any ConnectionSecurity)?, logger: Logger
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: CInt(configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            // One read event is one buffer: that is what bounds the bytes nobody has asked for.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try addHandlers(to: channel, configuration, service: service, security: security, logger: logger)
                }
            }
            .bind(host: configuration.host, port: configuration.port)
            .get()
    }

    private func addHandlers(
        to channel: any Channel, _ configuration: HTTPServerConfiguration, service: any HTTPService,
        security: (any ConnectionSecurity)?, logger: Logger
    ) throws {
        guard let loop = loopsByIdentity[ObjectIdentifier(channel.eventLoop)] else {
            preconditionFailure("a connection on a foreign event loop")
        }
        let open = loops.reduce(0) { $0 + $1.counters.openConnectionCount }
        // A refusal takes its time to be read. Beyond this room even that is too much, and the connection is closed at once.
        guard open < configuration.limits.connections + Self.refusalRoom else { throw ChannelError.operationUnsupported }
        let sizing = ReceiveSizing(counters: loop.counters)
        try channel.syncOptions?.setOption(.recvAllocator, value: sizing)
        // Left over is what follows a request for an upgrade; otherwise the decoder stays as long as its channel.
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: .init(configuration.limits))
        let handler = ConnectionHandler(
            loop: loop, sizing: sizing, service: service, identifiers: identifiers, logger: logger,
            isSecure: security != nil, isOverLimit: open >= configuration.limits.connections)
        try security?.addHandlers(to: channel)
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(decoder, maximumBufferSize: configuration.limits.headSize + ReceiveSizing.largeSize))
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Connections above the limit that are told so.
    private static let refusalRoom = 256

    /// Lets requests under way finish, for so long, then cuts the rest. False when tasks did not end even then.
    func drain(within timeout: Duration) async -> Bool {
        let empty = loops.map { loop in loop.eventLoop.flatSubmit { loop.beginShutdown() } }
        let all = EventLoopFuture.andAllComplete(empty, on: group.next())
        if await all.completes(within: timeout) { return true }
        for loop in loops { loop.eventLoop.execute { loop.cutAll() } }
        return await all.completes(within: Self.cutPatience)
    }

    /// How long a task may take to end after its connection was cut and it was cancelled.
    private static let cutPatience = Duration.seconds(10)

    func stop() async {
        // The only error is a second shutdown, and there is one caller.
        try? await group.shutdownGracefully()
    }
}

extension EventLoopFuture<Void> {
    /// Whether the future completed within the time.
    fileprivate func completes(within timeout: Duration) async -> Bool {
        let promise = eventLoop.makePromise(of: Bool.self)
        let timer = eventLoop.scheduleTask(in: TimeAmount(timeout)) { promise.succeed(false) }
        whenComplete { _ in
            timer.cancel()
            promise.succeed(true)
        }
        return (try? await promise.futureResult.get()) ?? false
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    init(_ limits: HTTPServerConfiguration.Limits) {
        self.init()
        maxHeaderFieldSize = limits.headSize
        maxHeaderListSize = limits.headSize
        maxHeaderFieldCount = limits.headerCount
    }
}

extension HTTPServerError {
    init(_ error: any Error, _ configuration: HTTPServerConfiguration) {
        if let error = error as? IOError {
            self = .bind(host: configuration.host, port: configuration.port, errnoCode: error.errnoCode)
        } else if error is SocketAddressError.UnknownHost {
            self.init(.unknownHost, "cannot listen on \(configuration.host):\(configuration.port): the host name is unknown")
        } else {
            self.init(.other, "cannot listen on \(configuration.host):\(configuration.port): \(error)")
        }
    }
}
