/// Why a read or a write of placed keys did not come to its quorum.
public struct PlacementError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller would act on.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        enum Value: UInt8, Sendable, CaseIterable {
            case unavailable = 1, timedOut, busy, tooLarge, tooManySiblings, stopped
        }
        let value: Value

        public var description: String { "\(value)" }

        /// Too few members answered in time, or can: try again. A write may have been stored by some, and may show later.
        public static let unavailable = Code(value: .unavailable)
        /// The member that was to coordinate did not say what became of it: as ``unavailable``.
        public static let timedOut = Code(value: .timedOut)
        /// A queue with a bound is full, and nothing was done: try again later.
        public static let busy = Code(value: .busy)
        /// A key or a value is larger than ``PlacementLimits`` allow, or empty: nothing was done.
        public static let tooLarge = Code(value: .tooLarge)
        /// The key has as many siblings as it may: read it, and write their merge. Nothing was done.
        public static let tooManySiblings = Code(value: .tooManySiblings)
        /// The node stops, or its store failed.
        public static let stopped = Code(value: .stopped)
    }

    /// What the caller decides by.
    public var code: Code
    /// How many answered, with ``Code-swift.struct/unavailable``.
    public var answers: Int

    public init(_ code: Code, answers: Int = 0) {
        self.code = code
        self.answers = answers
    }

    public var description: String { code == .unavailable ? "\(code): \(answers) answered" : "\(code)" }
}
