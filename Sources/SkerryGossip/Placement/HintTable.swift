/// Copies kept for homes that could not be reached, until they can.
///
/// A key counts once for each home: a later copy is joined to the first. What does not fit is refused, so that the write fails where it has to and
/// memory does not grow with the length of an outage.
public struct HintTable: Sendable {
    public struct Hint: Sendable, Hashable {
        public var home: MemberID
        public var key: [UInt8]
        public var copy: Siblings
    }

    /// The most hints.
    public let maximum: Int
    private var hints: [Hint] = []

    public init(maximum: Int = 65_536) { self.maximum = maximum }

    public var count: Int { hints.count }

    /// Whether the hint was taken.
    public mutating func insert(_ copy: Siblings, of key: [UInt8], for home: MemberID) -> Bool {
        if let index = hints.firstIndex(where: { $0.home == home && $0.key == key }) {
            hints[index].copy.merge(copy)
            return true
        }
        guard hints.count < maximum else { return false }
        hints.append(Hint(home: home, key: key, copy: copy))
        return true
    }

    /// What is kept for a home that can be reached again, oldest first.
    public func hints(for home: MemberID, limit: Int) -> [Hint] { Array(hints.lazy.filter { $0.home == home }.prefix(limit)) }

    /// The home has the copy. One that has grown meanwhile stays.
    public mutating func delivered(_ hint: Hint) { hints.removeAll { $0 == hint } }
}
