/// What a ``Causal`` state keeps: contents named by the dots of the writes that put them there.
///
/// Two stores join by what each side has seen: a dot stays when both have it, or when one has it and the other never saw it. A dot that the
/// other saw and no longer has was replaced or removed there, so it goes.
public protocol DotStore: StateCodable {
    init()

    var isEmpty: Bool { get }

    /// Adds every dot in the store to a set.
    func insertDots(into dots: inout DotSet)

    /// Joins another store.
    ///
    /// - Parameters:
    ///   - seen: every dot that the writer of this store had seen.
    ///   - otherSeen: the same for the other.
    mutating func join(_ other: Self, seen: DotSet, otherSeen: DotSet)
}

extension DotStore {
    var dots: DotSet {
        var result = DotSet()
        insertDots(into: &result)
        return result
    }
}

/// Dots alone: something happened, or not.
extension DotSet: DotStore {
    public func insertDots(into dots: inout DotSet) { dots.join(self) }

    public mutating func join(_ other: DotSet, seen: DotSet, otherSeen: DotSet) {
        var result = intersection(other)
        result.join(subtracting(otherSeen))
        result.join(other.subtracting(seen))
        self = result
    }
}
