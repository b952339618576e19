public import Logging
import SkerrySession

/// Logs every call: method, outcome and time.
public struct CallLog: Interceptor {
    private let logger: Logger
    private let level: Logger.Level
    private let clock: any CallClock

    public init(_ logger: Logger, level: Logger.Level = .info, clock: any CallClock = SystemCallClock()) {
        self.logger = logger
        self.level = level
        self.clock = clock
    }

    public func intercept(
        _ call: Invocation, next: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        let start = clock.now
        do {
            let reply = try await next(call)
            logger.log(level: level, "call answered", metadata: ["method": "\(call.method)", "duration": "\(clock.now - start)"])
            return reply
        } catch {
            logger.log(
                level: level, "call failed",
                metadata: ["method": "\(call.method)", "duration": "\(clock.now - start)", "error": "\(Self.text(error))"])
            throw error
        }
    }

    private static func text(_ error: any Error) -> String {
        if let failure = error as? DeclaredFailure { failure.name } else { "\(error)" }
    }
}

extension Reference {
    /// A reference to the same object whose calls are logged.
    public func logged(to logger: Logger, level: Logger.Level = .info) -> Reference {
        intercepted(by: CallLog(logger, level: level))
    }
}
