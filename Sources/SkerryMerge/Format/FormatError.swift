/// Why bytes from outside were refused.
public struct FormatError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case malformed, tooLarge, newerVersion }
        private let value: Value
        public var description: String { value.rawValue }

        /// The bytes are not of the grammar: whoever sent them is broken or lies; drop them.
        public static let malformed = Code(value: .malformed)
        /// A length or depth goes beyond a named bound: raise the bound on purpose, or refuse.
        public static let tooLarge = Code(value: .tooLarge)
        /// A later release wrote this: upgrade.
        public static let newerVersion = Code(value: .newerVersion)
    }

    public let code: Code
    /// Where in the bytes.
    public let offset: Int
    /// What was expected there, for the reader of a log.
    public let message: String

    init(_ code: Code, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }

    public var description: String { "\(code) at byte \(offset): \(message)" }
}
