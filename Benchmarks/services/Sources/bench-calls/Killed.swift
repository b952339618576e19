import Glibc
import SkerryRPC
import SkerrySession
import SkerryWire

/// Serves on a port that it prints, until it is killed.
func serveUntilKilled() async throws -> Never {
    let registry = Registry()
    try registry.add("echo", EchoService.reference(to: EchoKeeper()))
    let server = SessionServer(root: registry.facet)
    let address = try await TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain).start { server.accept($0) }
    print(address.port)
    fflush(nil)
    while true { try await Task.sleep(for: .seconds(3_600)) }
}

/// Seconds from the kill of a peer's process to the failure of the last of so many calls under way.
func failureTime(calls: Int) async throws -> Double {
    var pipe: [CInt] = [0, 0]
    guard Glibc.pipe(&pipe) == 0 else { preconditionFailure("no pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var process = pid_t()
    let words: [UnsafeMutablePointer<CChar>?] = [strdup("/proc/self/exe"), strdup("serve"), nil]
    let environment: [UnsafeMutablePointer<CChar>?] = [nil]
    defer { for word in words { free(word) } }
    guard posix_spawn(&process, "/proc/self/exe", &actions, nil, words, environment) == 0 else { preconditionFailure("no process") }
    close(pipe[1])
    var digits: [UInt8] = []
    var byte: UInt8 = 0
    while read(pipe[0], &byte, 1) == 1, byte != UInt8(ascii: "\n") { digits.append(byte) }
    close(pipe[0])
    guard let port = Int(String(decoding: digits, as: UTF8.self)) else { preconditionFailure("no port") }

    let session = try await Session.open(to: TCPConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .plain))
    let echo = try await session.root.get(EchoService.self, "echo")
    // One place in flight is left for the call that shows that the others have arrived.
    let pending = (0..<calls - 1).map { _ in Task { try await echo.sleep() } }
    while session.statistics.core.questions < calls - 1 { await Task.yield() }
    _ = try await echo.echo([1])
    let start = clock.now
    kill(process, SIGKILL)
    for call in pending {
        guard case .failure(let error as CallError) = await call.result, error.maybeExecuted else {
            preconditionFailure("a call that did not fail as one that may have been executed")
        }
    }
    let time = seconds(clock.now - start)
    waitpid(process, nil, 0)
    return time
}
