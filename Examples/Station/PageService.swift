import Foundation
import HTTPTypes
import SkerryHTTP

/// Serves the page and the JavaScript client it uses; everything else is the next service's.
struct PageService<Next: HTTPService>: HTTPService {
    private let files: [String: (type: String, bytes: [UInt8])]
    private let next: Next

    init(before next: Next) throws {
        func load(_ name: String) throws -> [UInt8] {
            guard let url = Bundle.module.url(forResource: name, withExtension: nil) else { throw CocoaError(.fileNoSuchFile) }
            return [UInt8](try Data(contentsOf: url))
        }
        files = [
            "/": ("text/html; charset=utf-8", try load("index.html")),
            "/skerry.js": ("text/javascript; charset=utf-8", try load("skerry.js")),
        ]
        self.next = next
    }

    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        guard request.method == .get, let file = files[request.path?.split(separator: "?").first.map(String.init) ?? "/"] else {
            return await next.respond(to: request, body: body, context: context)
        }
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = file.type
        return HTTPReply(head, .bytes(file.bytes))
    }
}
