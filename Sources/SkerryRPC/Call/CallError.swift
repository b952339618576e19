/// Why a call did not answer: what failed, where, and whether the callee may have acted.
///
/// Errors a service declares are rethrown as themselves; everything else that can go wrong arrives as this type. Its ``code`` says what
/// the caller can do, ``maybeExecuted`` whether doing it again could do it twice.
public struct CallError: Error, Sendable, Equatable {
    public var code: Code
    /// For the reader of a log; never parsed.
    public var message: String
    /// The name of the service that was called, empty when not known.
    public var service: String
    /// The wire name of the method, empty when not known.
    public var method: String
    /// The parallel group of a ``gofor(timeout:isolation:_:)`` the call belonged to, empty outside one.
    public var group: String
    /// The call that was to return the target, such as `House.door`, where that call failed; empty otherwise.
    public var promise: String
    /// Where in an argument or result the fault lies, such as `parts[3].etag`; empty when it lies in no value.
    public var path: String
    /// True when the callee may have run, wholly or partly. False is a promise: it did not, and the call may be repeated safely.
    public var maybeExecuted: Bool
    /// How long to wait before trying again, when the callee said so.
    public var retryAfter: Duration?

    public init(
        _ code: Code, _ message: String = "", service: String = "", method: String = "", group: String = "", promise: String = "",
        path: String = "", maybeExecuted: Bool = false, retryAfter: Duration? = nil
    ) {
        self.code = code
        self.message = message
        self.service = service
        self.method = method
        self.group = group
        self.promise = promise
        self.path = path
        self.maybeExecuted = maybeExecuted
        self.retryAfter = retryAfter
    }
}

extension CallError {
    /// What happened, as far as a caller would act differently on it.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: Hashable, Sendable {
            case timeout, cancelled, peerLost, noSuchMethod, noSuchReference, noSuchService, denied, overloaded, goingAway, remote,
                badResult
            case closed
            case brokenPromise
            case digestMismatch
            case badArgument(position: Int)
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The deadline passed. Try again with a longer one, or not at all.
        public static let timeout = Code(.timeout)
        /// The calling task was cancelled, or the callee's was.
        public static let cancelled = Code(.cancelled)
        /// The session ended, or its peer restarted. Connect again.
        public static let peerLost = Code(.peerLost)
        /// The callee has no method of this name and shape. Ask `_schema`.
        public static let noSuchMethod = Code(.noSuchMethod)
        /// The reference was released, revoked or never existed. Get it again.
        public static let noSuchReference = Code(.noSuchReference)
        /// The registry, and its delegates, know no service of this name.
        public static let noSuchService = Code(.noSuchService)
        /// The reference does not carry this right.
        public static let denied = Code(.denied)
        /// The callee refuses for now; see ``CallError/retryAfter``.
        public static let overloaded = Code(.overloaded)
        /// The peer takes no more calls: it is about to stop. Call another node, or later.
        public static let goingAway = Code(.goingAway)
        /// The callee failed with an error its interface does not declare; only its text crossed the wire.
        public static let remote = Code(.remote)
        /// The answer could not be read: the two sides disagree about the result's shape.
        public static let badResult = Code(.badResult)
        /// This side closed the session.
        public static let closed = Code(.closed)

        /// The call that was to return the target failed; ``CallError/promise`` names it, and ``Reference/settled()`` throws why. This one was not begun.
        public static let brokenPromise = Code(.brokenPromise)

        /// The binary format came with a shape the callee does not have; the caller repeats the call in a format that describes itself.
        public static let digestMismatch = Code(.digestMismatch)

        /// An argument could not be written or read; `position` counts parameters from 0, -1 when the record itself is broken.
        public static func badArgument(position: Int) -> Code { Code(.badArgument(position: position)) }

        /// The parameter a ``badArgument(position:)`` speaks of, nil for other codes.
        public var argumentPosition: Int? {
            if case .badArgument(let position) = kind { position } else { nil }
        }

        public var description: String {
            switch kind {
            case .timeout: "timeout"
            case .cancelled: "cancelled"
            case .peerLost: "peerLost"
            case .noSuchMethod: "noSuchMethod"
            case .noSuchReference: "noSuchReference"
            case .noSuchService: "noSuchService"
            case .denied: "denied"
            case .overloaded: "overloaded"
            case .goingAway: "goingAway"
            case .remote: "remote"
            case .badResult: "badResult"
            case .closed: "closed"
            case .brokenPromise: "brokenPromise"
            case .digestMismatch: "digestMismatch"
            case .badArgument(let position): "badArgument(\(position))"
            }
        }
    }
}

extension CallError: CustomStringConvertible {
    public var description: String {
        var text = code.description
        if !service.isEmpty || !method.isEmpty { text += " in \(service).\(method)" }
        if !group.isEmpty { text += " (group \(group))" }
        if !path.isEmpty { text += " at \(path)" }
        if !message.isEmpty { text += ": \(message)" }
        if maybeExecuted { text += " (may have been executed)" }
        if let retryAfter { text += ", retry after \(retryAfter)" }
        return text
    }
}

extension CallError {
    /// The same error, saying where it happened unless it says so already.
    package func located(service: String, method: String) -> CallError {
        var error = self
        if error.service.isEmpty { error.service = service }
        if error.method.isEmpty { error.method = method }
        return error
    }
}
