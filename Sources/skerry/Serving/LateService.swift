import HTTPTypes
import SkerryHTTP
import Synchronization

/// Stands in for a service that is still being made, so that a port can be taken before the data directory is touched.
///
/// Until ``begin(_:)`` every request is answered 503; afterwards each costs one atomic load more.
final class LateService: HTTPService {
    private let service = AtomicLazyReference<Box>()

    private final class Box: Sendable {
        let service: any HTTPService
        init(_ service: any HTTPService) { self.service = service }
    }

    /// Answers with `service` from now on; later calls change nothing.
    func begin(_ service: any HTTPService) { _ = self.service.storeIfNil(Box(service)) }

    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        guard let service = service.load()?.service else {
            var head = HTTPResponse(status: .serviceUnavailable)
            head.headerFields[.retryAfter] = "1"
            return HTTPReply(head)
        }
        return await service.respond(to: request, body: body, context: context)
    }
}
