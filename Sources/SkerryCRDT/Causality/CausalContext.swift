/// What a write has seen of its key: for each origin the highest sequence, a version vector.
///
/// Y replaces X exactly when Y's context covers X's dot; versions that do not cover each other are siblings.
/// Preguiça et al., "Dotted Version Vectors" (2010). Kept sorted by origin, so equal contexts have equal bytes.
public struct CausalContext: Sendable, Hashable {
    /// Sorted by origin, each origin once.
    public private(set) var dots: [Dot]

    public init() { dots = [] }

    /// The context that covers each of the dots.
    public init(covering dots: some Sequence<Dot>) {
        self.init()
        for dot in dots { insert(dot) }
    }

    public var isEmpty: Bool { dots.isEmpty }

    /// The highest sequence seen of the origin, 0 for none. O(log n).
    public func sequence(of origin: OriginID) -> UInt64 {
        let index = position(of: origin)
        return index < dots.count && dots[index].origin == origin ? dots[index].sequence : 0
    }

    public func covers(_ dot: Dot) -> Bool { dot.sequence <= sequence(of: dot.origin) }

    public func covers(_ other: CausalContext) -> Bool { other.dots.allSatisfy(covers) }

    public mutating func insert(_ dot: Dot) {
        let index = position(of: dot.origin)
        if index < dots.count, dots[index].origin == dot.origin {
            dots[index].sequence = max(dots[index].sequence, dot.sequence)
        } else {
            dots.insert(dot, at: index)
        }
    }

    /// The join: commutative, associative, idempotent.
    public mutating func merge(_ other: CausalContext) {
        for dot in other.dots { insert(dot) }
    }

    private func position(of origin: OriginID) -> Int {
        var low = 0, high = dots.count
        while low < high {
            let middle = (low + high) / 2
            if dots[middle].origin < origin { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
