public import SkerryCRDT

/// Feeds in memory, with the log of bytes that a disk would hold, so that crashes can be had at any byte.
///
/// Model of a crash: what was synced stays; of what was appended since, any prefix of bytes may be there. A record whose bytes are cut or whose checksum
/// is wrong ends the log.
public struct MemoryFeedStore: FeedStore, Sendable {
    private struct Feed: Sendable {
        /// Sequence of the first entry that is held.
        var first: UInt64 = 1
        var entries: [FeedEntry] = []
        var position = FeedPosition.start
    }

    /// The records, one behind the other.
    public private(set) var bytes: [UInt8] = []
    /// How many bytes a crash cannot take.
    public private(set) var synced = 0
    /// The largest stamp of all batches and positions.
    public private(set) var highWater = HybridTimestamp.zero
    /// How often an entry came that does not follow what is there. A core never lets that happen.
    public private(set) var gaps = 0
    private var feeds: [OriginID: Feed] = [:]
    private var frozen: Set<OriginID> = []
    /// Arrivals; those before `arrivalBase` are gone. All entries of those behind are there.
    private var arrivals: [Dot] = []
    private var arrivalBase: UInt64 = 0
    private var syncedEnd: UInt64 = 0
    private let log: UInt64
    /// Without, nothing can be recovered: for nodes that do not crash.
    private let keepsBytes: Bool

    /// - Parameter log: names the log in cursors, new for each store.
    public init(log: UInt64, keepsBytes: Bool = true) {
        self.log = log
        self.keepsBytes = keepsBytes
    }

    /// What a crash left.
    public init(log: UInt64, recovering bytes: [UInt8]) {
        self.init(log: log)
        var offset = 0
        while let record = Self.record(in: bytes, at: offset) {
            switch record.content {
            case .batch(let batch): apply(batch)
            case .trim(let dot): applyTrim(dot)
            case .adopt(let mark): applyAdoption(mark)
            }
            offset = record.end
        }
        self.bytes = Array(bytes[..<offset])
        synced = offset
        syncedEnd = arrivalEnd
    }

    public mutating func append(_ batch: FeedBatch) {
        if keepsBytes { write(.batch(batch)) }
        apply(batch)
    }

    public mutating func sync() {
        synced = bytes.count
        syncedEnd = arrivalEnd
    }

    public func read(_ origin: OriginID, from first: UInt64, charge: Int) -> [FeedEntry] {
        guard let feed = feeds[origin], first >= feed.first, first < feed.first + UInt64(feed.entries.count) else { return [] }
        let start = Int(first - feed.first)
        var end = start
        var sum = 0
        while end < feed.entries.count {
            sum += feed.entries[end].charge
            guard sum <= charge || end == start else { break }
            end += 1
        }
        return Array(feed.entries[start..<end])
    }

    public func scan(from cursor: FeedCursor, limit: Int) -> FeedScan? {
        guard cursor.log == log, cursor.offset >= arrivalBase, cursor.offset <= syncedEnd else { return nil }
        let stop = min(syncedEnd, cursor.offset + UInt64(limit))
        let found = (cursor.offset..<stop).compactMap { place in
            let dot = arrivals[Int(place - arrivalBase)]
            return read(dot.origin, from: dot.sequence, charge: 0).first.map {
                FeedScan.Arrival(entry: $0, next: FeedCursor(log: log, offset: place + 1))
            }
        }
        return FeedScan(arrivals: found, next: FeedCursor(log: log, offset: stop))
    }

    public var end: FeedCursor { FeedCursor(log: log, offset: max(arrivalBase, syncedEnd)) }

    private var arrivalEnd: UInt64 { arrivalBase + UInt64(arrivals.count) }

    public mutating func trim(_ origin: OriginID, through sequence: UInt64) {
        let dot = Dot(origin: origin, sequence: sequence)
        guard let feed = feeds[origin], sequence >= feed.first else { return }
        if keepsBytes { write(.trim(dot)) }
        applyTrim(dot)
    }

    public mutating func adopt(_ mark: FeedMark) {
        if keepsBytes { write(.adopt(mark)) }
        applyAdoption(mark)
    }

    public var state: FeedState {
        var state = FeedState()
        state.log = log
        state.highWater = highWater
        state.frozen = frozen.sorted()
        for (origin, feed) in feeds.sorted(by: { $0.key < $1.key }) {
            state.marks.append(FeedMark(origin: origin, position: feed.position))
            state.floors.append(Dot(origin: origin, sequence: feed.first - 1))
        }
        return state
    }

    /// Entries held, for bounds.
    public var count: Int { feeds.values.reduce(0) { $0 + $1.entries.count } }

    // MARK: - Records

    private mutating func apply(_ batch: FeedBatch) {
        for entry in batch.entries {
            let origin = entry.dot.origin
            var feed = feeds.removeValue(forKey: origin) ?? Feed()
            if feed.entries.isEmpty { feed.first = entry.dot.sequence }
            if entry.dot.sequence != feed.position.sequence + 1 || entry.dot.sequence != feed.first + UInt64(feed.entries.count) {
                // The core prevents this; reading by sequence goes on from here.
                gaps += 1
                (feed.first, feed.entries) = (entry.dot.sequence, [])
            }
            feed.position = FeedPosition(of: entry)
            feed.entries.append(entry)
            feeds[origin] = feed
            arrivals.append(entry.dot)
        }
        for mark in batch.marks { feeds[mark.origin, default: Feed()].position = mark.position }
        highWater = max(highWater, batch.highWater)
        for origin in batch.frozen where frozen.insert(origin).inserted && feeds[origin] == nil { feeds[origin] = Feed() }
    }

