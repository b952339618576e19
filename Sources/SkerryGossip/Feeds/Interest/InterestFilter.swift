/// Which keys a peer wants: those that begin with one of some prefixes. The empty prefix is all keys.
public struct InterestFilter: Sendable, Hashable {
    /// Ascending; none begins with another.
    public let prefixes: [[UInt8]]

    /// The filter of these prefixes; prefixes that another one covers are left out.
    ///
    /// - Throws: ``FeedError`` with ``FeedError/Code/limitExceeded`` beyond ``FeedLimits/filterPrefixes`` or ``FeedLimits/filterBytes``.
    public init(prefixes: [[UInt8]]) throws(FeedError) {
        guard prefixes.count <= FeedLimits.filterPrefixes, prefixes.reduce(0, { $0 + $1.count }) <= FeedLimits.filterBytes else {
            throw FeedError(.limitExceeded, "a filter is too large")
        }
        var kept: [[UInt8]] = []
        for prefix in prefixes.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let last = kept.last, prefix.starts(with: last) { continue }
            kept.append(prefix)
        }
        self.prefixes = kept
    }

    /// Whether the key begins with one of the prefixes. O(log n) comparisons.
    public func matches(_ key: ArraySlice<UInt8>) -> Bool {
        // The one candidate is the last prefix that is not behind the key.
        var low = 0, high = prefixes.count
        while low < high {
            let middle = (low + high) / 2
            if key.lexicographicallyPrecedes(prefixes[middle]) { high = middle } else { low = middle + 1 }
        }
        return low > 0 && key.starts(with: prefixes[low - 1])
    }
}
