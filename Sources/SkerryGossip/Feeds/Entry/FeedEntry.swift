public import SkerryCRDT

/// One write of one origin, as feeds carry it and stores keep it.
///
/// Its name in write-time order is (``stamp``, origin, sequence), with ``digest`` for its content; reconciliation addresses it so.
public struct FeedEntry: Sendable, Hashable {
    /// What an entry is, as far as feeds and collection need to know.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// A key has a new value.
        case write = 0
        /// A key is gone; kept as a tombstone until every member has it.
        case removal = 1
        /// A statement about the members: ``RegistryChange``.
        case registry = 2
    }

    /// Origin and sequence; sequences of an origin are dense from 1.
    public var dot: Dot
    /// Greater than the stamp of every earlier entry of the origin.
    public var stamp: HybridTimestamp
    /// What to do with the key and the value.
    public var kind: Kind
    /// The key, then the value.
    public var body: [UInt8]
    /// At most ``FeedLimits/keyMaximum``.
    public var keyLength: Int
    /// SHA-256 of all of the above.
    public var digest: FeedHash
    /// SHA-256 of the link of the entry before it and ``digest``.
    public var link: FeedHash
    /// 64 bytes over the link (``FeedTrust``), or none.
    public var signature: [UInt8]

    init(
        dot: Dot, stamp: HybridTimestamp, kind: Kind, body: [UInt8], keyLength: Int, digest: FeedHash, link: FeedHash,
        signature: [UInt8] = []
    ) {
        self.dot = dot
        self.stamp = stamp
        self.kind = kind
        self.body = body
        self.keyLength = keyLength
        self.digest = digest
        self.link = link
        self.signature = signature
    }

    /// A slice of ``body``, at most ``FeedLimits/keyMaximum`` bytes; empty for a statement about members.
    public var key: ArraySlice<UInt8> { body[..<keyLength] }
    /// The rest of ``body``: indices go on behind those of the key. Of a statement, a ``RegistryChange``.
    public var value: ArraySlice<UInt8> { body[keyLength...] }

    /// What it takes of a bound on memory: its bytes and what surrounds them.
    public var charge: Int { body.count + signature.count + FeedLimits.entryOverhead }
}
