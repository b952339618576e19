/// What histories, their stores and their exchanges report.
public struct HistoryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case notFound, corrupt, dangling, noChange, notFastForward, notEmpty, nameTaken, changedMeanwhile, badName, tooLarge,
                incompatible,
                protocolViolation, refused, disconnected, busy, failed
        }
        private let value: Value
        public var description: String { value.rawValue }

        private init(value: Value) { self.value = value }

        /// A code a peer sent; one this release does not know is a failure.
        init(wire text: String) { value = Value(rawValue: text) ?? .failed }

        /// No such object or name: fix the call, or fetch it.
        public static let notFound = Code(value: .notFound)
        /// Stored bytes are not what their name says: repair from a peer.
        public static let corrupt = Code(value: .corrupt)
        /// Something refers to an object that is not here: nothing was stored; send what it refers to first.
        public static let dangling = Code(value: .dangling)
        /// A commit would change nothing.
        public static let noChange = Code(value: .noChange)
        /// The other side has commits this one lacks: pull, then push again.
        public static let notFastForward = Code(value: .notFastForward)
        /// Only an empty history can become a clone.
        public static let notEmpty = Code(value: .notEmpty)
        /// The branch or tag exists.
        public static let nameTaken = Code(value: .nameTaken)
        /// A name moved between reading and writing it: look again and retry.
        public static let changedMeanwhile = Code(value: .changedMeanwhile)
        /// Not a name or path that may be used.
        public static let badName = Code(value: .badName)
        /// Beyond a named bound.
        public static let tooLarge = Code(value: .tooLarge)
        /// The peer speaks another version or hashes otherwise.
        public static let incompatible = Code(value: .incompatible)
        /// The peer broke the rules of the exchange: close the link.
        public static let protocolViolation = Code(value: .protocolViolation)
        /// The peer does not allow this change, whatever it is based on: ask whoever runs it.
        public static let refused = Code(value: .refused)
        /// The link ended before the answer: connect again and repeat; what came is kept.
        public static let disconnected = Code(value: .disconnected)
        /// Another process is writing to the store: try again.
        public static let busy = Code(value: .busy)
        /// The store could not read or write: what it says is in the message.
        public static let failed = Code(value: .failed)
    }

    public let code: Code
    /// What happened, for the reader of a log.
    public let message: String
    /// The object concerned, where there is one.
    public let object: ObjectID?

    public init(_ code: Code, _ message: String, object: ObjectID? = nil) {
        self.code = code
        self.message = message
        self.object = object
    }

    public var description: String { "\(code): \(message)" + (object.map { " (\($0.abbreviated))" } ?? "") }
}
