/// Why a document refused what it was given. The document is as it was before.
public struct DocumentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the caller can do about it.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case corrupt, unsupportedVersion, limitExceeded, invalidEvent, notFound, mismatch, futureStamp }
        private var value: Value

        /// The bytes are damaged or not ours: fetch them again.
        public static let corrupt = Code(value: .corrupt)
        /// The bytes were written by a newer release: update this one.
        public static let unsupportedVersion = Code(value: .unsupportedVersion)
        /// A bound would be exceeded: give up, or split the input.
        public static let limitExceeded = Code(value: .limitExceeded)
        /// The bytes are whole, but an event in them is impossible: do not trust their author.
        public static let invalidEvent = Code(value: .invalidEvent)
        /// A version or an event that this replica has not seen: synchronise first.
        public static let notFound = Code(value: .notFound)
        /// A value has another shape than the type that was asked for: fix the call.
        public static let mismatch = Code(value: .mismatch)

        /// An event was stamped by a clock that is too far ahead: wait until its time has come, and have that clock looked at.
        public static let futureStamp = Code(value: .futureStamp)

        public var description: String { value.rawValue }
    }

    public var code: Code
    /// For the reader of a log.
    public var message: String
    /// Where in the bytes, when the error is about bytes.
    public var offset: Int?
    /// Where in a value that was read or written, from the outside in, when the error is about one.
    public var path: [String]

    public init(code: Code, message: String, offset: Int? = nil, path: [String] = []) {
        self.code = code
        self.message = message
        self.offset = offset
        self.path = path
    }

    public var description: String {
        "\(code): \(message)" + (offset.map { " at byte \($0)" } ?? "") + (path.isEmpty ? "" : " at \(path.joined(separator: "."))")
    }
}
