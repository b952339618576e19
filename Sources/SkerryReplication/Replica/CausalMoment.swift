public import SkerryCRDT

/// When something was written, by causes alone: which write it was, and what its writer had taken before.
///
/// Stamps agree with it and say more: what is before something else has the lesser stamp, what is concurrent is ordered all the same.
public struct CausalMoment: Sendable, Hashable {
    public var dot: Dot
    /// What the writer had when it wrote.
    public var past: CausalContext

    public init(dot: Dot, past: CausalContext) {
        self.dot = dot
        self.past = past
    }

    /// Whether the other was written by somebody who had this.
    public func isBefore(_ other: CausalMoment) -> Bool {
        dot.origin == other.dot.origin ? dot.sequence < other.dot.sequence : other.past.covers(dot)
    }

    /// Whether neither is before the other.
    public func isConcurrent(with other: CausalMoment) -> Bool { dot != other.dot && !isBefore(other) && !other.isBefore(self) }
}
