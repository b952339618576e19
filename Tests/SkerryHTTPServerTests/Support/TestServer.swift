import HTTPTypes
import Logging
import SkerryHTTP
import SkerryHTTPServer
import Synchronization
import Testing

/// A service made of a closure.
struct TestService: HTTPService {
    typealias Respond = @Sendable (HTTPRequest, any HTTPRequestBody, HTTPRequestContext) async -> HTTPReply

    let answer: Respond

    init(_ answer: @escaping Respond) {
        self.answer = answer
    }

    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        await answer(request, body, context)
    }
}

/// Runs a server around `body` and stops it afterwards, whatever happened.
func withServer(
    configure: (inout HTTPServerConfiguration) -> Void = { _ in }, answer: @escaping TestService.Respond,
    _ body: (Int, HTTPServer) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration(host: "127.0.0.1", port: 0)
    configuration.timeouts.shutdown = .seconds(5)
    configure(&configuration)
    let server = HTTPServer(
        configuration: configuration, service: TestService(answer), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let address = try await server.start()
    do {
        try await body(address.port, server)
    } catch {
        await server.shutdownGracefully()
        throw error
    }
    await server.shutdownGracefully()
}

/// Says when something happened, once.
final class Event: Sendable {
    private let state = Mutex<(happened: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func happen() {
        let waiters = state.withLock { state in
            state.happened = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    var happened: Bool { state.withLock { $0.happened } }

    func wait() async {
        await withCheckedContinuation { waiter in
            let happened = state.withLock { state in
                if !state.happened { state.waiters.append(waiter) }
                return state.happened
            }
            if happened { waiter.resume() }
        }
    }
}

/// Collects values from anywhere.
final class Journal<Entry: Sendable>: Sendable {
    private let state = Mutex<[Entry]>([])
    func note(_ entry: Entry) { state.withLock { $0.append(entry) } }
    var entries: [Entry] { state.withLock { $0 } }
}

extension HTTPReply {
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> HTTPReply {
        HTTPReply(HTTPResponse(status: status), .bytes(Array(text.utf8)))
    }
}

/// Bytes that differ from place to place, so that a lost or moved piece shows.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}

/// Waits until something holds, such as a figure of a running server, and gives the processor away in between. After a minute, or when
/// the test's own time is over, it records what never came about and throws, so that a test that waits in vain fails instead of holding
/// up the suite.
func until(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool) async throws {
    let start = ContinuousClock.now
    var turn = 0
    while try await !condition() {
        guard !Task.isCancelled, ContinuousClock.now - start < .seconds(60) else {
            Issue.record("in vain waited for: \(what)", sourceLocation: sourceLocation)
            throw WaitedInVain()
        }
        turn += 1
        // Other threads get the core now and then.
        if turn % 64 == 0 { try? await Task.sleep(for: .milliseconds(1)) } else { await Task.yield() }
    }
}

struct WaitedInVain: Error {}
