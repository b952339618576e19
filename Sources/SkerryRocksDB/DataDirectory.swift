#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif
public import SkerryStorage

/// The directory of a site's data: whose it is, which format it has, and who holds it.
///
/// ```
/// <path>/skerry.format   two lines of text: "skerry data directory", "format 1 created <seconds since 1970>"
/// <path>/skerry.lock     held by flock as long as the process lives; the text is its process id
/// <path>/packs/          the log (docs/formats/pack.md)
/// <path>/index/          the index, made from the log
/// ```
///
/// A directory that cannot be used is left as it was found: nothing is created or written before all questions are answered.
public final class DataDirectory: Sendable {
    /// The format this release writes, and the newest it reads.
    public static let format = 1

    public let path: String
    /// When the directory was made, seconds since 1970.
    public let created: UInt64

    /// Holds the lock; closing it gives the directory free.
    private let lockFile: PosixFile

    public var packsPath: String { path + "/packs" }
    public var indexPath: String { path + "/index" }

    /// Opens the directory, and makes it when it is missing or empty.
    ///
    /// - Parameter now: seconds since 1970, for a new directory.
    /// - Throws: `locked` (by whom is in the message), `foreign`, `newerFormat`, `permissionDenied`, `notFound` when `creates` is false and
    ///   there is none, `full`.
    public init(path: String, now: UInt64, creates: Bool = true) throws(StorageError) {
        let files = PosixFileLayer()
        let names = DataDirectoryNames(path)
        switch try DataDirectory.inspect(files, names) {
        case .made(let created):
            lockFile = try DataDirectory.lock(files, names)
            self.created = created
        case .empty:
            guard creates else { throw StorageError(.notFound, "no data directory", path: path) }
            try files.createDirectory(path)
            lockFile = try DataDirectory.lock(files, names)
            try DataDirectory.writeFormat(files, names, created: now)
            created = now
        }
        self.path = path
    }

    /// Finds out whether the directory could be opened now, or made, as far as that can be told without a change on disk.
    ///
    /// For a caller that wants to know before it takes other things. The answer can be stale at once; only opening is certain.
    ///
    /// - Throws: `locked`, `foreign`, `newerFormat`, `permissionDenied`, `corrupt`, as opening would.
    public static func check(path: String) throws(StorageError) {
        let files = PosixFileLayer()
        let names = DataDirectoryNames(path)
        guard case .made = try inspect(files, names) else { return }
        let file: PosixFile
        do throws(StorageError) {
            file = try files.open(names.lockPath, .write)
        } catch  where error.code == .notFound {
            return
        }
        try withResource(file, close: { file throws(StorageError) in try file.close() }) { file throws(StorageError) in
            guard try file.lock() else { throw try lockedError(file, names) }
        }
    }

    /// Gives the directory free for another process. Idempotent.
    public func close() throws(StorageError) { try lockFile.close() }

    // MARK: -

    private enum Finding {
        case empty
        case made(created: UInt64)
    }

    private static func inspect(_ files: PosixFileLayer, _ names: DataDirectoryNames) throws(StorageError) -> Finding {
        let present: [String]
        do throws(StorageError) {
            present = try files.list(names.directory)
        } catch  where error.code == .notFound {
            return .empty
        } catch  where error.errno == ENOTDIR {
            throw StorageError(.foreign, "this is a file", path: names.directory)
        }
        guard access(names.directory, R_OK | W_OK | X_OK) == 0 else { throw posixError(names.directory, "access", errno) }
        if present.contains(DataDirectoryNames.format) { return .made(created: try readFormat(files, names)) }
        guard present.allSatisfy(DataDirectoryNames.isHarmless) else {
            throw StorageError(.foreign, "the directory holds other files", path: names.directory)
        }
        return .empty
    }

    private static func readFormat(_ files: PosixFileLayer, _ names: DataDirectoryNames) throws(StorageError) -> UInt64 {
        let file = try files.open(names.formatPath, .read)
        let text = String(decoding: try file.read(at: 0, count: 256), as: UTF8.self)
        let lines = text.split(separator: "\n")
        let words = lines.count > 1 ? lines[1].split(separator: " ") : []
        guard let first = lines.first, first == DataDirectoryNames.magic, words.count >= 2, words[0] == "format", let format = Int(words[1])
        else {
            throw StorageError(.foreign, "the format file is not ours", path: names.formatPath)
        }
        guard format <= DataDirectory.format else {
            throw StorageError(
                .newerFormat, "written in format \(format); this release reads up to \(DataDirectory.format)", path: names.directory)
        }
        guard words.count == 4, words[2] == "created", let created = UInt64(words[3]) else {
            throw StorageError(.corrupt, "the format file lacks its date", path: names.formatPath)
        }
        return created
    }

    /// The format's name appears whole or not at all, so that a crash here leaves an empty directory.
    private static func writeFormat(_ files: PosixFileLayer, _ names: DataDirectoryNames, created: UInt64) throws(StorageError) {
        let text = "\(DataDirectoryNames.magic)\nformat \(DataDirectory.format) created \(created)\n"
        let file = try files.open(names.formatPath + DataDirectoryNames.temporarySuffix, .create)
        try withResource(file, close: { file throws(StorageError) in try file.close() }) { file throws(StorageError) in
            try file.write(Array(text.utf8), at: 0)
            try file.syncAll()
        }
        try files.rename(names.formatPath + DataDirectoryNames.temporarySuffix, to: names.formatPath)
        try files.syncDirectory(names.directory)
        try files.syncDirectory(names.parent)
    }

    private static func lock(_ files: PosixFileLayer, _ names: DataDirectoryNames) throws(StorageError) -> PosixFile {
        // Opening to create would cut off the holder's process id.
        let file = try openLockFile(files, names)
        guard try file.lock() else { throw try lockedError(file, names) }
        try file.truncate(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
        return file
    }

    private static func lockedError(_ file: PosixFile, _ names: DataDirectoryNames) throws(StorageError) -> StorageError {
        let holder = String(decoding: try file.read(at: 0, count: 32), as: UTF8.self).filter(\.isNumber)
        let who = holder.isEmpty ? "another process" : "process \(holder)"
        return StorageError(.locked, "\(who) holds the directory", path: names.directory)
    }

    private static func openLockFile(_ files: PosixFileLayer, _ names: DataDirectoryNames) throws(StorageError) -> PosixFile {
        do throws(StorageError) {
            return try files.open(names.lockPath, .write)
        } catch  where error.code == .notFound {
            return try files.open(names.lockPath, .create)
        }
    }
}

/// The names in a data directory.
private struct DataDirectoryNames {
    static let magic = "skerry data directory"
    static let format = "skerry.format"
    static let lock = "skerry.lock"
    static let temporarySuffix = ".new"

    let directory: String

    init(_ directory: String) { self.directory = directory }

    var formatPath: String { directory + "/" + DataDirectoryNames.format }
    var lockPath: String { directory + "/" + DataDirectoryNames.lock }

    var parent: String {
        guard let slash = directory.lastIndex(of: "/") else { return "." }
        return slash == directory.startIndex ? "/" : String(directory[..<slash])
    }

    /// What an empty directory may hold: what a crash in the middle of making it left, and what ext4 puts into a new file system.
    static func isHarmless(_ name: String) -> Bool { [lock, format + temporarySuffix, "lost+found"].contains(name) }
}
