internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryMerge

/// What replicas say beside the messages of feeds: docs/formats/replica.md.
enum ReplicaMessage: Hashable {
    /// The first message of each side.
    case header(ReplicaHeader)
    /// Asks for what the parts keep behind a digest; the subscription with the tag follows.
    case request(tag: UInt32, [Dot])
    /// Positions that everything before in this transfer leads to.
    case marks(tag: UInt32, isLast: Bool, [FeedMark])
    /// Asks to become a member, and for the whole state; the subscription with the tag follows.
    case join(tag: UInt32, JoinRequest)
    /// What is known of members where a history comes from, in front of it, and which of its entries stand for a position alone.
    case registry(tag: UInt32, isLast: Bool, [Retention.Record], superseded: [Dot])
    /// The answer to ``join(tag:_:)`` of a replica that does not make the asker a member.
    case turnedAway(tag: UInt32, JoinRefusal)
    /// A message with a checksum: on streams that may be files.
    case checked([UInt8])
    /// The last message of a side, where a link's own end may be lost.
    case end

    enum Kind: UInt8 {
        case header = 0x10
        case request = 0x11
        case marks = 0x12
        case checked = 0x13
        case end = 0x14
        case join = 0x15
        case registry = 0x16
        case turnedAway = 0x17
    }

    /// Most marks of a message.
    static let marksMaximum = 4_096
}

/// Who asks to become a member; its origin stands in the header.
struct JoinRequest: Hashable {
    var site: UInt64
    var epoch: UInt64
    /// Under which it wrote in former lives: to be retired, if they are not. Ascending.
    var formerSelves: [OriginID]
}

/// Why a replica is not made a member.
enum JoinRefusal: UInt8, Hashable {
    /// Its origin was retired: it needs another.
    case retired = 1
    /// Its like is not welcome here.
    case unwelcome = 2
    /// The one that was asked is no member itself.
    case noMember = 3
}

struct ReplicaHeader: Hashable {
    static let magic = Array("SKRP".utf8)
    static let version: UInt64 = 1

    var version: UInt64 = ReplicaHeader.version
    var cluster: UInt64
    var origin: OriginID
    var direction: ReplicaOptions.Direction
    var tail: Bool
    /// Whether the sender had no entry at all when it said this.
    var isEmpty: Bool
    /// Of transfers that nobody asked for.
    var tag: UInt32
    /// Ascending by key.
    var metadata: [(key: String, value: String)]

    static func == (left: ReplicaHeader, right: ReplicaHeader) -> Bool { left.encoded == right.encoded }
    func hash(into hasher: inout Hasher) { hasher.combine(encoded) }
}

// MARK: - Encoding

extension ReplicaMessage {
    var encoded: [UInt8] {
        var writer = FieldWriter()
        switch self {
        case .header(let header): return header.encoded
        case .request(let tag, let dots):
            writer.byte(Kind.request.rawValue)
            writer.half(tag)
            writer.count(dots.count)
            for dot in dots {
                writer.word(dot.origin.rawValue)
                writer.integer(dot.sequence)
            }
        case .marks(let tag, let isLast, let marks):
            writer.byte(Kind.marks.rawValue)
            writer.half(tag)
            writer.byte(isLast ? 1 : 0)
            writer.count(marks.count)
            for mark in marks {
                writer.word(mark.origin.rawValue)
                writer.integer(mark.position.sequence)
                writer.raw(mark.position.link.bytes)
                writer.word(mark.position.stamp.rawValue)
            }
        case .join(let tag, let request):
            writer.byte(Kind.join.rawValue)
            writer.half(tag)
            writer.word(request.site)
            writer.integer(request.epoch)
            writer.count(request.formerSelves.count)
            for origin in request.formerSelves { writer.word(origin.rawValue) }
        case .registry(let tag, let isLast, let records, let superseded):
            writer.byte(Kind.registry.rawValue)
            writer.half(tag)
            writer.byte(isLast ? 1 : 0)
            writer.count(records.count)
            for record in records {
                writer.string(record.key)
                writer.string(record.value)
            }
            writer.count(superseded.count)
            for dot in superseded {
                writer.word(dot.origin.rawValue)
                writer.integer(dot.sequence)
            }
        case .turnedAway(let tag, let refusal):
            writer.byte(Kind.turnedAway.rawValue)
            writer.half(tag)
            writer.byte(refusal.rawValue)
        case .checked(let message):
            writer.byte(Kind.checked.rawValue)
            writer.word(Self.checksum(message[...]))
            writer.raw(message)
        case .end: writer.byte(Kind.end.rawValue)
        }
        return writer.bytes
    }

    /// FNV-1a of 64 bits: rot and tears are found, not attacks.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { raw in
            var sum: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in raw { sum = (sum ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            return sum
        }
    }
}

extension ReplicaHeader {
    var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.byte(ReplicaMessage.Kind.header.rawValue)
        writer.raw(Self.magic)
        writer.integer(version)
        writer.word(cluster)
        writer.word(origin.rawValue)
        writer.byte(direction.rawValue << 2 | (isEmpty ? 2 : 0) | (tail ? 1 : 0))
        writer.half(tag)
        writer.count(metadata.count)
        for pair in metadata {
            writer.string(pair.key)
            writer.string(pair.value)
        }
        return writer.bytes
    }
}

