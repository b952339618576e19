/// What an engine reports; one type for files, log and index.
///
/// A code exists where the caller acts differently on it; everything else is text for the reader of a log.
public struct StorageError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case notFound, full, corrupt, failed, locked, foreign, newerFormat, permissionDenied, closed, unavailable
        }
        private let value: Value
        public var description: String { value.rawValue }

        /// The thing asked for is not there.
        public static let notFound = Code(value: .notFound)
        /// The disk or a named limit is full: nothing was written; free room and try again.
        public static let full = Code(value: .full)
        /// Bytes on disk do not match their checksum or grammar: repair from a peer or a backup.
        public static let corrupt = Code(value: .corrupt)
        /// A sync or a write failed, what the disk holds is unknown: the engine takes no more writes; restart after mending the disk.
        public static let failed = Code(value: .failed)
        /// Another process holds the directory.
        public static let locked = Code(value: .locked)
        /// The directory holds something that is not ours.
        public static let foreign = Code(value: .foreign)
        /// The directory was written by a newer release.
        public static let newerFormat = Code(value: .newerFormat)
        /// The operating system refuses access.
        public static let permissionDenied = Code(value: .permissionDenied)
        /// The engine was closed before the call.
        public static let closed = Code(value: .closed)
        /// A bounded queue is full: try again later.
        public static let unavailable = Code(value: .unavailable)
    }

    public var code: Code
    /// What happened, for the reader of a log.
    public var message: String
    /// The file concerned, where there is one.
    public var path: String?
    /// The operating system's error number, where there is one.
    public var errno: CInt?

    public init(_ code: Code, _ message: String, path: String? = nil, errno: CInt? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.errno = errno
    }

    /// The same event under another code, where the caller's next step differs from that of whoever saw it first.
    public func with(code: Code) -> StorageError {
        var error = self
        error.code = code
        return error
    }

    public var description: String {
        var text = "\(code): \(message)"
        if let path { text += " (\(path))" }
        if let errno { text += " [errno \(errno)]" }
        return text
    }
}
