#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif
public import SkerryStorage
internal import Synchronization

/// The file system of the operating system.
public struct PosixFileLayer: FileLayer {
    #if DEBUG
    /// Leaves the sync out, so that the test that watches for it can be seen to fail. Not in release builds.
    fileprivate static let skipsSync = getenv("SKERRY_TEST_SKIP_SYNC") != nil
    #endif

    /// Owner alone: packs hold other people's objects.
    private static let fileMode: mode_t = 0o600
    private static let directoryMode: mode_t = 0o700

    public init() {}

    public func open(_ path: String, _ mode: FileOpenMode) throws(StorageError) -> PosixFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT | O_TRUNC
            }
        return PosixFile(
            path: path,
            descriptor: try posix(path, "open") {
                PosixFileLayer.openFile(path, flags | O_CLOEXEC, PosixFileLayer.fileMode)
            })
    }

    public func rename(_ source: String, to target: String) throws(StorageError) {
        #if canImport(Glibc)
        try posix(source, "rename") { Glibc.rename(source, target) }
        #elseif canImport(Musl)
        try posix(source, "rename") { Musl.rename(source, target) }
        #else
        try posix(source, "rename") { Darwin.rename(source, target) }
        #endif
    }

    public func remove(_ path: String) throws(StorageError) {
        try posix(path, "unlink") { unlink(path) }
    }

    public func list(_ directory: String) throws(StorageError) -> [String] {
        guard let stream = opendir(directory) else { throw posixError(directory, "opendir", errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw posixError(directory, "readdir", errno) }
        return names.sorted()
    }

    public func createDirectory(_ path: String) throws(StorageError) {
        if mkdir(path, PosixFileLayer.directoryMode) == 0 { return try syncDirectory(PosixFileLayer.parent(of: path)) }
        switch errno {
        case EEXIST where isDirectory(path):
            return
        case ENOENT where PosixFileLayer.parent(of: path) != path:
            try createDirectory(PosixFileLayer.parent(of: path))
            try posix(path, "mkdir") { mkdir(path, PosixFileLayer.directoryMode) }
            try syncDirectory(PosixFileLayer.parent(of: path))
        case let number:
            throw posixError(path, "mkdir", number)
        }
    }

    public func syncDirectory(_ path: String) throws(StorageError) {
        let directory = PosixFile(
            path: path,
            descriptor: try posix(path, "open") {
                PosixFileLayer.openFile(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            })
        try withResource(directory, close: { directory throws(StorageError) in try directory.close() }) { directory throws(StorageError) in
            try directory.syncAll()
        }
    }

    /// Whether a directory of that name is there.
    func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func openFile(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
        #if canImport(Glibc)
        Glibc.open(path, flags, mode)
        #elseif canImport(Musl)
        Musl.open(path, flags, mode)
        #else
        Darwin.open(path, flags, mode)
        #endif
    }
}

/// A file of the operating system.
///
/// Positions are arguments (pread, pwrite), so that threads share one descriptor without a lock.
public final class PosixFile: OpenFile {
    public let path: String
    /// The descriptor, -1 once closed. A call that races with ``close()`` may fail but never reaches another file's descriptor, as
    /// whoever closes is the last owner: ``PackLog`` closes only what it took out of every table.
    private let descriptor: Atomic<CInt>

    init(path: String, descriptor: CInt) {
        self.path = path
        self.descriptor = Atomic(descriptor)
    }

    deinit {
        let open = descriptor.load(ordering: .relaxed)
        if open >= 0 { PosixFile.closeDescriptor(open) }
    }

    public var fileDescriptor: CInt? {
        let open = descriptor.load(ordering: .relaxed)
        return open >= 0 ? open : nil
    }

    public func preallocate(_ length: UInt64) throws(StorageError) {
        #if os(Linux)
        let file = try opened()
        var number = EINTR
        // It returns its error instead of setting errno. Where the file system cannot reserve, the C library writes to every block.
        while number == EINTR { number = posix_fallocate(file, 0, off_t(length)) }
        guard number == 0 else { throw posixError(path, "posix_fallocate", number) }
        #else
        try truncate(to: max(length, try size()))
        #endif
    }

    public func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) {
        let file = try opened()
        var vectors = parts.compactMap { part in
            part.isEmpty ? nil : iovec(iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count)
        }
        var position = off_t(offset)
        var first = 0
        while first < vectors.count {
            let count = min(vectors.count - first, PosixFile.vectorsMaximum)
            let written = try vectors.withUnsafeBufferPointer { buffer throws(StorageError) in
                try posix(path, "pwritev") { pwritev(file, buffer.baseAddress! + first, CInt(count), position) }
            }
            // A disk may take nothing and say so without an error; to go on would be to go on for ever.
            guard written > 0 else { throw StorageError(.full, "pwritev wrote nothing", path: path) }
            position += off_t(written)
            PosixFile.advance(&vectors, &first, by: written)
        }
    }

    public func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        let file = try opened()
        var count = 0
        while count < destination.count {
            let part = UnsafeMutableRawBufferPointer(rebasing: destination[count...])
            let got = try posix(path, "pread") { pread(file, part.baseAddress, part.count, off_t(offset) + off_t(count)) }
            if got == 0 { break }
            count += got
        }
        return count
    }

    public func syncData() throws(StorageError) {
        let file = try opened()
        #if canImport(Darwin)
        // fsync leaves the data in the drive's cache there.
        try posix(path, "fcntl F_FULLFSYNC") { fcntl(file, F_FULLFSYNC) }
        #else
        #if DEBUG
        if PosixFileLayer.skipsSync { return }
        #endif
        try posix(path, "fdatasync") { fdatasync(file) }
        #endif
    }

    public func syncAll() throws(StorageError) {
        let file = try opened()
        #if canImport(Darwin)
        try posix(path, "fcntl F_FULLFSYNC") { fcntl(file, F_FULLFSYNC) }
        #else
        try posix(path, "fsync") { fsync(file) }
        #endif
    }

    public func truncate(to length: UInt64) throws(StorageError) {
        let file = try opened()
        try posix(path, "ftruncate") { ftruncate(file, off_t(length)) }
    }

    public func size() throws(StorageError) -> UInt64 {
        let file = try opened()
        var status = stat()
        try posix(path, "fstat") { fstat(file, &status) }
        return UInt64(status.st_size)
    }

    public func lock() throws(StorageError) -> Bool {
        let file = try opened()
        do throws(StorageError) {
            try posix(path, "flock") { flock(file, LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.errno == EWOULDBLOCK {
            return false
        }
    }

    public func close() throws(StorageError) {
        let open = descriptor.exchange(-1, ordering: .relaxed)
        guard open >= 0 else { return }
        // Never repeated, not even after EINTR: the descriptor is gone either way and may be another thread's by now.
        if PosixFile.closeDescriptor(open) != 0, errno != EINTR { throw posixError(path, "close", errno) }
    }

    // MARK: -

    /// Parts of one pwritev; the least that POSIX lets a system offer is 16, Linux takes 1,024.
    private static let vectorsMaximum = 1024

    private func opened() throws(StorageError) -> CInt {
        let open = descriptor.load(ordering: .relaxed)
        guard open >= 0 else { throw StorageError(.closed, "file is closed", path: path) }
        return open
    }

    /// Drops `count` bytes, already written, off the front of the vectors.
    private static func advance(_ vectors: inout [iovec], _ first: inout Int, by count: Int) {
        var rest = count
        while first < vectors.count, rest >= vectors[first].iov_len {
            rest -= vectors[first].iov_len
            first += 1
        }
        guard first < vectors.count, rest > 0 else { return }
        vectors[first].iov_base += rest
        vectors[first].iov_len -= rest
    }

    @discardableResult
    private static func closeDescriptor(_ descriptor: CInt) -> CInt {
        #if canImport(Glibc)
        Glibc.close(descriptor)
        #elseif canImport(Musl)
        Musl.close(descriptor)
        #else
        Darwin.close(descriptor)
        #endif
    }
}

/// Makes a system call again as long as a signal interrupts it.
@discardableResult
private func posix<Value: SignedInteger>(_ path: String, _ name: String, _ call: () -> Value) throws(StorageError) -> Value {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw posixError(path, name, errno) }
    }
}

/// The one place where error numbers become codes.
func posixError(_ path: String, _ call: String, _ number: CInt) -> StorageError {
    let code: StorageError.Code =
        switch number {
        case ENOENT: .notFound
        case ENOSPC, EDQUOT, EFBIG: .full
        case EACCES, EPERM, EROFS: .permissionDenied
        case EMFILE, ENFILE, ENOMEM: .unavailable
        default: .failed
        }
    return StorageError(code, "\(call): \(String(cString: strerror(number)))", path: path, errno: number)
}
