/// Consecutive events of one origin.
public struct EventRange: Sendable, Hashable, CustomStringConvertible {
    public var origin: OriginID
    /// The sequence of the first event, from 1.
    public var first: UInt64
    public var last: UInt64

    public init(origin: OriginID, first: UInt64, last: UInt64) {
        self.origin = origin
        self.first = first
        self.last = last
    }

    public var count: Int { Int(last - first + 1) }

    public var description: String { "\(origin):\(first)-\(last)" }
}
