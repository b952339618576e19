#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The few file operations the printer needs, without Foundation.
enum Files {
    /// Largest source file read: 16 MiB.
    static let sizeMaximum = 16 << 20

    /// The text of the file at `path`.
    static func contents(of path: String) throws(CommandError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot read", path) }
            if count == 0 { break }
            bytes += block[..<count]
            guard bytes.count <= sizeMaximum else { throw CommandError("\(path) is larger than \(sizeMaximum) bytes") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Puts `text` into the file at `path`, in one step: a build that reads meanwhile sees the old text or the new.
    static func replace(_ path: String, with text: String) throws(CommandError) {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot create", temporary) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                let error = failure("cannot write", temporary)
                close(descriptor)
                unlink(temporary)
                throw error
            }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw failure("cannot replace", path) }
    }

    /// The Swift files at `path` and below, in ascending order; hidden directories are left out.
    static func swiftFiles(at path: String) throws(CommandError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOTDIR { return path.hasSuffix(".swift") ? [path] : [] }
            throw failure("cannot open", path)
        }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                    String(cString: $0)
                }
            }
            if name.hasPrefix(".") { continue }
            let child = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            switch kind(of: child) {
            case S_IFDIR: found += try swiftFiles(at: child)
            case S_IFREG where name.hasSuffix(".swift"): found.append(child)
            default: continue
            }
        }
        return found.sorted()
    }

    /// Directory, file or other; links are other, so that a walk ends.
    private static func kind(of path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    static func leave(_ status: Int32) -> Never {
        exit(status)
    }

    static func say(_ text: String) {
        print(text, terminator: "")
    }

    static func complain(_ line: String) {
        let text = Array((line + "\n").utf8)
        _ = text.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func failure(_ what: String, _ path: String) -> CommandError {
        CommandError("\(what) \(path): \(String(cString: strerror(errno)))")
    }
}
