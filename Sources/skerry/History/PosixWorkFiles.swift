import Glibc
import SkerryMerge
import SkerryReplication

/// The files of a directory of the operating system.
///
/// Every path is walked from the directory's own descriptor, name by name and never through a link, so that nothing a history holds can
/// lead out of it.
struct PosixWorkFiles: WorkFiles {
    private let root: String
    /// Mode of new files and directories, less what the umask of whoever started the program takes away.
    private let mask: mode_t

    init(root: String, mask: mode_t) {
        self.root = root
        self.mask = mask
    }

    func entries(of names: [[UInt8]]) throws(HistoryError) -> [WorkEntry] {
        let directory = try openDirectory(names[...], creates: false)
        guard let stream = fdopendir(directory) else {
            let number = errno
            close(directory)
            throw failure("fdopendir", number, names)
        }
        defer { closedir(stream) }
        var entries: [WorkEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw failure("readdir", errno, names) }
                return entries
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: UInt8.self, capacity: Int(NAME_MAX) + 1) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
                }
            }
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            if isDraft(name) {
                removeAbandoned(draft: name, in: dirfd(stream))
                continue
            }
            if let entry = try look(at: name, in: dirfd(stream), names) { entries.append(entry) }
        }
    }

    /// Nil when it went away meanwhile.
    private func look(at name: [UInt8], in directory: CInt, _ names: [[UInt8]]) throws(HistoryError) -> WorkEntry? {
        var status = stat()
        let result = withCString(name) { fstatat(directory, $0, &status, AT_SYMLINK_NOFOLLOW) }
        guard result == 0 else {
            if errno == ENOENT { return nil }
            throw failure("fstatat", errno, names + [name])
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return WorkEntry(name: name, kind: .file(FileStamp(status)), isExecutable: status.st_mode & S_IXUSR != 0)
        case S_IFDIR: return WorkEntry(name: name, kind: .directory)
        default: return WorkEntry(name: name, kind: .other)
        }
    }

    func read(_ path: FilePath) throws(HistoryError) -> (content: [UInt8], stamp: FileStamp) {
        let directory = try openDirectory(path.names.dropLast(), creates: false)
        defer { close(directory) }
        let file = withCString(path.names[path.names.count - 1]) { openat(directory, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        guard file >= 0 else { throw failure("open", errno, path.names) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("fstat", errno, path.names) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw HistoryError(.failed, "\(path) is not a file") }
        guard status.st_size < HistoryObject.sizeMaximum - 2 else {
            throw HistoryError(
                .tooLarge, "\(path) has \(status.st_size) bytes; a history holds files of less than \(HistoryObject.sizeMaximum)")
        }
        let content = try readAll(file, expected: Int(status.st_size), path)
        return (content, FileStamp(status))
    }

    private func readAll(_ file: CInt, expected: Int, _ path: FilePath) throws(HistoryError) -> [UInt8] {
        var failed: CInt = 0
        // One byte more than expected shows that there is no more.
        let content = [UInt8](unsafeUninitializedCapacity: expected + 1) { buffer, count in
            count = 0
            while count < buffer.count {
                let taken = Glibc.read(file, buffer.baseAddress! + count, buffer.count - count)
                if taken < 0, errno == EINTR { continue }
                if taken < 0 { failed = errno }
                if taken <= 0 { break }
                count += taken
            }
        }
        guard failed == 0 else { throw failure("read", failed, path.names) }
        guard content.count <= expected else { throw HistoryError(.changedMeanwhile, "\(path) grew while it was read") }
        return content
    }

    func write(_ path: FilePath, _ content: [UInt8]) throws(HistoryError) -> FileStamp {
        let directory = try openDirectory(path.names.dropLast(), creates: true)
        defer { close(directory) }
        let name = path.names[path.names.count - 1]
        // A draft beside it takes its name when it is whole; links are replaced, not followed.
        let draft = Array("\(Self.draftPrefix)\(getpid())".utf8)
        var status = stat()
        let isThere = withCString(name) { fstatat(directory, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0
        let mode = isThere && status.st_mode & S_IFMT == S_IFREG ? status.st_mode & 0o7777 : 0o666 & ~mask
        _ = withCString(draft) { unlinkat(directory, $0, 0) }
        let file = withCString(draft) { openat(directory, $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard file >= 0 else { throw failure("open", errno, path.names) }
        defer { close(file) }
        do throws(HistoryError) {
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else { throw failure("flock", errno, path.names) }
            try writeAll(file, content, path)
            guard fchmod(file, mode) == 0 else { throw failure("fchmod", errno, path.names) }
            let renamed = withCString(draft) { draft in withCString(name) { renameat(directory, draft, directory, $0) } }
            guard renamed == 0 else { throw failure("rename", errno, path.names) }
            guard fstat(file, &status) == 0 else { throw failure("fstat", errno, path.names) }
        } catch {
            _ = withCString(draft) { unlinkat(directory, $0, 0) }
            throw error
        }
        return FileStamp(status)
    }

    // MARK: Drafts

    private static let draftPrefix = ".skerry-draft-"

    private func isDraft(_ name: [UInt8]) -> Bool {
        let prefix = Self.draftPrefix.utf8
        return name.starts(with: prefix) && name.dropFirst(prefix.count).allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Removes a draft that nobody writes any more: its writer, which held it locked, was killed.
    private func removeAbandoned(draft name: [UInt8], in directory: CInt) {
        let file = withCString(name) { openat(directory, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        guard file >= 0 else { return }
        defer { close(file) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return }
        _ = withCString(name) { unlinkat(directory, $0, 0) }
    }

    private func writeAll(_ file: CInt, _ content: [UInt8], _ path: FilePath) throws(HistoryError) {
        var written = 0
        while written < content.count {
            let count = content.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write", errno, path.names) }
            written += count
        }
    }

    func remove(_ path: FilePath) throws(HistoryError) {
        for depth in path.names.indices.reversed() {
            let names = path.names[...depth]
            let directory: CInt
            do throws(HistoryError) { directory = try openDirectory(names.dropLast(), creates: false) } catch {
                if error.code == .notFound { continue }
                throw error
            }
            defer { close(directory) }
            let isFile = depth == path.names.count - 1
            let result = withCString(path.names[depth]) { unlinkat(directory, $0, isFile ? 0 : AT_REMOVEDIR) }
            guard result != 0 else { continue }
            if errno == ENOENT { continue }
            // A directory that is not empty stays, and those above it.
            if !isFile { return }
            throw failure("unlink", errno, Array(names))
        }
    }

    // MARK: -

    /// A descriptor of a directory below the root, owned by the caller.
    private func openDirectory(_ names: ArraySlice<[UInt8]>, creates: Bool) throws(HistoryError) -> CInt {
        var directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            throw HistoryError(errno == ENOENT ? .notFound : .failed, "\(root): \(String(cString: strerror(errno)))")
        }
        for (index, name) in names.enumerated() {
            if creates, withCString(name, { mkdirat(directory, $0, 0o777 & ~mask) }) == 0 {
                // Not what the umask of this process made of it.
                _ = withCString(name) { fchmodat(directory, $0, 0o777 & ~mask, 0) }
            }
            let next = withCString(name) { openat(directory, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) }
            let number = errno
            close(directory)
            guard next >= 0 else { throw failure("open", number, Array(names.prefix(index + 1))) }
            directory = next
        }
        return directory
    }

    private func withCString<Value>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Value) -> Value {
        var text = name.map { CChar(bitPattern: $0) }
        text.append(0)
        return text.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    private func failure(_ call: String, _ number: CInt, _ names: [[UInt8]]) -> HistoryError {
        let path = names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
        switch number {
        case ENOENT: return HistoryError(.notFound, "there is no \(path)")
        case ENOTDIR, ELOOP: return HistoryError(.failed, "\(path) lies behind a file or a link, which histories do not follow")
        default: return HistoryError(.failed, "\(path.isEmpty ? root : path): \(call): \(String(cString: strerror(number)))")
        }
    }
}

extension FileStamp {
    fileprivate init(_ status: stat) {
        self.init(
            size: UInt64(status.st_size), modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec), number: UInt64(status.st_ino))
    }
}
