public import SkerryCRDT

/// The versions of one key that none of the others replaces, given back to the application when there are several: it writes their merge.
///
/// A write says what it has seen (``context``) and replaces exactly that; what was written beside it stays. Copies merge to the same on every member,
/// and what one of them has seen replaced does not come back from another. Dotted version vectors: Preguiça et al. (2010).
///
/// Copies travel whole: every copy that has seen a write of an origin holds, or has seen replaced, all earlier writes of that origin to the key.
public struct Siblings: Sendable, Hashable {
    /// What one write gave the key.
    public struct Version: Sendable, Hashable {
        /// Which write it is.
        public var dot: Dot
        /// Nil for a deletion.
        public var value: [UInt8]?

        public init(dot: Dot, value: [UInt8]?) {
            self.dot = dot
            self.value = value
        }
    }

    /// Sorted by dot.
    public private(set) var versions: [Version] = []
    /// All writes that this copy has seen, replaced ones too: goes with a read to the application and comes back with its write.
    public private(set) var context = CausalContext()

    /// A key of which nobody has written anything.
    public init() {}

    /// - Precondition: sorted by dot, each once, each covered by the context.
    init(versions: [Version], context: CausalContext) {
        self.versions = versions
        self.context = context
    }

    /// Whether no value stands: never written, or deleted.
    public var isEmpty: Bool { versions.allSatisfy { $0.value == nil } }
    /// The values, in the order of their writes' names; more than one when writes were concurrent.
    public var values: [[UInt8]] { versions.compactMap(\.value) }

    /// Writes a value that replaces what `seen` covers.
    ///
    /// - Parameter dot: new, of the member that coordinates the write, and larger than its earlier ones.
    public mutating func write(_ value: [UInt8]?, replacing seen: CausalContext, as dot: Dot) {
        precondition(!context.covers(dot), "the write \(dot) was seen before")
        write(value, replacing: seen, as: dot, unchecked: true)
    }

    mutating func write(_ value: [UInt8]?, replacing seen: CausalContext, as dot: Dot, unchecked: Bool) {
        precondition(unchecked || !context.covers(dot), "the write \(dot) was seen before")
        versions.removeAll { seen.covers($0.dot) }
        versions.append(Version(dot: dot, value: value))
        versions.sort { $0.dot < $1.dot }
        context.merge(seen)
        context.insert(dot)
    }

    /// The join with another copy: commutative, associative, idempotent.
    ///
    /// - Returns: whether this copy changed.
    /// - Complexity: O(n log origins), n being the versions of both.
    @discardableResult
    public mutating func merge(_ other: Siblings) -> Bool {
        let before = self
        var (joined, theirs): ([Version], ArraySlice<Version>) = ([], other.versions[...])
        for mine in versions {
            while let next = theirs.first, next.dot < mine.dot {
                if !context.covers(next.dot) { joined.append(next) }
                theirs.removeFirst()
            }
            if theirs.first?.dot == mine.dot || !other.context.covers(mine.dot) { joined.append(mine) }
        }
        joined.append(contentsOf: theirs.filter { !context.covers($0.dot) })
        versions = joined
        context.merge(other.context)
        return self != before
    }

    /// The join of both.
    func merging(_ other: Siblings) -> Siblings {
        var joined = self
        joined.merge(other)
        return joined
    }

    /// Whether a member that is sent the copy, or reads it from its store, takes it (``PlacementLimits``).
    public var isWithinLimits: Bool {
        context.dots.count <= PlacementLimits.originsMaximum && versions.count <= PlacementLimits.versionsMaximum
            && byteCount <= PlacementLimits.joinBytesMaximum
    }

    /// Values and keys in bytes, roughly what the copy takes in memory and on the wire.
    public var byteCount: Int {
        var count = 16 * (context.dots.count + versions.count)
        for version in versions { count += version.value?.count ?? 0 }
        return count
    }
}
