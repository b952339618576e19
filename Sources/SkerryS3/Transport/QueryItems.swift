/// The items of a query, decoded, in the order they were sent, duplicates kept.
///
/// `?acl` and `?acl=` differ: the first has no value, the second an empty one. Most of S3 asks only whether the name is there.
/// A `+` means a space, in names and values, as S3 and HTML forms have it; clients send `%20` for a space and `%2B` for a plus, so only
/// hand-made URLs notice. Empty items (`?a&&b`) are dropped.
///
/// All decoded bytes stand one behind the other in one array; an item is three positions. Reading an item copies nothing.
public struct QueryItems: Sendable, RandomAccessCollection {
    /// One item.
    public struct Item: Sendable, Equatable {
        public let name: ArraySlice<UInt8>
        /// nil when the item has no `=`.
        public let value: ArraySlice<UInt8>?
    }

    /// Where an item stands in `bytes`.
    struct Bounds: Sendable {
        var start: Int
        var nameEnd: Int
        var end: Int
        var hasValue: Bool
    }

    private(set) var bytes: [UInt8] = []
    private(set) var bounds: [Bounds] = []

    /// No items.
    public init() {}

    /// Decodes what follows the `?` of a target.
    ///
    /// - Throws: ``RequestTargetError/invalidEscape(offset:)`` with the position in `query`.
    /// - Complexity: O(n) for n bytes; two allocations.
    public init(decoding query: ArraySlice<UInt8>) throws(RequestTargetError) {
        bytes.reserveCapacity(query.count)
        var start = query.startIndex
        while start < query.endIndex {
            let end = query[start...].firstIndex(of: UInt8(ascii: "&")) ?? query.endIndex
            if end > start { try append(query[start..<end]) }
            start = end + 1
        }
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { bounds.count }

    public subscript(position: Int) -> Item {
        let item = bounds[position]
        return Item(name: bytes[item.start..<item.nameEnd], value: item.hasValue ? bytes[item.nameEnd..<item.end] : nil)
    }

    /// The value of the first item called `name`, empty where it has none; nil when there is no such item.
    public subscript(name: String) -> ArraySlice<UInt8>? {
        guard let item = firstBounds(name) else { return nil }
        return bytes[item.nameEnd..<item.end]
    }

    /// The value of the first item called `name` as text; nil when there is no such item or its value is no UTF-8.
    public func text(_ name: String) -> String? {
        self[name].flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Whether there is an item called `name`, with a value or without.
    public func contains(_ name: String) -> Bool { firstBounds(name) != nil }

    // MARK: - Private machinery

    private mutating func append(_ item: ArraySlice<UInt8>) throws(RequestTargetError) {
        let equals = item.firstIndex(of: UInt8(ascii: "="))
        var bound = Bounds(start: bytes.count, nameEnd: 0, end: 0, hasValue: equals != nil)
        try append(decoding: item[..<(equals ?? item.endIndex)])
        bound.nameEnd = bytes.count
        if let equals { try append(decoding: item[(equals + 1)...]) }
        bound.end = bytes.count
        bounds.append(bound)
    }

    private mutating func append(decoding raw: ArraySlice<UInt8>) throws(RequestTargetError) {
        if let broken = bytes.appendPercentDecoded(raw, plusIsSpace: true) { throw .invalidEscape(offset: broken) }
    }

    private func firstBounds(_ name: String) -> Bounds? {
        var name = name
        return name.withUTF8 { name in
            bounds.first { $0.nameEnd - $0.start == name.count && bytes[$0.start..<$0.nameEnd].elementsEqual(name) }
        }
    }
}
