import Glibc

/// Whole small files, read and replaced by system calls.
enum FileAccess {
    struct Failure: Error, Sendable, Hashable {
        var errno: CInt
        /// The system's words, `No such file or directory`.
        var reason: String { strerror(errno).map { String(cString: $0) } ?? "error \(errno)" }
        var isMissing: Bool { errno == ENOENT }
    }

    /// The bytes of the file at `path`; blocks.
    ///
    /// - Throws: `EFBIG` when there are more than `limit`.
    static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            guard bytes.count <= limit else { throw Failure(errno: EFBIG) }
            let piece = try readPiece(descriptor)
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    private static func readPiece(_ descriptor: CInt) throws(Failure) -> [UInt8] {
        var failure: CInt = 0
        let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            var taken: Int
            repeat { taken = Glibc.read(descriptor, buffer.baseAddress, buffer.count) } while taken < 0 && errno == EINTR
            if taken < 0 { failure = errno }
            count = max(0, taken)
        }
        guard failure == 0 else { throw Failure(errno: failure) }
        return piece
    }

    /// Makes `bytes` the content of the file at `path`, readable by its owner alone, in one step that survives a crash; blocks.
    ///
    /// The bytes go to a neighbour file which is synced and then takes the name, so that no reader ever finds half of them.
    static func replace(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let draft = path + ".new"
        // A draft left by a crash may have another mode or be a link: it goes, and the new one must not have existed.
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        do throws(Failure) {
            try write(bytes, to: descriptor)
            guard fsync(descriptor) == 0 else { throw Failure(errno: errno) }
        } catch {
            close(descriptor)
            unlink(draft)
            throw error
        }
        guard close(descriptor) == 0, rename(draft, path) == 0 else {
            let failure = Failure(errno: errno)
            unlink(draft)
            throw failure
        }
        try syncDirectory(of: path)
    }

    /// Removes the file; one that is not there is as good.
    static func remove(_ path: String) throws(Failure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw Failure(errno: errno) }
    }

    /// Removes a directory of files; one that is not there is as good. Directories in it are an error, which leaves it half emptied.
    static func removeDirectory(_ path: String) throws(Failure) {
        guard let stream = opendir(path) else {
            guard errno == ENOENT else { throw Failure(errno: errno) }
            return
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { try remove(path + "/" + name) }
        }
        guard rmdir(path) == 0 else { throw Failure(errno: errno) }
    }

    /// Whether others than the owner may read the file.
    static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    /// Bytes free for this process on the file system of `path`, nil when it cannot say; blocks.
    static func freeBytes(_ path: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Failure(errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    private static func syncDirectory(of path: String) throws(Failure) {
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure(errno: errno) }
    }
}
