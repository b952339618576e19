import Foundation
import HTTPTypes
import SkerryHTTP

/// Serves the page and the JavaScript client it uses; everything else is the next service's.
struct PageService<Next: HTTPService>: HTTPService {
    private let files: [String: (type: String, bytes: [UInt8])]
    private let next: Next

    /// - Throws: when the sources that this was built from are not where they were: an example runs from its checkout.
    init(before next: Next) throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let client = here.appending(path: "../../JavaScript/skerry.js").standardized
        files = [
            "/": ("text/html; charset=utf-8", [UInt8](try Data(contentsOf: here.appending(path: "Page/index.html")))),
            "/skerry.js": ("text/javascript; charset=utf-8", [UInt8](try Data(contentsOf: client))),
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
