import HTTPTypes
import SkerryCSP
import SkerryCodec
import SkerryHTTP
import SkerryRPC
import SkerrySession
import Testing

@Suite("REST", .timeLimit(.minutes(1)))
struct RESTTests {
    let rest = RESTService(.init(ArithService.self, ArithService.reference(to: Calculator()), at: "/v1/arith"))

    private func answer(
        _ method: HTTPRequest.Method, _ path: String, body: String = "", of service: RESTService? = nil
    ) async -> (status: Int, body: String, reply: HTTPReply) {
        let request = HTTPRequest(method: method, scheme: "http", authority: "test", path: path)
        let reply = await (service ?? rest).respond(
            to: request, body: PiecesBody(bytes: Array(body.utf8)),
            context: HTTPRequestContext(requestID: "0", peer: "test", isSecure: false))
        if case .bytes(let bytes) = reply.body { return (reply.head.status.code, String(decoding: bytes, as: UTF8.self), reply) }
        return (reply.head.status.code, "", reply)
    }

    @Test("Y-34: parameters come from the path, the query and the body; the result is JSON")
    func routes() async throws {
        #expect(await answer(.get, "/v1/arith/succ/41").body == "42")
        #expect(await answer(.get, "/v1/arith/plus?right=2&left=40").body == "42")
        let sum = await answer(.post, "/v1/arith/sum?initial=10", body: #" {"numbers": [1, 2, 3]}"#)
        #expect(sum.status == 200 && sum.body == "16")
        #expect(await answer(.post, "/v1/arith/sum", body: #"{"numbers":[]}"#).body == "0")
        #expect(await answer(.post, "/v1/arith/sum?numbers=4&numbers=5", body: "{}").body == "9")
        #expect(await answer(.get, "/v1/arith/total").body == "0")
    }

    @Test(
        "Y-34: what does not fit is 400 and says what",
        arguments: [
            ("/v1/arith/succ/forty", "number"), ("/v1/arith/plus?left=1", "right"), ("/v1/arith/plus?left=1&right=2&right=3", "right"),
            ("/v1/arith/succ/1%22%7D", "number"),
        ])
    func badArguments(path: String, word: String) async throws {
        let answer = await answer(.get, path)
        #expect(answer.status == 400)
        #expect(answer.body.contains(word) && answer.body.contains("badArgument"))
    }

    @Test("Y-34: a body that is no object, or says a parameter twice, is 400; one that is too large 413")
    func badBodies() async throws {
        #expect(await answer(.post, "/v1/arith/sum", body: "[1]").status == 400)
        #expect(await answer(.post, "/v1/arith/sum", body: #"{"numbers":[1]"#).status == 400)
        #expect(await answer(.post, "/v1/arith/sum?initial=1", body: #"{"numbers":[1],"initial":2}"#).status == 400)
        var small = rest
        small.bodyMaximum = 4
        #expect(await answer(.post, "/v1/arith/sum", body: #"{"numbers":[]}"#, of: small).status == 413)
    }

    @Test("Y-34: unknown paths are 404, other verbs 405, failures their status with the error as JSON")
    func statuses() async throws {
        #expect(await answer(.get, "/v1/arith/none").status == 404)
        #expect(await answer(.get, "/v1/arith/succ/1/2").status == 404)
        #expect(await answer(.get, "/succ/1").status == 404)
        #expect(await answer(.post, "/v1/arith/succ/1").status == 405)
        let overflow = await answer(.get, "/v1/arith/succ/\(Int.max)")
        #expect(overflow.status == 422)
        #expect(overflow.body == #"{"error":"ArithError","value":{"overflow":"succ"}}"#)
        let (revoked, revoker) = ArithService.reference(to: Calculator()).revocable()
        revoker.revoke()
        #expect(await answer(.get, "/total", of: RESTService(.init(ArithService.self, revoked))).status == 404)
        let limited = ArithService.reference(to: Calculator()).limited(calls: 1, per: .seconds(60), clock: ManualClock())
        let busy = RESTService(.init(ArithService.self, limited))
        #expect(await answer(.get, "/total", of: busy).status == 200)
        let refused = await answer(.get, "/total", of: busy)
        #expect(refused.status == 503 && refused.reply.head.headerFields[.retryAfter] == "60")
    }

    @Test("Y-34: a method that sends into a channel answers with server-sent events, held back by who reads them")
    func events() async throws {
        let (status, _, reply) = await answer(.get, "/v1/arith/count/100")
        #expect(status == 200 && reply.head.headerFields[.contentType] == "text/event-stream")
        guard case .stream(nil, let next) = reply.body else {
            Issue.record("the answer is no stream")
            return
        }
        var text = ""
        while case .bytes(let bytes)? = try await next() { text += String(decoding: bytes, as: UTF8.self) }
        #expect(text == (0..<100).map { "data: \($0)\n\n" }.joined())
    }

    @Test("Y-34: a stream that fails before its first event has a status")
    func failingStream() async throws {
        #expect(await answer(.get, "/v1/arith/count/many").status == 400)
    }

    @Test("Y-34: when the client of a stream goes, the method learns it")
    func streamEnds() async throws {
        var reply: HTTPReply? = await answer(.get, "/v1/arith/count/1000000").reply
        if case .stream(_, let next)? = reply?.body { _ = try await next() }
        reply = nil
        // The service is an actor that is busy counting until its channel closes.
        #expect(await answer(.get, "/v1/arith/total").body == "0")
    }

    @Test("Y-34: a service behind a session answers over HTTP too")
    func remote() async throws {
        let pair = try await SessionPair.withArith()
        let rest = RESTService(.init(ArithService.self, pair.client.rootReference))
        #expect(await answer(.get, "/succ/41", of: rest).body == "42")
        #expect(await answer(.get, "/succ/42", of: rest).body == "43")
        #expect(await answer(.get, "/succ/\(Int.max)", of: rest).body == #"{"error":"ArithError","value":{"overflow":"succ"}}"#)
        await pair.close()
    }

    @Test("Y-34: the routes describe themselves, for people and as OpenAPI")
    func descriptions() async throws {
        #expect(rest.routeList.first == "GET /v1/arith/succ/{number} -> Arith.succ")
        #expect(rest.routeList.count == 5)
        let document = try JSON.decode(PlainValue.self, from: await answer(.get, "/v1/arith/_openapi").body).value
        let operation = document["paths"]?["/v1/arith/succ/{number}"]?["get"]
        #expect(document["openapi"] == "3.1.0")
        #expect(operation?["operationId"] == "Arith.succ")
        #expect(operation?["parameters"]?[0]?["in"] == "path")
        #expect(document["paths"]?["/v1/arith/sum"]?["post"]?["requestBody"] != nil)
        #expect(document["paths"]?["/v1/arith/count/{limit}"]?["get"]?["responses"]?["200"]?["content"]?["text/event-stream"] != nil)
    }
}
