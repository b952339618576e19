import HTTPTypes
import Logging
import SkerryCodec
import SkerryHTTP
import Synchronization
import Testing

@testable import skerry

/// Both ends of the admin protocol against each other, without a socket.
@Suite("The admin protocol")
struct AdminProtocolTests {
    private let token = AdminToken(text: "token")

    private func service(_ administration: any Administration = MemoryAdministration(), isHealthy: Bool = true) -> AdminService {
        AdminService(
            administration: administration, token: token, isHealthy: { isHealthy }, metrics: { "metric 1\n" },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func remote(_ administration: any Administration) -> RemoteAdministration {
        RemoteAdministration(transport: InProcessTransport(service: service(administration), token: token))
    }

    // MARK: Law: what is done through the protocol is what is done at once

    @Test("users travel whole, with odd characters in their names")
    func users() async throws {
        let store = MemoryAdministration()
        let new = NewUser(id: "a", displayName: "\"Zoë\"\n🪨", email: "z@example.org", accessKey: "AKEY", secretKey: "a-secret")
        let made = try await remote(store).createUser(new)
        #expect(made.user == UserRecord(id: "a", displayName: "\"Zoë\"\n🪨", email: "z@example.org", isRoot: false))
        #expect(made.key == KeyRecord(accessKey: "AKEY", secretKey: "a-secret", user: "a", created: 1_700_000_000_000))
        #expect(try await remote(store).users() == store.users())
        try await remote(store).removeUser("a")
        #expect(try await store.users().map(\.id) == ["root"])
    }

    @Test("keys travel whole, and their secrets only once")
    func keys() async throws {
        let store = MemoryAdministration()
        let made = try await remote(store).createKey(NewKey(user: "root", accessKey: nil, secretKey: "given-secret"))
        #expect(made == KeyRecord(accessKey: "MADE", secretKey: "given-secret", user: "root", created: .max))
        #expect(try await remote(store).keys(of: nil).map(\.secretKey) == [nil])
        #expect(try await remote(store).keys(of: "somebody").isEmpty)
        try await remote(store).revokeKey("MADE")
        #expect(try await store.keys(of: nil).isEmpty)
    }

    @Test("figures travel whole, 64 bits of them")
    func statistics() async throws {
        #expect(try await remote(MemoryAdministration()).statistics() == .example)
    }

    @Test("a collection travels whole, also one that cost more than it freed")
    func collection() async throws {
        let report = try await remote(MemoryAdministration()).collect()
        #expect(report == CollectionRecord(unusedBlocks: 3, removedBlocks: 2, rewrittenPacks: 1, freedBytes: -7))
    }

    @Test("each error comes back as the code and the words it was thrown with")
    func errors() async throws {
        let store = MemoryAdministration()
        store.state.withLock { state in
            state.users.append(UserRecord(id: "owner", displayName: "", email: "", isRoot: false))
            state.owners = ["owner"]
        }
        await #expect(throws: AdminError(.userOwnsBuckets, "owner owns buckets")) { try await remote(store).removeUser("owner") }
        await #expect(throws: AdminError(.noSuchUser, "there is no user x")) { try await remote(store).removeUser("x") }
        await #expect(throws: AdminError(.noSuchAccessKey, "there is no access key x")) { try await remote(store).revokeKey("x") }
    }

    @Test("a verification tells its progress and then its problems")
    func verification() async throws {
        let report = VerificationRecord(
            records: 9, bytes: 1 << 40, versions: 5, problems: ["pack 1 offset 7: a \"bad\" body", "second"], unlistedProblems: 4)
        let store = MemoryAdministration(report: report, steps: [(1, 100), (2, 200), (3, 300)])
        let seen = Mutex<[UInt64]>([])
        let received = try await remote(store).verify { records, _ in seen.withLock { $0.append(records) } }
        #expect(received == report)
        // Steps nobody has fetched yet may be skipped, the newest one never.
        let steps = seen.withLock { $0 }
        #expect(steps.last == 3)
        #expect(steps == steps.sorted())
    }

    // MARK: The service alone

    private func send(
        _ method: HTTPRequest.Method, _ path: String, token: String? = "token", body: String = "", to service: AdminService? = nil
    ) async throws -> CollectedReply {
        var request = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        if let token { request.headerFields[.authorization] = "Bearer \(token)" }
        return try await InProcessClient(service ?? self.service()).send(request, body: PiecesBody([Array(body.utf8)]))
    }

    @Test("health and metrics are open")
    func open() async throws {
        #expect(try await send(.get, "/health", token: nil).text == "ok\n")
        #expect(try await send(.get, "/metrics?x=y", token: nil).text == "metric 1\n")
    }

    @Test("a server that stops is not healthy")
    func unhealthy() async throws {
        #expect(try await send(.get, "/health", to: service(isHealthy: false)).head.status == .serviceUnavailable)
    }

    @Test("no call is answered without the token", arguments: AdminCall.allCases)
    func unauthorized(_ call: AdminCall) async throws {
        for token in [nil, "wrong"] {
            let store = MemoryAdministration()
            let reply = try await send(.post, call.path, token: token, body: #"{"id":"x","user":"root"}"#, to: service(store))
            #expect(reply.head.status == .unauthorized)
            #expect(try AdminError(JSON.decode(Value.self, from: reply.bytes))?.code == .unauthorized)
            #expect(try await store.users().count == 1)
        }
    }

    @Test("a call is a POST: a link cannot make one")
    func method() async throws {
        #expect(try await send(.get, AdminCall.listUsers.path).head.status == .badRequest)
    }

    @Test("what is not a call is not found", arguments: ["/", "/admin", "/admin/", "/admin/listUsers/x", "/admin/LISTUSERS", "/healthy"])
    func unknown(_ path: String) async throws {
        #expect(try await send(.post, path).head.status == .notFound)
    }

    @Test(
        "arguments that cannot be meant are refused",
        arguments: [
            (AdminCall.createUser, "{}"), (.createUser, "{"), (.removeUser, #"{"id":1}"#), (.revokeKey, ""), (.createKey, "[]"),
            (.listUsers, String(repeating: " ", count: AdminService.argumentsMaximum + 1)),
        ])
    func badArguments(_ call: AdminCall, _ body: String) async throws {
        #expect(try await send(.post, call.path, body: body).head.status == .badRequest)
    }

    // MARK: The client alone

    @Test("an answer from something else is named as such")
    func foreignAnswers() async throws {
        for answer in [.object([:]), .object(["users": .null]), .object(["users": [.object(["id": "a"])]]), []] as [Value] {
            let remote = RemoteAdministration(transport: FixedTransport(answer: answer))
            let error = await #expect(throws: AdminError.self) { try await remote.users() }
            #expect(error?.code == .unreachable)
        }
    }

    @Test("lines are cut wherever the pieces end")
    func lines() throws {
        let text = Array("{\"a\":1}\n[]\n\"ä\"\n".utf8)
        for size in 1...text.count {
            var splitter = LineSplitter()
            var lines: [Value] = []
            for start in stride(from: 0, to: text.count, by: size) {
                lines += try splitter.lines(text[start..<min(start + size, text.count)])
            }
            #expect(lines == [.object(["a": 1]), [], "ä"])
        }
        var splitter = LineSplitter()
        #expect(throws: AdminError.self) { try splitter.lines(Array("<html>\n".utf8)) }
    }

    @Test("the endpoint file reads back as it was written; damage makes it none")
    func endpoint() throws {
        let endpoint = AdminEndpoint(address: try #require(ListenAddress("[::1]:40123")), token: token)
        #expect(AdminEndpoint(endpoint.bytes) == endpoint)
        for damaged in ["", "{}", #"{"address":"x","token":"t"}"#, #"{"address":"a:1"}"#] {
            #expect(AdminEndpoint(Array(damaged.utf8)) == nil)
        }
    }
}

/// Carries calls to a service in this process, over the same bytes as a socket would.
private struct InProcessTransport: AdminTransport {
    let service: AdminService
    let token: AdminToken

    func send(_ call: AdminCall, _ arguments: Value, each: @Sendable (Value) -> Void) async throws(AdminError) -> Value {
        var request = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: call.path)
        request.headerFields[.authorization] = "Bearer \(token.text)"
        let reply: CollectedReply
        do {
            reply = try await InProcessClient(service).send(request, body: PiecesBody([arguments.line]))
        } catch {
            throw AdminError(.unreachable, "\(error)")
        }
        var splitter = LineSplitter()
        let lines = try splitter.lines(reply.bytes)
        for line in lines.dropLast() { each(line) }
        guard let last = lines.last else { throw LineSplitter.foreign }
        return last
    }
}

/// Answers everything alike.
private struct FixedTransport: AdminTransport {
    let answer: Value

    func send(_ call: AdminCall, _ arguments: Value, each: @Sendable (Value) -> Void) async throws(AdminError) -> Value {
        answer
    }
}