extension FieldWriter {
    mutating func half(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { raw($0) } }
    mutating func word(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { raw($0) } }
}

// MARK: - Decoding

extension ReplicaMessage {
    init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = FieldReader(bytes)
        switch Kind(rawValue: try reader.byte()) {
        case .header: self = .header(try ReplicaHeader(from: &reader))
        case .request:
            let tag = try reader.half()
            self = .request(tag: tag, try reader.dots())
        case .marks:
            let (tag, isLast) = (try reader.half(), try reader.flag())
            let count = try reader.count(ofAtLeast: 49, maximum: Self.marksMaximum)
            var marks: [FeedMark] = []
            for _ in 0..<count { marks.append(try reader.mark()) }
            self = .marks(tag: tag, isLast: isLast, marks)
        case .join:
            let tag = try reader.half()
            var request = JoinRequest(site: try reader.word(), epoch: try reader.integer(), formerSelves: [])
            for _ in 0..<(try reader.count(ofAtLeast: 8, maximum: FeedLimits.origins)) {
                request.formerSelves.append(OriginID(rawValue: try reader.word()))
            }
            self = .join(tag: tag, request)
        case .registry:
            let (tag, isLast) = (try reader.half(), try reader.flag())
            var records: [Retention.Record] = []
            for _ in 0..<(try reader.count(ofAtLeast: 3, maximum: 2 * FeedLimits.origins + 1)) {
                records.append(Retention.Record(key: Array(try reader.string()), value: Array(try reader.string())))
            }
            self = .registry(tag: tag, isLast: isLast, records, superseded: try reader.dots())
        case .turnedAway:
            let tag = try reader.half()
            guard let refusal = JoinRefusal(rawValue: try reader.byte()) else { throw reader.malformed("no such refusal") }
            self = .turnedAway(tag: tag, refusal)
        case .checked:
            let sum = try reader.word()
            let message = try reader.raw(reader.remaining)
            guard Self.checksum(message) == sum else { throw reader.malformed("the checksum of a message is wrong") }
            self = .checked(Array(message))
        case .end: self = .end
        case nil: throw reader.malformed("no message has this kind")
        }
        try reader.end()
    }
}

extension ReplicaHeader {
    init(from reader: inout FieldReader) throws(FormatError) {
        guard try reader.raw(4).elementsEqual(Self.magic) else { throw reader.malformed("no replica speaks here") }
        version = try reader.integer()
        guard version >= 1 else { throw reader.malformed("versions begin with 1") }
        cluster = try reader.word()
        origin = OriginID(rawValue: try reader.word())
        let flags = try reader.byte()
        guard let direction = ReplicaOptions.Direction(rawValue: flags >> 2) else { throw reader.malformed("no such direction") }
        self.direction = direction
        tail = flags & 1 == 1
        isEmpty = flags & 2 == 2
        tag = try reader.half()
        metadata = []
        var size = 0
        for _ in 0..<(try reader.count(ofAtLeast: 2, maximum: ReplicaOptions.metadataMaximum)) {
            let key = try reader.text(maximum: ReplicaOptions.metadataSizeMaximum)
            let value = try reader.text(maximum: ReplicaOptions.metadataSizeMaximum)
            size += key.utf8.count + value.utf8.count
            metadata.append((key, value))
        }
        guard size <= ReplicaOptions.metadataSizeMaximum else { throw reader.malformed("metadata of \(size) bytes") }
        let ascends = zip(metadata, metadata.dropFirst()).allSatisfy { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
        guard ascends else { throw reader.malformed("the keys of metadata ascend") }
    }
}

extension FieldReader {
    mutating func half() throws(FormatError) -> UInt32 {
        try raw(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func word() throws(FormatError) -> UInt64 {
        try raw(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func sequence() throws(FormatError) -> UInt64 {
        let value = try integer()
        guard value <= FeedLimits.sequenceMaximum else { throw malformed("a sequence is too large") }
        return value
    }

    mutating func flag() throws(FormatError) -> Bool {
        let flag = try byte()
        guard flag <= 1 else { throw malformed("a flag is 0 or 1") }
        return flag == 1
    }

    mutating func dots() throws(FormatError) -> [Dot] {
        var dots: [Dot] = []
        for _ in 0..<(try count(ofAtLeast: 9, maximum: FeedLimits.origins)) {
            dots.append(Dot(origin: OriginID(rawValue: try word()), sequence: try sequence()))
        }
        return dots
    }

    mutating func mark() throws(FormatError) -> FeedMark {
        let origin = OriginID(rawValue: try word())
        let sequence = try sequence()
        guard let link = FeedHash(bytes: Array(try raw(32))) else { throw malformed("the bytes end early") }
        return FeedMark(
            origin: origin, position: FeedPosition(sequence: sequence, link: link, stamp: HybridTimestamp(rawValue: try word())))
    }
}
