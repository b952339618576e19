extension ShapeError {
    /// The kind of a ``ShapeError``: a code exists where a caller acts differently on it.
    ///
    /// More may come; a `switch` over them needs a `default`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case syntax, truncated, trailingBytes, invalidText
            case typeMismatch, outOfRange, invalidValue
            case missingField, unknownField, duplicateField, unknownCase
            case limitExceeded, notCanonical, digestMismatch
            case unrepresentable, badReference
        }

        private let kind: Kind

        public var description: String { kind.rawValue }

        // MARK: The bytes are wrong in any type: refuse the peer or the file.

        /// The bytes do not follow the grammar of the format.
        public static let syntax = Code(kind: .syntax)
        /// The input ends inside the value: read more, or refuse.
        public static let truncated = Code(kind: .truncated)
        /// Bytes follow the value.
        public static let trailingBytes = Code(kind: .trailingBytes)
        /// Text is not valid UTF-8, or a surrogate stands alone.
        public static let invalidText = Code(kind: .invalidText)
        /// The bytes are well formed, but not the one encoding the strict profile allows.
        public static let notCanonical = Code(kind: .notCanonical)

        // MARK: The bytes are fine, but not of this type: fix the caller, or agree on a version.

        /// Another kind of value stands here.
        public static let typeMismatch = Code(kind: .typeMismatch)
        /// A number does not fit its type.
        public static let outOfRange = Code(kind: .outOfRange)
        /// The carrier was read, but the type it stands for refuses it.
        public static let invalidValue = Code(kind: .invalidValue)
        /// A field without a default is absent.
        public static let missingField = Code(kind: .missingField)
        /// A field the type does not have, where unknown fields are refused.
        public static let unknownField = Code(kind: .unknownField)
        /// A field, or the key of a map or set, stands there twice.
        public static let duplicateField = Code(kind: .duplicateField)
        /// A variant has no such case.
        public static let unknownCase = Code(kind: .unknownCase)
        /// The bytes were written with another shape.
        public static let digestMismatch = Code(kind: .digestMismatch)

        // MARK: The value is fine, but not here.

        /// A budget of ``DecodingLimits`` or ``EncodingLimits`` is spent: raise it, or refuse.
        public static let limitExceeded = Code(kind: .limitExceeded)
        /// The format has no encoding for this value, as JSON has none for NaN.
        public static let unrepresentable = Code(kind: .unrepresentable)
        /// A reference without a session to carry it, of another kind, or with an index the session does not know.
        public static let badReference = Code(kind: .badReference)
    }
}
