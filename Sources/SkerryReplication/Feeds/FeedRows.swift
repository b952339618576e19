internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage

/// The rows of a feed store, as `docs/formats/feeds-store.md` has them. Words in keys and values are 8 bytes, the most significant first.
struct FeedRows: Sendable {
    static let version: UInt8 = 1

    private enum Kind: UInt8 {
        case head = 0, lane, entry, arrival
    }

    let family: MetadataFamily
    let prefix: [UInt8]

    // MARK: Keys

    var head: [UInt8] { prefix + [Kind.head.rawValue] }
    func lane(_ origin: OriginID) -> [UInt8] { prefix + [Kind.lane.rawValue] + Self.word(origin.rawValue) }
    func entry(_ dot: Dot) -> [UInt8] { prefix + [Kind.entry.rawValue] + Self.word(dot.origin.rawValue) + Self.word(dot.sequence) }
    func arrival(_ place: UInt64) -> [UInt8] { prefix + [Kind.arrival.rawValue] + Self.word(place) }

    static func word(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    static func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    // MARK: Values

    static func bytes<Engine>(of head: EngineFeedStore<Engine>.Head) -> [UInt8] {
        [version] + word(head.log) + word(head.base) + word(head.next) + word(head.highWater.rawValue)
    }

    func head<Engine: MetadataEngine>(in engine: Engine) throws(StorageError) -> EngineFeedStore<Engine>.Head? {
        guard let bytes = try engine.get(family, head) else { return nil }
        guard let version = bytes.first, version <= Self.version else {
            throw StorageError(.newerFormat, "the feeds are of a later version")
        }
        guard version == Self.version, bytes.count == 33 else {
            throw StorageError(.corrupt, "the head of the feeds has \(bytes.count) bytes")
        }
        return bytes.withUnsafeBytes { bytes in
            EngineFeedStore<Engine>.Head(
                log: Self.word(bytes, at: 1), base: Self.word(bytes, at: 9), next: Self.word(bytes, at: 17),
                highWater: HybridTimestamp(rawValue: Self.word(bytes, at: 25)))
        }
    }

    static func bytes<Engine>(of lane: EngineFeedStore<Engine>.Lane) -> [UInt8] {
        word(lane.position.sequence) + word(lane.position.stamp.rawValue) + word(lane.floor) + [lane.isFrozen ? 1 : 0]
            + lane.position.link.bytes
    }

    func lanes<Engine: MetadataEngine>(in engine: Engine) throws(StorageError) -> [OriginID: EngineFeedStore<Engine>.Lane] {
        var lanes: [OriginID: EngineFeedStore<Engine>.Lane] = [:]
        try engine.scan(family, KeyRange(prefix: prefix + [Kind.lane.rawValue])) { key, value throws(StorageError) in
            guard key.count == prefix.count + 9, value.count == 57, value[24] <= 1,
                let link = FeedHash(UnsafeRawBufferPointer(rebasing: value[25...])), lanes.count < FeedLimits.origins
            else {
                throw StorageError(.corrupt, "a row of positions is damaged")
            }
            let position = FeedPosition(
                sequence: Self.word(value, at: 0), link: link, stamp: HybridTimestamp(rawValue: Self.word(value, at: 8)))
            lanes[OriginID(rawValue: Self.word(key, at: prefix.count + 1))] = EngineFeedStore<Engine>.Lane(
                position: position, floor: Self.word(value, at: 16), isFrozen: value[24] == 1)
            return .next
        }
        return lanes
    }

    static func dot(_ value: UnsafeRawBufferPointer) throws(StorageError) -> Dot {
        guard value.count == 16 else { throw StorageError(.corrupt, "the row of an arrival has \(value.count) bytes") }
        return Dot(origin: OriginID(rawValue: word(value, at: 0)), sequence: word(value, at: 8))
    }

    /// An entry and the place at which it arrived.
    func entry(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(StorageError) -> (entry: FeedEntry, place: UInt64) {
        let start = prefix.count + 1
        guard key.count == start + 16 else { throw StorageError(.corrupt, "the key of an entry has \(key.count) bytes") }
        return try entry(
            Dot(origin: OriginID(rawValue: Self.word(key, at: start)), sequence: Self.word(key, at: start + 8)), value: value)
    }

    private func entry(_ dot: Dot, value: UnsafeRawBufferPointer) throws(StorageError) -> (entry: FeedEntry, place: UInt64) {
        guard value.count > 8 else { throw StorageError(.corrupt, "the row of an entry has \(value.count) bytes") }
        do throws(FeedError) {
            return (
                try FeedEntry(dot: dot, stored: UnsafeRawBufferPointer(rebasing: value[8...])), Self.word(value, at: 0)
            )
        } catch { throw StorageError(.corrupt, "entry \(dot.sequence) of origin \(dot.origin): \(error)") }
    }

    func entry(_ dot: Dot, in engine: some MetadataEngine) throws(StorageError) -> (entry: FeedEntry, place: UInt64) {
        guard let value = try engine.get(family, entry(dot)) else {
            throw StorageError(.corrupt, "entry \(dot.sequence) of origin \(dot.origin) is missing")
        }
        let result = value.withUnsafeBytes { bytes in Result { () throws(StorageError) in try entry(dot, value: bytes) } }
        return try result.get()
    }

    func place(of dot: Dot, in engine: some MetadataEngine) throws(StorageError) -> UInt64 {
        guard let value = try engine.get(family, entry(dot)), value.count > 8 else {
            throw StorageError(.corrupt, "entry \(dot.sequence) of origin \(dot.origin) is missing")
        }
        return value.withUnsafeBytes { Self.word($0, at: 0) }
    }
}
