/// A call of ours that was asked and not yet settled.
///
/// Unique in its session: a place in the table, and how often that place was used before.
@frozen
public struct QuestionID: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The place in the table: small and dense, so an array beside the core can hold what belongs to the question.
    @inlinable public var index: Int { Int(truncatingIfNeeded: (rawValue >> 1) & UInt64(SessionLimits.questionSlotMask)) }

    public var description: String { "question \(rawValue)" }
}

/// A call of the peer that is not yet answered.
@frozen
public struct AnswerID: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The place in the table: small and dense, so an array beside the core can hold what belongs to the answer.
    @inlinable public var index: Int {
        Int(truncatingIfNeeded: (rawValue >> 1) & UInt64(SessionLimits.questionSlotMask)) + (isOneWay ? SessionLimits.questionSlots : 0)
    }

    /// Whether the caller asked for no reply. It is answered with ``SessionCore/answer(_:value:format:references:confirmsDigest:)`` all the
    /// same, when the handler has ended, so that the number of such calls stays bounded.
    @inlinable public var isOneWay: Bool { rawValue >> 63 != 0 }

    public var description: String { isOneWay ? "one-way call \(rawValue & (.max >> 1))" : "answer \(rawValue)" }
}

/// A service or a channel end that crossed the session, hosted by one of its sides.
///
/// One space for both sides: the lowest bit is that of the host (``SessionRole``). Never used again in a session.
@frozen
public struct ReferenceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The facet every session begins with, hosted by whoever is called.
    @inlinable public static var root: ReferenceID { ReferenceID(rawValue: 0) }

    /// Whether the side with `role` hosts it. Meaningless for the root.
    @inlinable public func isHosted(by role: SessionRole) -> Bool { rawValue & 1 == role.parity }

    /// The place in the table of its host: small and dense, so an array beside the core can hold the object or its proxy.
    @inlinable public var index: Int { Int(truncatingIfNeeded: (rawValue >> 1) & UInt64(SessionLimits.referenceSlotMask)) }

    @inlinable public static func < (left: ReferenceID, right: ReferenceID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { self == .root ? "root" : "reference \(rawValue)" }
}

/// A method that this side calls: a name and a digest, told to the peer once and then named by number.
@frozen
public struct MethodID: Hashable, Sendable {
    /// Small and dense.
    public var index: Int

    @inlinable
    public init(index: Int) { self.index = index }
}

/// A method that the peer calls, numbered by the peer; ``SessionEvent/methodDefined(_:)`` says what it is, before its first call.
@frozen
public struct IncomingMethodID: Hashable, Sendable {
    /// Small and dense: the n-th definition has index n.
    public var index: Int

    @inlinable
    public init(index: Int) { self.index = index }
}
