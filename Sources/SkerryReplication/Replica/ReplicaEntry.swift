public import SkerryCRDT
public import SkerryGossip

/// One write, as a part of a replica sees it: its key is without the name of the part.
public struct ReplicaEntry: Sendable, Hashable, Comparable {
    /// The entry of the feed, with its origin's link and signature.
    public let feed: FeedEntry
    private let keyStart: Int

    /// - Parameter keyStart: where the part's own key begins.
    init(_ feed: FeedEntry, keyStart: Int) {
        self.feed = feed
        self.keyStart = keyStart
    }

    public var dot: Dot { feed.dot }
    public var stamp: HybridTimestamp { feed.stamp }
    public var origin: OriginID { feed.dot.origin }
    public var key: ArraySlice<UInt8> { feed.body[keyStart..<feed.keyLength] }
    public var value: ArraySlice<UInt8> { feed.value }
    public var isRemoval: Bool { feed.kind == .removal }

    /// Write-time order: by stamp, then origin, then sequence. The same on every replica; the greatest is the last writer.
    public static func < (left: ReplicaEntry, right: ReplicaEntry) -> Bool {
        (left.stamp, left.dot) < (right.stamp, right.dot)
    }

    public static func == (left: ReplicaEntry, right: ReplicaEntry) -> Bool { left.feed.dot == right.feed.dot }
    public func hash(into hasher: inout Hasher) { hasher.combine(feed.dot) }
}

extension FeedEntry {
    /// Whether its key begins with one of some parts' prefixes.
    func isOf(_ prefixes: [[UInt8]]) -> Bool {
        guard !prefixes.isEmpty, let own = PartName.prefix(of: self) else { return false }
        return prefixes.contains { own.elementsEqual($0) }
    }
}

/// The name of a part in front of the keys of its entries: one byte of length, then UTF-8, so that no name begins another.
enum PartName {
    /// Bytes.
    static let maximum = 255

    static func prefix(_ name: String) -> [UInt8]? {
        let bytes = Array(name.utf8)
        return (1...maximum).contains(bytes.count) ? [UInt8(bytes.count)] + bytes : nil
    }

    /// The prefix of an entry's key; nil where there is none.
    static func prefix(of entry: FeedEntry) -> ArraySlice<UInt8>? {
        guard entry.kind != .registry, let length = entry.key.first, length > 0, entry.keyLength > Int(length) else { return nil }
        return entry.key[...Int(length)]
    }
}
