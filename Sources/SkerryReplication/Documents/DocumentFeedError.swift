public import SkerryCRDT

/// Why an entry, a message or a call about documents was refused. Nothing of it was taken.
public struct DocumentFeedError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the one who reads it can do.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case malformed, limitExceeded, newerVersion, invalidName, incomplete, impossible, overflow, mismatch, historyCut, diverged
        }
        private let value: Value
        public var description: String { value.rawValue }

        /// The bytes do not follow their grammar: do not trust their author.
        public static let malformed = Code(value: .malformed)
        /// A bound of ``DocumentLimits`` would be exceeded: split the input, or do not trust its author.
        public static let limitExceeded = Code(value: .limitExceeded)
        /// Written by a newer release: update this one.
        public static let newerVersion = Code(value: .newerVersion)
        /// A name that no document can have.
        public static let invalidName = Code(value: .invalidName)
        /// The rest of an update never came, and cannot come any more: exchange the document with a peer.
        public static let incomplete = Code(value: .incomplete)
        /// The document refused the update: do not trust its author. See ``DocumentFeedError/cause``.
        public static let impossible = Code(value: .impossible)
        /// Too much of the document waits: exchange it with a peer.
        public static let overflow = Code(value: .overflow)
        /// Something came that was not asked for: do not trust the sender.
        public static let mismatch = Code(value: .mismatch)
        /// What is needed lies before the cut of the history here: take a snapshot.
        public static let historyCut = Code(value: .historyCut)
        /// Both sides have events that the other's history was cut before: the document stays as it is on each, until somebody decides.
        public static let diverged = Code(value: .diverged)
    }

    public var code: Code
    /// For the reader of a log.
    public var message: String
    /// The document it is about, when there is one.
    public var document: String?
    /// The entry it is about, when there is one.
    public var dot: Dot?
    /// What the document said.
    public var cause: DocumentError?

    public init(_ code: Code, _ message: String, document: String? = nil, dot: Dot? = nil, cause: DocumentError? = nil) {
        self.code = code
        self.message = message
        self.document = document
        self.dot = dot
        self.cause = cause
    }

    public var description: String {
        "\(code): \(message)" + (document.map { " (document \($0))" } ?? "") + (dot.map { " (entry \($0.sequence) of \($0.origin))" } ?? "")
    }
}
