/// Why a call has no result.
public struct CallFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    @frozen
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The number in binary packets.
        public var rawValue: UInt16

        @inlinable
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The callee threw; the message is all that is known. Whether to try again is for the caller to judge.
        @inlinable public static var remote: Code { Code(rawValue: 0) }
        /// The callee threw an error whose value the payload carries.
        @inlinable public static var typed: Code { Code(rawValue: 1) }
        /// No reply before the deadline.
        @inlinable public static var timeout: Code { Code(rawValue: 2) }
        /// Called off.
        @inlinable public static var cancelled: Code { Code(rawValue: 3) }
        /// The session ended before the reply: the peer died, restarted or was away for too long.
        @inlinable public static var peerLost: Code { Code(rawValue: 4) }
        /// The target has no such method.
        @inlinable public static var noSuchMethod: Code { Code(rawValue: 5) }
        /// The target is not there (any more), or the promise holds no such reference.
        @inlinable public static var noSuchReference: Code { Code(rawValue: 6) }
        /// The caller may not.
        @inlinable public static var denied: Code { Code(rawValue: 7) }
        /// The arguments do not fit the method.
        @inlinable public static var badArgument: Code { Code(rawValue: 8) }
        /// Too much at once: try again later, best after ``CallFailure/retryAfter``.
        @inlinable public static var overloaded: Code { Code(rawValue: 9) }
        /// The peer takes no more calls: call another node.
        @inlinable public static var goingAway: Code { Code(rawValue: 10) }
        /// The call that was to return the target failed itself.
        @inlinable public static var brokenPromise: Code { Code(rawValue: 11) }
        /// The result does not fit a frame: let it stream over a channel.
        @inlinable public static var resultTooLarge: Code { Code(rawValue: 12) }

        private static let names = [
            "remote", "typed", "timeout", "cancelled", "peerLost", "noSuchMethod", "noSuchReference", "denied", "badArgument", "overloaded",
            "goingAway", "brokenPromise", "resultTooLarge",
        ]

        /// The word in text packets.
        public var description: String {
            Int(rawValue) < Code.names.count ? Code.names[Int(rawValue)] : "code\(rawValue)"
        }

        /// The code of a word; a word that is not known is ``remote``.
        init(word: String) {
            if let index = Code.names.firstIndex(of: word) {
                self.init(rawValue: UInt16(index))
            } else {
                self.init(rawValue: word.hasPrefix("code") ? UInt16(word.dropFirst(4)) ?? 0 : 0)
            }
        }
    }

    public var code: Code
    /// For people; cut at ``SessionLimits/messageMaximum`` bytes on the wire.
    public var message: String
    /// Whether the call may have had effects. False is certain: the peer never began it.
    public var maybeExecuted: Bool
    /// When it is worth trying again, where the callee says so. Whole milliseconds on the wire.
    public var retryAfter: Duration?

    public init(_ code: Code, _ message: String, maybeExecuted: Bool = true, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.maybeExecuted = maybeExecuted
        self.retryAfter = retryAfter
    }

    public var description: String { "\(code): \(message)\(maybeExecuted ? " (may have been executed)" : "")" }
}