    private mutating func applyTrim(_ dot: Dot) {
        guard var feed = feeds.removeValue(forKey: dot.origin) else { return }
        let count = dot.sequence < feed.first ? 0 : min(feed.entries.count, Int(dot.sequence - feed.first + 1))
        feed.entries.removeFirst(count)
        feed.first += UInt64(count)
        feeds[dot.origin] = feed
        // Whoever stands before the last of them would miss it.
        guard count > 0, let last = arrivals.lastIndex(where: { $0.origin == dot.origin && $0.sequence < feed.first }) else { return }
        arrivals.removeFirst(last + 1)
        arrivalBase += UInt64(last + 1)
        syncedEnd = max(syncedEnd, arrivalBase)
    }

    private mutating func applyAdoption(_ mark: FeedMark) {
        feeds[mark.origin] = Feed(first: mark.position.sequence + 1, entries: [], position: mark.position)
        highWater = max(highWater, mark.position.stamp)
        // One place more than there were arrivals: whoever stood at the end has missed something too.
        arrivalBase = arrivalEnd + 1
        arrivals = []
        syncedEnd = arrivalBase
    }

    private enum Record {
        case batch(FeedBatch)
        case trim(Dot)
        case adopt(FeedMark)
    }

    private mutating func write(_ record: Record) {
        var writer = FeedWriter()
        switch record {
        case .batch(let batch):
            writer.byte(0)
            writer.fixed(batch.highWater.rawValue)
            writer.integer(batch.entries.count)
            for entry in batch.entries {
                writer.fixed(entry.dot.origin.rawValue)
                writer.integer(entry.dot.sequence)
                writer.byte(entry.signature.isEmpty ? 0 : 1)
                writer.hash(entry.digest)
                writer.hash(entry.link)
                writer.write(entry, after: 0, isSigned: !entry.signature.isEmpty)
            }
            writer.integer(batch.marks.count)
            for mark in batch.marks { writer.write(mark) }
            writer.integer(batch.frozen.count)
            for origin in batch.frozen { writer.fixed(origin.rawValue) }
        case .trim(let dot):
            writer.byte(1)
            writer.fixed(dot.origin.rawValue)
            writer.integer(dot.sequence)
        case .adopt(let mark):
            writer.byte(2)
            writer.write(mark)
        }
        var head = FeedWriter()
        head.fixed(UInt32(writer.count))
        head.fixed(Self.checksum(writer.bytes[...]))
        bytes += head.bytes
        bytes += writer.bytes
    }

    private static func record(in bytes: [UInt8], at offset: Int) -> (content: Record, end: Int)? {
        guard bytes.count - offset >= 8 else { return nil }
        return bytes.withUnsafeBytes { all -> (content: Record, end: Int)? in
            var head = FeedReader(UnsafeRawBufferPointer(rebasing: all[offset..<offset + 8]))
            guard let length = try? head.fixed32(), let sum = try? head.fixed32(), Int(length) <= all.count - offset - 8 else { return nil }
            let end = offset + 8 + Int(length)
            guard checksum(bytes[offset + 8..<end]) == sum else { return nil }
            var reader = FeedReader(UnsafeRawBufferPointer(rebasing: all[offset + 8..<end]))
            return (try? record(from: &reader)).map { ($0, end) }
        }
    }

    private static func record(from reader: inout FeedReader) throws(FeedError) -> Record {
        switch try reader.byte() {
        case 0:
            var batch = FeedBatch(ticket: 0, entries: [], marks: [], highWater: HybridTimestamp(rawValue: try reader.fixed64()))
            for _ in 0..<(try reader.integer()) {
                let dot = Dot(origin: try reader.origin(), sequence: try reader.sequence())
                let isSigned = try reader.byte() == 1
                let (digest, link) = (try reader.hash(), try reader.hash())
                var entry = try reader.entry(after: 0, isSigned: isSigned)
                (entry.dot, entry.digest, entry.link) = (dot, digest, link)
                batch.entries.append(entry)
            }
            for _ in 0..<(try reader.integer()) { batch.marks.append(try reader.mark()) }
            for _ in 0..<(try reader.integer()) { batch.frozen.append(try reader.origin()) }
            return .batch(batch)
        case 1: return .trim(Dot(origin: try reader.origin(), sequence: try reader.sequence()))
        default: return .adopt(try reader.mark())
        }
    }

    /// FNV-1a: tears are found, not attacks.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { raw in
            var sum: UInt32 = 0x811C_9DC5
            for byte in raw { sum = (sum ^ UInt32(byte)) &* 0x0100_0193 }
            return sum
        }
    }
}

extension FeedWriter {
    mutating func write(_ mark: FeedMark) {
        fixed(mark.origin.rawValue)
        integer(mark.position.sequence)
        hash(mark.position.link)
        fixed(mark.position.stamp.rawValue)
    }
}

extension FeedReader {
    mutating func mark() throws(FeedError) -> FeedMark {
        FeedMark(
            origin: try origin(),
            position: FeedPosition(sequence: try sequence(), link: try hash(), stamp: HybridTimestamp(rawValue: try fixed64())))
    }
}
