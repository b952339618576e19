#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import SkerryStorage

/// Makes a directory of its own, runs `body` with its path, and removes it with all it holds, however `body` ends.
package func withTemporaryDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let path = try makeTemporaryDirectory()
    defer { removeTree(path) }
    return try body(path)
}

/// The same for a body that suspends.
package func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let path = try makeTemporaryDirectory()
    defer { removeTree(path) }
    return try await body(path)
}

private func makeTemporaryDirectory() throws(StorageError) -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((parent + "/skerry-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw posixError(parent, "mkdtemp", errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Removes what it can: a rest in the directory for temporary files is no reason to fail.
private func removeTree(_ path: String) {
    // A link is removed itself, not what it leads to.
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        for name in (try? PosixFileLayer().list(path)) ?? [] { removeTree(path + "/" + name) }
        rmdir(path)
    } else {
        unlink(path)
    }
}
