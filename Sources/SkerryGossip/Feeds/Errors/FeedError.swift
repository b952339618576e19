public import SkerryCRDT

/// Why a frame, an entry or a call was refused. Nothing of it was taken; no clock has moved.
public struct FeedError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the one who reads it can do.
    public enum Code: UInt8, Sendable, Hashable, CaseIterable {
        /// The bytes do not follow their grammar: drop the link and connect again.
        case malformed = 1
        /// A bound of ``FeedLimits`` would be exceeded: split the input, or do not trust the sender.
        case limitExceeded = 2
        /// The other side speaks another version, or belongs to another cluster: fix the configuration.
        case mismatch = 3
        /// An entry was stamped by a clock that is too far ahead: it comes again when its time has come. Have that clock looked at.
        case futureStamp = 4
        /// The stamps of an origin do not ascend: do not trust it.
        case staleStamp = 5
        /// A signature is missing or wrong, or its origin has no known key: do not trust the sender.
        case badSignature = 6
        /// An origin gave two entries one sequence. It is frozen until somebody decides.
        case equivocation = 7
        /// More bytes than were granted: do not trust the sender.
        case creditExceeded = 8
        /// The origin was retired while it was away: come back under a new epoch (``Homecoming``).
        case fenced = 9
        /// Too much waits to become durable, or too much is behind: wait.
        case overloaded = 10
        /// The origin is no member where it was offered, not yet or not any more: it is asked for when it is one. A node whose own origin is refused so, and whose registration
        /// will reach nobody (``Retention/isOrphaned(_:)``), comes home anew.
        case unregistered = 11
    }

    /// What the caller decides by.
    public var code: Code
    /// For the reader of a log.
    public var message: String
    /// The entry it is about, when there is one.
    public var dot: Dot?
    /// With ``Code/futureStamp`` how far ahead, milliseconds; with ``Code/malformed`` the offset in bytes; else 0.
    public var amount: UInt64

    public init(_ code: Code, _ message: String, dot: Dot? = nil, amount: UInt64 = 0) {
        self.code = code
        self.message = message
        self.dot = dot
        self.amount = amount
    }

    /// Code, message and entry, for the reader of a log.
    public var description: String {
        "\(code): \(message)" + (dot.map { " (entry \($0.sequence) of \($0.origin))" } ?? "")
    }
}
