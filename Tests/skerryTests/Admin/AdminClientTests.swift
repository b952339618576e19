import Logging
import SkerryHTTPServer
import Testing

@testable import skerry

@Suite("The admin client over a socket")
struct AdminClientTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("calls, errors and streamed progress arrive as without a socket")
    func calls() async throws {
        let report = VerificationRecord(
            records: 1, bytes: 2, versions: 3, problems: (0..<5000).map { "problem \($0)" }, unlistedProblems: 0)
        let store = MemoryAdministration(report: report, steps: [(7, 8)])
        let token = AdminToken(text: "token")
        let service = AdminService(administration: store, token: token, isHealthy: { true }, metrics: { "" }, logger: logger)
        let server = HTTPServer(configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), service: service, logger: logger)
        let address = try #require(ListenAddress(try await server.start().description))

        let remote = RemoteAdministration(transport: AdminClient(address: address, token: token))
        #expect(try await remote.users() == store.users())
        #expect(try await remote.verify { _, _ in } == report)
        await #expect(throws: AdminError(.noSuchAccessKey, "there is no access key x")) { try await remote.revokeKey("x") }

        let stranger = RemoteAdministration(transport: AdminClient(address: address, token: AdminToken(text: "guess")))
        let refusal = await #expect(throws: AdminError.self) { try await stranger.users() }
        #expect(refusal?.code == .unauthorized)

        await server.shutdownGracefully()
        let silence = await #expect(throws: AdminError.self) { try await remote.users() }
        #expect(silence?.code == .unreachable)
    }
}
