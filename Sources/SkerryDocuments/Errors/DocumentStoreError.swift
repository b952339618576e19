import SkerryCRDT
import SkerryStorage

/// Why a store of documents did not do what it was asked.
public struct DocumentStoreError: Error, Sendable, CustomStringConvertible {
    /// What the caller can do about it; open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case invalidName, notFound, damaged, full, failed, busy, limitExceeded, closed, locked, foreign, newerFormat, permissionDenied
            case refused
        }
        private var value: Value
        public var description: String { value.rawValue }

        /// A name that no document can have: fix the call.
        public static let invalidName = Code(value: .invalidName)
        /// No such document, or it was deleted.
        public static let notFound = Code(value: .notFound)
        /// What is on disk is not what was written: salvage the document, merge it with a peer's, or restore a backup.
        public static let damaged = Code(value: .damaged)
        /// No room: nothing was written, changes wait in memory; free room and commit again.
        public static let full = Code(value: .full)
        /// A write or a sync failed, nobody knows what the disk holds: the store takes no more commits; mend the disk and open it again.
        public static let failed = Code(value: .failed)
        /// A bounded queue is full: try again later.
        public static let busy = Code(value: .busy)
        /// Documents in use fill the memory that the store may take: commit or let go of some.
        public static let limitExceeded = Code(value: .limitExceeded)
        /// The store was closed before the call.
        public static let closed = Code(value: .closed)
        /// Another process has it open.
        public static let locked = Code(value: .locked)
        /// The file or directory is not ours.
        public static let foreign = Code(value: .foreign)
        /// It was written by a newer release: update this one.
        public static let newerFormat = Code(value: .newerFormat)
        public static let permissionDenied = Code(value: .permissionDenied)
        /// The document itself refused, see ``DocumentStoreError/cause``.
        public static let refused = Code(value: .refused)
    }

    public var code: Code
    /// What happened, for the reader of a log.
    public var message: String
    /// The document concerned, where there is one.
    public var document: String?
    /// Where in the file, where there is a place.
    public var offset: UInt64?
    /// What was reported from below: a ``StorageError`` or a `DocumentError`.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, document: String? = nil, offset: UInt64? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.document = document
        self.offset = offset
        self.cause = cause
    }

    public var description: String {
        var text = "\(code): \(message)"
        if let document { text += " (document \(document))" }
        if let offset { text += " at byte \(offset)" }
        return text
    }
}

extension DocumentStoreError {
    /// The code of the engine tells what the caller can do; the rest is kept as the cause.
    init(_ error: StorageError, document: String? = nil) {
        let code: Code =
            switch error.code {
            case .notFound: .notFound
            case .full: .full
            case .corrupt: .damaged
            case .locked: .locked
            case .foreign: .foreign
            case .newerFormat: .newerFormat
            case .permissionDenied: .permissionDenied
            case .closed: .closed
            case .unavailable: .busy
            default: .failed
            }
        self.init(code, error.description, document: document, cause: error)
    }

    /// A document refused bytes that this store once wrote.
    init(stored error: DocumentError, document: String, _ what: String) {
        let code: Code = error.code == .unsupportedVersion ? .newerFormat : .damaged
        self.init(code, "\(what): \(error)", document: document, cause: error)
    }
}
