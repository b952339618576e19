/// Which documents a peer wants: some by name, some by the beginning of their names. The empty prefix is all of them.
public struct DocumentInterest: Sendable, Hashable {
    /// Ascending by bytes; none that a prefix covers.
    public let names: [String]
    /// Ascending by bytes; none begins with another.
    public let prefixes: [String]

    /// - Throws: ``DocumentFeedError`` with `limitExceeded` beyond ``DocumentLimits/interestTerms`` or ``DocumentLimits/interestBytes``, and `invalidName`.
    public init(names: [String] = [], prefixes: [String] = []) throws(DocumentFeedError) {
        guard names.count + prefixes.count <= DocumentLimits.interestTerms,
            (names + prefixes).reduce(0, { $0 + $1.utf8.count }) <= DocumentLimits.interestBytes
        else { throw DocumentFeedError(.limitExceeded, "an interest is too large") }
        guard (names + prefixes).allSatisfy({ $0.utf8.count <= DocumentLimits.nameMaximum }), !names.contains("") else {
            throw DocumentFeedError(.invalidName, "a name has 1 to \(DocumentLimits.nameMaximum) bytes")
        }
        self.init(sorted: names, prefixes)
    }

    private init(sorted names: [String], _ prefixes: [String]) {
        var kept: [String] = []
        for prefix in prefixes.sorted(by: Self.precedes) where kept.last.map({ !Self.begins(prefix, with: $0) }) ?? true {
            kept.append(prefix)
        }
        self.prefixes = kept
        var rest: [String] = []
        for name in names.sorted(by: Self.precedes) where !Self.matches(name, kept) {
            if let last = rest.last, Self.isSame(last, name) { continue }
            rest.append(name)
        }
        self.names = rest
    }

    /// All documents.
    public static let all = DocumentInterest(sorted: [], [""])
    /// None.
    public static let none = DocumentInterest(sorted: [], [])

    public var isEmpty: Bool { names.isEmpty && prefixes.isEmpty }

    /// Whether a document is wanted. O(log n) comparisons.
    public func matches(_ name: String) -> Bool {
        if Self.matches(name, prefixes) { return true }
        let place = Self.place(of: name, in: names)
        return place > 0 && Self.isSame(names[place - 1], name)
    }

    /// What this one wants and the other does not, in terms of this one: perhaps a little more than that, never less.
    public func subtracting(_ other: DocumentInterest) -> DocumentInterest {
        DocumentInterest(sorted: names.filter { !other.matches($0) }, prefixes.filter { !Self.matches($0, other.prefixes) })
    }

    /// What both want.
    public func intersection(_ other: DocumentInterest) -> DocumentInterest {
        DocumentInterest(
            sorted: names.filter(other.matches) + other.names.filter(matches),
            prefixes.filter { Self.matches($0, other.prefixes) } + other.prefixes.filter { Self.matches($0, prefixes) })
    }

    /// What either wants.
    ///
    /// - Throws: as ``init(names:prefixes:)``.
    public func union(_ other: DocumentInterest) throws(DocumentFeedError) -> DocumentInterest {
        try DocumentInterest(names: names + other.names, prefixes: prefixes + other.prefixes)
    }

    private static func matches(_ name: String, _ prefixes: [String]) -> Bool {
        // The one candidate is the last prefix that is not behind the name.
        let place = place(of: name, in: prefixes)
        return place > 0 && begins(name, with: prefixes[place - 1])
    }

    /// How many of the sorted terms are not behind a name.
    private static func place(of name: String, in terms: [String]) -> Int {
        var low = 0, high = terms.count
        while low < high {
            let middle = (low + high) / 2
            if precedes(name, terms[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // By bytes, as stores order names; `<` of strings goes by canonical equivalence.
    static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
    private static func begins(_ name: String, with prefix: String) -> Bool { name.utf8.starts(with: prefix.utf8) }
}
