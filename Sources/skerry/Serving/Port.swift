import Logging
import SkerryHTTPServer

/// A port that is taken before there is anything behind it.
struct Port: Sendable {
    let service: LateService
    let server: HTTPServer
    private let option: String

    /// - Parameter option: The flag that chooses another address, for the message when this one cannot be had.
    init(_ address: ListenAddress, option: String, _ logger: Logger) {
        let service = LateService()
        self.service = service
        self.option = option
        var logger = logger
        logger[metadataKey: "option"] = "\(option)"
        // A start that fails says one line, its own: that a port was taken and given back is of interest only to those who debug.
        if logger.logLevel == .info { logger.logLevel = .notice }
        server = HTTPServer(
            configuration: HTTPServerConfiguration(host: address.host, port: address.port), service: service, logger: logger)
    }

    /// - Returns: The address bound, with the port the system chose when 0 was asked for.
    func start() async throws(CommandFailure) -> HTTPServer.Address {
        do {
            return try await server.start()
        } catch {
            let advice = error.code == .addressInUse ? "stop the process that listens there or choose" : "choose"
            throw CommandFailure("\(error.message); \(advice) another address with \(option)")
        }
    }
}
