#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

// What the example needs of the system, without Foundation.

/// Prints a line where errors go.
func complain(_ line: String) { writeAll(Array((line + "\n").utf8), to: 2) }

/// Prints a line at once, also into a pipe.
func say(_ line: String) { writeAll(Array((line + "\n").utf8), to: 1) }

func leave(_ status: Int32) -> Never { exit(status) }

/// Writes all bytes; false when the other end is gone.
@discardableResult
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var start = 0
    while start < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + start, $0.count - start) }
        if count < 0, errno == EINTR { continue }
        if count <= 0 { return false }
        start += count
    }
    return true
}

/// Reads up to so many bytes; empty at the end.
func readSome(_ maximum: Int, from descriptor: Int32) -> [UInt8] {
    while true {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
            let got = read(descriptor, buffer.baseAddress!, maximum)
            failed = got < 0
            count = max(got, 0)
        }
        if failed, errno == EINTR { continue }
        return bytes
    }
}

/// Writing into a pipe whose other end is gone is an error, not a death.
func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

/// A program at the other end of two pipes.
struct Child {
    let process: pid_t
    /// What it prints.
    let output: Int32
    /// What it reads.
    let input: Int32

    init(_ command: [String]) throws {
        var down: [Int32] = [0, 0], up: [Int32] = [0, 0]
        guard pipe(&down) == 0, pipe(&up) == 0 else { throw UsageError("no pipe") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, down[0], 0)
        posix_spawn_file_actions_adddup2(&actions, up[1], 1)
        for descriptor in down + up { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var words = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        guard posix_spawnp(&process, command[0], &actions, nil, &words, environ) == 0 else {
            throw UsageError("\(command[0]) cannot be started")
        }
        close(down[0])
        close(up[1])
        self.process = process
        output = up[0]
        input = down[1]
    }

    /// Says that nothing more comes, and waits for its end.
    func finish() throws {
        close(input)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw UsageError("the other side failed") }
    }
}
