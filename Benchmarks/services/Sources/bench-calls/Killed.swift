import Glibc
import SkerryRPC
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
    let words = ["/proc/self/exe", "serve"].map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    guard posix_spawn(&process, "/proc/self/exe", &actions, nil, words, environ) == 0 else { preconditionFailure("no process") }
    close(pipe[1])
    var digits: [UInt8] = []
    var byte: UInt8 = 0
    while read(pipe[0], &byte, 1) == 1, byte != UInt8(ascii: "\n") { digits.append(byte) }
    close(pipe[0])
    guard let port = Int(String(decoding: digits, as: UTF8.self)) else { preconditionFailure("no port") }

    let session = try await Session.open(to: TCPConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .plain))
    let echo = try await session.root.get(EchoService.self, "echo")
    let pending = (0..<calls).map { _ in Task { try? await echo.sleep() } }
    // The last of them has been sent when a later call was answered.
    for _ in 0..<3 { _ = try await echo.echo([1]) }
    let start = clock.now
    kill(process, SIGKILL)
    for call in pending { await call.value }
    let time = seconds(clock.now - start)
    waitpid(process, nil, 0)
    return time
}
