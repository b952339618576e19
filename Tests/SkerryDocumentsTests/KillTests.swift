import SkerryCRDT
import SkerryRocksDB
import SkerryStorage
import Testing

@testable import SkerryDocuments

#if canImport(Glibc)
import Glibc
#endif

// Test 10 of the design: a process writes to real files, acknowledges, and is killed at a random moment; what it acknowledged is there, in
// order, and nothing but a part of what it was given behind that.
@Suite("A process killed while it writes")
struct KillTests {
    /// Lives and deaths in all: half on a file, half on an engine.
    static let kills = isSoak ? 5000 : 200

    @Test("every acknowledged commit is there, and the others are whole or not", arguments: Form.allCases)
    func kill(form: Form) async throws {
        let program = try #require(notesProgram(), "the notes example is not built beside the tests")
        try await withTemporaryDirectory { directory in
            let place = directory + "/notes"
            var generator = SplitMix64(seed: form == .file ? 1 : 2)
            // What is known to be on disk, and what was handed over behind it.
            var lines = 0
            var dead = 0
            for round in 0..<KillTests.kills / 2 {
                let count = try live(program, form, place, from: lines, &generator)
                dead += count.wasKilled ? 1 : 0
                let store = try await open(form, place)
                let text = try await store.document("notes/journal").text("body").string
                let found = text.split(separator: "\n").map(String.init)
                #expect(found == (0..<found.count).map(line), "round \(round)")
                #expect(found.count >= lines + count.acknowledged, "round \(round): acknowledged lines are lost")
                #expect(found.count <= lines + count.given)
                if round % 25 == 0 { #expect(try await store.check().isEmpty, "round \(round)") }
                lines = found.count
                try await store.close()
            }
            #expect(dead > KillTests.kills / 4)
            #expect(lines > KillTests.kills)
        }
    }

    private func line(_ number: Int) -> String { "line \(number) " + String(repeating: "x", count: number * 7 % 90) }

    /// Feeds a process until a random moment, and kills it.
    private func live(
        _ program: String, _ form: Form, _ place: String, from first: Int, _ generator: inout SplitMix64
    ) throws -> (given: Int, acknowledged: Int, wasKilled: Bool) {
        let child = try ChildProcess(program, [form == .file ? "--file" : "--directory", place, "take", "journal"])
        // So many acknowledgements, then so many more lines, then the signal, at once or a little later.
        let wanted = Int(generator.next() % 12)
        var given = 0
        let ahead = 1 + Int(generator.next() % 4)
        var acknowledged = 0
        while acknowledged < wanted {
            while given < acknowledged + ahead {
                child.write(line(first + given) + "\n")
                given += 1
            }
            guard let answer = child.readLine() else { break }
            #expect(answer == "ok \(acknowledged + 1)")
            acknowledged += 1
        }
        for _ in 0..<Int(generator.next() % 6) {
            child.write(line(first + given) + "\n")
            given += 1
        }
        usleep(UInt32(generator.next() % 3000))
        let wasKilled = child.kill()
        while let answer = child.readLine() {
            #expect(answer == "ok \(acknowledged + 1)")
            acknowledged += 1
        }
        return (given, acknowledged, wasKilled)
    }

    private func open(_ form: Form, _ place: String) async throws -> DocumentStore {
        let logger = quietLogger
        let files = PosixFileLayer()
        switch form {
        case .file: return try await DocumentStore.open(file: place, files: files, blocking: InlineExecutor(), logger: logger)
        case .engine:
            try files.createDirectory(place + "/packs")
            let metadata = try RocksDBEngine(directory: place + "/rows")
            var configuration = PackLogConfiguration()
            configuration.packCapacity = 4 << 20
            let log = try PackLog(
                files: files, directory: place + "/packs", applied: DocumentStore.appliedPosition(of: metadata),
                configuration: configuration)
            return try await DocumentStore.open(metadata: metadata, packs: log, blocking: InlineExecutor(), logger: logger)
        }
    }

    /// Beside the tests, where the build puts it, or where the environment says.
    private func notesProgram() -> String? {
        if let path = environment("NOTES_BINARY") { return path }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        var candidates: [String] = CommandLine.arguments.filter { $0.contains(".xctest") }
        if count > 0 { candidates.append(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)) }
        for candidate in candidates {
            guard let slash = candidate.lastIndex(of: "/") else { continue }
            let path = String(candidate[..<slash]) + "/notes-example"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }
}

/// A program between two pipes.
final class ChildProcess {
    private let process: pid_t
    private let input: Int32
    private let output: Int32
    private var waiting: [UInt8] = []

    init(_ program: String, _ arguments: [String]) throws {
        signal(SIGPIPE, SIG_IGN)
        var down: [Int32] = [0, 0], up: [Int32] = [0, 0]
        // Not inherited by other children: their copy would keep a pipe open whose end is waited for.
        try #require(pipe(&down) == 0)
        try #require(pipe(&up) == 0)
        for descriptor in down + up { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, down[0], 0)
        posix_spawn_file_actions_adddup2(&actions, up[1], 1)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        try #require(posix_spawn(&process, program, &actions, nil, &words, environ) == 0)
        close(down[0])
        close(up[1])
        self.process = process
        input = down[1]
        output = up[0]
    }

    deinit { close(output) }

    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            // The process may be gone.
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// The next whole line; nil at the end.
    func readLine() -> String? {
        while true {
            if let end = waiting.firstIndex(of: 10) {
                defer { waiting.removeFirst(end + 1) }
                return String(decoding: waiting[..<end], as: UTF8.self)
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(output, &buffer, buffer.count)
            if count <= 0 { return nil }
            waiting += buffer[..<count]
        }
    }

    /// Kills it and waits for its end; whether it was still alive.
    func kill() -> Bool {
        Glibc.kill(process, SIGKILL)
        close(input)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == SIGKILL
    }
}
